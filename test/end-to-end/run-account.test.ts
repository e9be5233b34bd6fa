/**
 * Every run is accounted for: events from start to end, a fact of its end, an exit code. Also a run that could not plan,
 * a backfill that failed, and a run that a signal stopped.
 */
import { randomUUID } from 'node:crypto'
import { readdir, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CliProject, expectNoTrace, openRuns, type Running, runBegun } from '../support/cli.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { createShop } from '../support/shop.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase(import.meta.url)
})
afterAll(() => database.drop())

interface RunFact {
  runId: string
  status: string
  problem: { code: string } | null
  steps: readonly { step: string; status: string; reason: string | null; problem: { code: string } | null }[]
}

/** The facts of the runs that ended, newest first. */
async function facts(project: CliProject): Promise<RunFact[]> {
  return JSON.parse((await project.tidemark('runs', '--json')).stdout) as RunFact[]
}

type Event = { kind: string; runId: string; at: string } & Record<string, unknown>

const eventsOf = (stdout: string): Event[] =>
  stdout
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as Event)

const UNKNOWN_TABLE = { 'gold/v.sql': 'CREATE MATERIALIZED VIEW gold.v AS SELECT id FROM silver.nothing;' }

describe('a run that cannot make its plan', () => {
  test('still has a first and a last event, a document and a fact, all with the reason', async () => {
    const project = await createShop(database, 'unplanned', { flows: UNKNOWN_TABLE })
    const ended = await project.tidemark('run', '--events')
    const events = eventsOf(ended.stdout)
    expect(events.map(event => event.kind)).toEqual(['run started', 'run finished'])
    expect(events[1]).toMatchObject({ status: 'failed', results: [], problem: { code: 'FLOW_UNKNOWN_TABLE' } })
    expect(ended.stderr).toContain('error FLOW_UNKNOWN_TABLE: ')
    expect(ended.exit).toBe(2)
    const run = await project.run()
    expect(run).toMatchObject({ exit: 2, status: 'failed', steps: [], problem: { code: 'FLOW_UNKNOWN_TABLE' } })
    const [fact] = await facts(project)
    expect(fact).toMatchObject({ runId: run.runId, status: 'failed', problem: { code: 'FLOW_UNKNOWN_TABLE' } })
  })

  test('because its project is wrong is told in the same way', async () => {
    const project = await createShop(database, 'unloaded', { list: '[{ "schema": "unloaded", "table": "users" },]' })
    const ended = await project.tidemark('run', '--events')
    const events = eventsOf(ended.stdout)
    expect(events.map(event => event.kind)).toEqual(['run started', 'run finished'])
    expect(events[1]).toMatchObject({ status: 'failed', results: [], problem: { code: 'CONFIG_SYNTAX' } })
    expect(ended.exit).toBe(2)
    await project.write({ 'loop_input.json': '[]' })
    expect(await facts(project)).toMatchObject([{ runId: events[0]?.runId, problem: { code: 'CONFIG_SYNTAX' } }])
  })
})

