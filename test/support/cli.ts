/**
 * The product as a stranger meets it: a project folder and the command line as a process. Everything it prints and
 * everything it leaves in the lake can be searched for what must not be there.
 */
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished } from 'vitest'
import { type Ended, runProgram } from '../packaging/programs.ts'
import { runInProcess } from './cli-in-process.ts'

export type { Ended } from '../packaging/programs.ts'

export const TIDEMARK: string = fileURLToPath(new URL('../../packages/tidemark/bin/tidemark.js', import.meta.url))

/** The part of a step in `run --json` that tests look at. */
export interface StepJson {
  step: string
  kind: string
  table: string
  status: 'changed' | 'unchanged' | 'failed' | 'skipped'
  reason: string | null
  ledger: Record<string, string> | null
  problem: { code: string; title: string; message: string; hint: string | null; place: string | null } | null
  blockedBy: readonly string[]
  warnings: readonly string[]
}

export interface RunJson {
  exit: number
  stderr: string
  runId: string
  status: string
  steps: readonly StepJson[]
  warnings: readonly string[]
  /** Result of one step. */
  step(id: string): StepJson
}

export interface CliProject {
  readonly root: string
  readonly lake: string
  /** Environment of every command; tests may change it between commands. */
  readonly env: Record<string, string | undefined>
  write(files: Readonly<Record<string, string>>): Promise<void>
  /** Run a command to its end. */
  tidemark(...args: string[]): Promise<Ended>
  /** `run --json` with more arguments. */
  run(...args: string[]): Promise<RunJson>
  /** Rows of a query, every integer and decimal as text. */
  query(statement: string): Promise<Record<string, unknown>[]>
  /** Start a command and leave it running; it is killed when the test ends. */
  start(...args: string[]): Running
}

export interface Running {
  readonly pid: number
  /** Resolves when standard error or output first holds the text; rejects when the process ends before. */
  says(text: string): Promise<void>
  kill(signal: NodeJS.Signals): void
  readonly ended: Promise<Ended>
}

/**
 * A project in a folder of its own, removed when the test ends.
 *
 * @param way commands that are run to their end are processes, or run in this one, which takes a second less each: for
 *   tests of what a command does and says, where no test of the file is about streams, signals or what is left open
 */
export async function createProject(
  files: Readonly<Record<string, string>>,
  env: Record<string, string | undefined> = {},
  way: 'as processes' | 'in this process' = 'as processes',
): Promise<CliProject> {
  const root = await mkdtemp(join(tmpdir(), 'tidemark-project-'))
  onTestFinished(() => rm(root, { recursive: true, force: true }))
  const write: CliProject['write'] = async written => {
    for (const [path, text] of Object.entries(written)) {
      await mkdir(dirname(join(root, path)), { recursive: true })
      await writeFile(join(root, path), text)
    }
  }
  await write(files)
  const tidemark: CliProject['tidemark'] = (...args) => {
    const at = { cwd: root, env: { NO_COLOR: '1', ...env } }
    return way === 'in this process' ? runInProcess(args, at) : runProgram(process.execPath, [TIDEMARK, ...args], at)
  }
  return {
    root,
    lake: join(root, 'lake'),
    env,
    write,
    tidemark,
    run: async (...args) => readRun(await tidemark('run', '--json', ...args)),
    query: async statement => {
      const ended = await tidemark('query', statement, '--json')
      expect(ended, ended.stderr).toMatchObject({ exit: 0 })
      return JSON.parse(ended.stdout) as Record<string, unknown>[]
    },
    start: (...args) => start(root, args, { NO_COLOR: '1', ...env }),
  }
}

/** The document of `run --json`. Fails with what stands on standard error when there is none. */
export function readRun({ exit, stdout, stderr }: Ended): RunJson {
  if (stdout === '') throw new Error(`the run printed no document (exit ${exit}):\n${stderr}`)
  const run = JSON.parse(stdout) as Omit<RunJson, 'exit' | 'stderr' | 'step'>
  const step = (id: string): StepJson => {
    const found = run.steps.find(one => one.step === id)
    if (found === undefined) throw new Error(`no step ${id} among ${run.steps.map(one => one.step).join(', ')}`)
    return found
  }
  return { ...run, exit, stderr, step }
}

