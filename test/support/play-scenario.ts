/**
 * Plays scenarios through the command line on a real PostgreSQL, with the lake wherever it is put. Whatever the story, every
 * run's ledger balances, and at its end another run changes nothing and `verify` finds lake and source equal.
 */
import { appendFile, cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import type { Ended } from '../packaging/programs.ts'
import { runInProcess } from './cli-in-process.ts'
import type { EmulatedLake } from './cloud/emulated-lake.ts'
import { createDatabase, type TestDatabase } from './postgres.ts'
import { unbalancedSteps } from './project.ts'
import { type Command, readScenario, type Scenario, type ScenarioStep } from './scenario.ts'

const SCENARIOS = fileURLToPath(new URL('../scenarios', import.meta.url))

/** A scenario under way. */
interface Stage {
  scenario: Scenario
  database: TestDatabase
  sessions: Map<string, pg.Client>
  lake: EmulatedLake | undefined
  tidemark: (...args: string[]) => Promise<Ended>
  root: string
}

/**
 * A test for each scenario.
 *
 * @param place gives each an empty lake of its own; undefined for one in the project's folder
 */
export async function scenarioTests(place: (name: string) => EmulatedLake | undefined): Promise<void> {
  const folders = (await readdir(SCENARIOS, { withFileTypes: true })).filter(entry => entry.isDirectory())
  for (const scenario of await Promise.all(folders.map(({ name }) => readScenario(join(SCENARIOS, name))))) {
    const name = basename(scenario.folder)
    test(`${name}: ${scenario.promise}`, async () => {
      const stage = await openStage(scenario, place(name))
      for (const step of scenario.steps) await play(stage, step)
      await expectQuiet(stage)
    })
  }
}

async function expectQuiet({ tidemark }: Stage): Promise<void> {
  const last = await tidemark('run', '--json')
  expect(last.exit, last.stderr).toBe(0)
  const { steps } = JSON.parse(last.stdout) as { steps: { step: string; status: string }[] }
  expect(
    steps.filter(({ status }) => status !== 'unchanged'),
    'another run changes nothing',
  ).toEqual([])
  const verified = await tidemark('verify')
  expect(verified.exit, `${verified.stdout}${verified.stderr}`).toBe(0)
}

async function openStage(scenario: Scenario, lake: EmulatedLake | undefined): Promise<Stage> {
  const database = await createDatabase(pathToFileURL(scenario.folder).href)
  const root = await mkdtemp(join(tmpdir(), 'tidemark-scenario-'))
  const sessions = new Map<string, pg.Client>()
  onTestFinished(async () => {
    // A prepared transaction that a failed scenario left would keep its database from being dropped.
    const left = await database.query('SELECT gid FROM pg_prepared_xacts WHERE database = current_database()')
    for (const { gid } of left) await database.query(`ROLLBACK PREPARED '${gid}'`)
    await database.drop()
    await rm(root, { recursive: true, force: true })
  })
  const env = { DATABASE_URL: database.url, ...lake?.env }
  const tidemark: Stage['tidemark'] = (...args) => runInProcess(args, { cwd: root, env })
  const stage = { scenario, database, sessions, lake, root, tidemark }
  await putFiles(stage, 'project')
  return stage
}

/** Files of the scenario, put into the project; what they say of the project does not say where the lake is. */
async function putFiles({ scenario, root, lake }: Stage, folder: string): Promise<void> {
  await cp(join(scenario.folder, folder), root, { recursive: true })
  const file = join(root, 'tidemark.yml')
  if (lake === undefined || /^lake:/m.test(await readFile(file, 'utf8'))) return
  const lines = Object.entries(lake.keys).map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`)
  await appendFile(file, `\n${lines.join('')}`)
}

async function play(stage: Stage, step: ScenarioStep): Promise<void> {
  const { scenario, database, sessions } = stage
  switch (step.kind) {
    case 'sql':
      for (const { session, text } of step.parts) {
        if (session === undefined) await database.query(text)
        else {
          if (!sessions.has(session)) sessions.set(session, await database.connect())
          await sessions.get(session)?.query(text)
        }
      }
      return
    case 'commands':
      for (const command of step.commands) await playCommand(stage, step.file, command)
      return
    case 'files':
      await putFiles(stage, step.file)
      return
    case 'table': {
      const query = `SELECT ${step.columns.map(name => `"${name}"`).join(', ')} FROM ${step.table} ORDER BY ALL`
      const ended = await stage.tidemark('query', query, '--csv')
      expect(ended.exit, `${step.file}: ${ended.stderr}`).toBe(0)
      await expect(ended.stdout, step.file).toMatchFileSnapshot(join(scenario.folder, step.file))
    }
  }
}

async function playCommand({ tidemark }: Stage, file: string, { line, args, exit, says }: Command): Promise<void> {
  const isRun = args[0] === 'run'
  const ended = await tidemark(...args, ...(isRun ? ['--json'] : []))
  const output = `${ended.stdout}${ended.stderr}`
  const where = `${file}: ${line}\n${output}`
  expect(ended.exit, where).toBe(exit)
  for (const text of says) expect(output, where).toContain(text)
  if (isRun) expect(unbalancedSteps(ended.stdout), where).toEqual([])
}