describe('a backfill', () => {
  const shop = {
    entries: [{ schema: 'filled', table: 'orders', cdc_col: 'day' }],
    yaml: `alerts:
  channels: { mail: { email: { to: a@example.org, smtp: { secret: env:SMTP } } } }
  rules: [{ on: [failure, recovery], send: mail }]
targets: { dev: { default: true, mode: development } }
`,
  }
  const orders = 'CREATE TABLE filled.orders (id int PRIMARY KEY, day date); INSERT INTO filled.orders'

  test('is a run of its own with a document, a ledger and a fact', async () => {
    const project = await createShop(database, 'filled', shop)
    await database.query(`${orders} SELECT i, '2026-01-01'::date + i FROM generate_series(1, 5) i`)
    await project.run()
    const ended = await project.tidemark('backfill', 'orders', '--from', '2026-01-03', '--json')
    const document = JSON.parse(ended.stdout) as RunFact
    expect(document.steps).toMatchObject([
      { step: 'bronze.orders', status: 'unchanged', ledger: { read: '4', inserted: '0', duplicate: '4' } },
    ])
    expect(document).toMatchObject({ status: 'succeeded', problem: null, warnings: [] })
    expect(ended.exit).toBe(0)
    expect((await facts(project)).map(({ runId }) => runId)[0]).toBe(document.runId)
  })

  test('that fails says why, closes its fact with the reason, raises an alert, and the next run a recovery', async () => {
    const project = await createShop(database, 'filled', shop)
    await database.query(`${orders} VALUES (1, '2026-01-01')`)
    await project.run()
    const ended = await project.tidemark('backfill', 'orders', '--from', 'yesterday-ish', '--json')
    expect(ended.exit).toBe(1)
    expect(ended.stderr).toContain('error SOURCE_RANGE_INVALID: ')
    expect(ended.stderr).toContain('alert to mail')
    expectNoTrace(ended.stderr)
    expect(JSON.parse(ended.stdout)).toMatchObject({
      status: 'failed',
      steps: [{ step: 'bronze.orders', status: 'failed', problem: { code: 'SOURCE_RANGE_INVALID' } }],
    })
    expect(await openRuns(project)).toEqual([])
    const [fact] = await facts(project)
    expect(fact).toMatchObject({ status: 'failed', steps: [{ problem: { code: 'SOURCE_RANGE_INVALID' } }] })
    const next = await project.tidemark('run')
    expect(next.stderr).toContain('bronze.orders is well again after SOURCE_RANGE_INVALID.')
  })

  test('of a table whose source is away fails in the same way', async () => {
    const project = await createShop(database, 'filled', shop)
    await database.query(`${orders} VALUES (1, '2026-01-01')`)
    await project.run()
    project.env['SHOP_URL'] = database.url.replace(/:\d+\//, ':1/')
    const ended = await project.tidemark('backfill', 'orders', '--from', '2026-01-01')
    expect(ended.exit).toBe(3)
    expect(await openRuns(project)).toEqual([])
    expect((await facts(project))[0]).toMatchObject({ status: 'failed', steps: [{ step: 'bronze.orders' }] })
  })

  test('of a table that does not exist is a mistake of the command line and no run', async () => {
    const project = await createShop(database, 'filled')
    const ended = await project.tidemark('backfill', 'usres', '--from', '1')
    expect(ended.stderr).toContain('did you mean users?')
    expect(ended.exit).toBe(2)
    expect(await facts(project)).toEqual([])
  })
})

describe.each([
  { signal: 'SIGTERM', exit: 143 },
  { signal: 'SIGINT', exit: 130 },
  { signal: 'SIGHUP', exit: 129 },
] as const)('$signal', ({ signal, exit }) => {
  const name = signal.toLowerCase()

  /** A shop with a table that is being read for as long as `hold` is held. */
  async function createBusyShop(schema: string): Promise<{ project: CliProject; hold: () => Promise<void> }> {
    const project = await createShop(database, schema, { entries: [{ schema, table: 'busy' }], yaml: 'parallel: 1\n' })
    await database.query(`CREATE FUNCTION ${schema}.hold(int) RETURNS int STABLE LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_advisory_xact_lock_shared(hashtext('${schema}')); RETURN $1; END $$;
      CREATE VIEW ${schema}.busy AS SELECT ${schema}.hold(user_id) AS id, name FROM ${schema}.users`)
    const somebody = await database.connect()
    await somebody.query(`SELECT pg_advisory_lock(hashtext('${schema}'))`)
    return {
      project,
      hold: async () => void (await somebody.query(`SELECT pg_advisory_unlock(hashtext('${schema}'))`)),
    }
  }

  test('while a table is read ends the run in order, and the next one goes on where it stood', async () => {
    const { project, hold: release } = await createBusyShop(name)
    const running = project.start('run', '--events')
    await running.says('"kind":"step started","runId"')
    await running.says('"step":"bronze.busy"')
    running.kill(signal)
    const ended = await running.ended
    expect(ended.exit).toBe(exit)
    expectNoTrace(ended.stderr)
    const events = eventsOf(ended.stdout)
    expect(events.at(-1)).toMatchObject({ kind: 'run finished', status: 'cancelled', problem: null })
    await expectStopped(project)
    const [fact] = await facts(project)
    expect(fact?.status).toBe('cancelled')
    expect(fact?.steps.find(({ step }) => step === 'bronze.busy')).toMatchObject({
      status: 'skipped',
      reason: 'the run was stopped',
    })
    await release()
    const next = await project.run()
    expect(next.status, next.stderr).toBe('succeeded')
    expect(await project.query('SELECT count(*) AS n FROM silver.users')).toEqual([{ n: '20' }])
    expect((await project.tidemark('verify')).exit).toBe(0)
  })

  test('while the source waits for a lock ends the run in order as well', async () => {
    const schema = `${name}_lock`
    const project = await createShop(database, schema)
    const somebody = await database.connect()
    await somebody.query(`BEGIN; LOCK TABLE ${schema}.users IN ACCESS EXCLUSIVE MODE`)
    const running = project.start('run', '--json')
    await waitsForLock(schema)
    running.kill(signal)
    const ended = await running.ended
    expect(ended.exit).toBe(exit)
    expect(ended.stderr).toContain('error RUN_CANCELLED: ')
    expect(ended.stderr).toContain(signal)
    expectNoTrace(ended.stderr)
    expect(JSON.parse(ended.stdout)).toMatchObject({ status: 'cancelled', steps: [], problem: null })
    await expectStopped(project)
    await somebody.query('ROLLBACK')
    expect((await project.run()).status).toBe('succeeded')
    expect((await facts(project)).map(({ status }) => status)).toEqual(['succeeded', 'cancelled'])
  })

  test('twice ends the process at once, and the next run closes the first as abandoned', async () => {
    const schema = `${name}_twice`
    const { project, hold: release } = await createBusyShop(schema)
    const running = project.start('run', '--events')
    await running.says('"step":"bronze.busy"')
    await endAtOnce(running, signal)
    expect((await running.ended).exit).toBe(exit)
    await release()
    expect((await project.run()).status).toBe('succeeded')
    expect(await openRuns(project)).toEqual([])
    expect(await project.query('SELECT count(*) AS n FROM silver.users')).toEqual([{ n: '20' }])
  })

  /** Nothing of the run is left: its fact is closed, its lease released, its scratch removed. */
  async function expectStopped(project: CliProject): Promise<void> {
    expect(await openRuns(project)).toEqual([])
    expect(await readdir(join(project.lake, 'system'))).not.toContain('lease.json')
    expect(await readdir(join(project.lake, '_tmp'))).toEqual([])
  }

  /** Until a session waits for a lock on the schema's table. */
  async function waitsForLock(schema: string): Promise<void> {
    for (let waiting = '0'; waiting === '0'; ) {
      const [row] = await database.query(`SELECT count(*) AS n FROM pg_locks
        WHERE NOT granted AND relation = '${schema}.users'::regclass`)
      waiting = row?.['n'] ?? '0'
    }
  }
})

async function endAtOnce(running: Running, signal: NodeJS.Signals): Promise<void> {
  running.kill(signal)
  running.kill(signal)
  await running.ended
}

test('a run that was killed is closed as abandoned by the next one, backfill included, and so is what it left of a load', async () => {
  const project = await createShop(database, 'killed')
  // The record of a load whose table is there: a crash came between the commit and the end of the record.
  const left = { 'lake/system/loads/bronze/users/plan.json': '{}' }
  await project.run()
  const somebody = await database.connect()
  await somebody.query('BEGIN; LOCK TABLE killed.users IN ACCESS EXCLUSIVE MODE')
  for (const args of [['run'], ['backfill', 'users', '--from', '2026-01-01']]) {
    const running = project.start(...args)
    await runBegun(project)
    running.kill('SIGKILL')
    await running.ended
  }
  await somebody.query('ROLLBACK')
  await project.write(left)
  const next = await project.tidemark('backfill', 'users', '--from', '2026-01-01')
  expect(next.exit, next.stderr).toBe(0)
  expect(await openRuns(project)).toEqual([])
  expect((await facts(project)).map(({ status }) => status)).toContain('abandoned')
  expect(await readdir(join(project.root, 'lake/system/loads/bronze/users'))).toEqual([])
  await project.write(left)
  const temporary = `system/.tmp-${randomUUID()}`
  await project.write({ [`lake/${temporary}`]: '{' })
  await utimes(join(project.lake, temporary), 1000, 1000)
  const vacuum = async (...args: string[]): Promise<unknown> =>
    JSON.parse((await project.tidemark('vacuum', '--json', ...args)).stdout)
  const found = { loads: ['bronze/users'], temporary: [temporary] }
  expect(await vacuum('--dry-run')).toMatchObject(found)
  expect(await vacuum('--yes')).toMatchObject(found)
  expect(await vacuum('--yes')).toMatchObject({ loads: [], temporary: [] })
})

describe('while a run is at work', () => {
  test('a second one ends at once, names the first, and changes nothing', async () => {
    // The first waits for a lock only so long: the others have to come meanwhile, however slowly a process starts.
    const project = await createShop(database, 'second', { inProcess: true })
    const somebody = await database.connect()
    await somebody.query('BEGIN; LOCK TABLE second.users IN ACCESS EXCLUSIVE MODE')
    const first = project.start('run', '--json')
    await runBegun(project)
    for (const args of [
      ['run', '--json'],
      ['run', '--events'],
      ['backfill', 'users', '--from', '2026-01-01', '--json'],
    ]) {
      const second = await project.tidemark(...args)
      expect(second.stderr).toContain('error RUN_IN_PROGRESS: ')
      expect(second.stderr).toMatch(
        new RegExp(
          `Run \\d{8}T\\d{9}Z-[0-9a-f]{6} on \\S+, process ${first.pid}, has been going since \\d{4}-\\d\\d-\\d\\dT`,
        ),
      )
      expect(second.stdout).toBe('')
      expect(second.exit).toBe(1)
    }
    await somebody.query('ROLLBACK')
    expect((await first.ended).exit).toBe(0)
    expect((await facts(project)).map(({ status }) => status)).toEqual(['succeeded'])
  })
})