function start(cwd: string, args: readonly string[], env: Record<string, string | undefined>): Running {
  const child = spawn(process.execPath, [TIDEMARK, ...args], { cwd, env: { ...process.env, ...env } })
  const output = { stdout: '', stderr: '' }
  const waiting = new Set<() => void>()
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text
      for (const look of waiting) look()
    })
  }
  const ended = new Promise<Ended>(resolve => {
    child.on('close', (exit, signal) => resolve({ exit: exit ?? -1, signal, ...output }))
  })
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return {
    pid: child.pid ?? 0,
    says: text =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (output.stdout.includes(text) || output.stderr.includes(text)) resolve()
        }
        waiting.add(look)
        look()
        void ended.then(({ exit }) => reject(new Error(`ended with ${exit} before "${text}":\n${output.stderr}`)))
      }),
    kill: signal => void child.kill(signal),
    ended,
  }
}

export interface ExpectedProblem {
  exit: number
  code: string
  /** `file:line:column` */
  place?: string
  /** Words of the message a person needs. */
  says?: string | RegExp
}

/** A command that stopped with one problem as a person should see it: code, place, reason, way out; stdout empty. */
export function expectProblem(ended: Ended, { exit, code, place, says }: ExpectedProblem): void {
  expect(ended.stderr).toContain(`error ${code}: `)
  if (place !== undefined) expect(ended.stderr).toContain(`  ${place}\n`)
  if (says !== undefined) expect(ended.stderr).toMatch(typeof says === 'string' ? literal(says) : says)
  expect(ended.stderr).toContain('hint: ')
  expectNoTrace(ended.stderr)
  expect(ended.stdout).toBe('')
  expect(ended.exit, ended.stderr).toBe(exit)
}

/** A step that failed as a person should see it, in the document and on standard error alike. */
export function expectFailedStep(run: RunJson, id: string, { exit, code, place, says }: ExpectedProblem): void {
  const { status, problem } = run.step(id)
  expect(status, run.stderr).toBe('failed')
  expect(problem).toMatchObject({ code, hint: expect.stringMatching(/\S/) })
  if (place !== undefined) expect(problem?.place).toBe(place)
  if (says !== undefined) expect(problem?.message).toMatch(typeof says === 'string' ? literal(says) : says)
  expect(run.stderr).toContain(`error ${code}: `)
  expectNoTrace(run.stderr)
  expect(run.exit, run.stderr).toBe(exit)
}

/** Neither a stack trace nor an excuse. */
export function expectNoTrace(text: string): void {
  expect(text).not.toMatch(/^\s+at .*(\.ts|\.js|node:)/m)
  expect(text).not.toContain('this is a bug')
}

const literal = (text: string): RegExp => new RegExp(text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`))

/** Runs of the lake that were begun and have no end. */
export async function openRuns({ lake }: CliProject): Promise<string[]> {
  const names = await readdir(join(lake, 'system', 'runs')).catch(() => [])
  const ids = (end: string): string[] =>
    names.filter(name => name.endsWith(end)).map(name => name.slice(0, -end.length))
  const ended = new Set(ids('.end.json'))
  return ids('.start.json').filter(id => !ended.has(id))
}

/** Resolves once a run has written its start and not its end. */
export async function runBegun(project: CliProject): Promise<void> {
  while ((await openRuns(project)).length === 0);
}

/** Every file under a folder with its bytes as text: where a secret must not be. */
export async function readAll(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  const files = entries.filter(entry => entry.isFile())
  const texts = await Promise.all(files.map(entry => readFile(join(entry.parentPath, entry.name), 'latin1')))
  return texts.join('\n')
}
