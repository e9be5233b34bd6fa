/**
 * Runs every scenario of this folder through the command line on a real PostgreSQL. Whatever the story, every run's ledger
 * balances, and at its end another run changes nothing and `verify` finds lake and source equal.
 */
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import type { Ended } from '../packaging/programs.ts'
import { runInProcess } from '../support/cli-in-process.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { unbalancedSteps } from '../support/project.ts'
import { type Command, readScenario, type Scenario, type ScenarioStep } from '../support/scenario.ts'

const HERE = fileURLToPath(new URL('.', import.meta.url))
const folders = (await readdir(HERE, { withFileTypes: true })).filter(entry => entry.isDirectory())
const scenarios = await Promise.all(folders.map(({ name }) => readScenario(join(HERE, name))))

/** A scenario under way. */
interface Stage {
  scenario: Scenario
  database: TestDatabase
  sessions: Map<string, pg.Client>
  tidemark(...args: string[]): Promise<Ended>
  root: string
}

for (const scenario of scenarios) {
  test(`${basename(scenario.folder)}: ${scenario.promise}`, async () => {
    const stage = await openStage(scenario)
    for (const step of scenario.steps) await play(stage, step)
    const last = await stage.tidemark('run', '--json')
    expect(last.exit, last.stderr).toBe(0)
    const { steps } = JSON.parse(last.stdout) as { steps: { step: string; status: string }[] }
    expect(
      steps.filter(({ status }) => status !== 'unchanged'),
      'another run changes nothing',
    ).toEqual([])
    const verified = await stage.tidemark('verify')
    expect(verified.exit, `${verified.stdout}${verified.stderr}`).toBe(0)
  })
}

async function openStage(scenario: Scenario): Promise<Stage> {
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
  await cp(join(scenario.folder, 'project'), root, { recursive: true })
  const env = { DATABASE_URL: database.url }
  return { scenario, database, sessions, root, tidemark: (...args) => runInProcess(args, { cwd: root, env }) }
}

async function play(stage: Stage, step: ScenarioStep): Promise<void> {
  const { scenario, database, sessions, root } = stage
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
      await cp(join(scenario.folder, step.file), root, { recursive: true })
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
