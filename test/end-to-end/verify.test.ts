/** `verify` on the command line: what it says, what it keeps, what `--repair` does and when it refuses. */
import { LocalStore } from '@tidemark/delta'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Sql, sql } from '../../packages/tidemark/src/engine/sql.ts'
import { takeLease } from '../../packages/tidemark/src/run/lease.ts'
import { systemClock, systemProcesses } from '../../packages/tidemark/src/run/system.ts'
import { type CliProject, createProject, expectProblem } from '../support/cli.ts'
import { plantEntries } from '../support/plant.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase(import.meta.url)
})
afterAll(() => database.drop())

async function createShop(schema: string): Promise<CliProject> {
  await database.query(`CREATE SCHEMA ${schema};
    CREATE TABLE ${schema}.sale (id int PRIMARY KEY, price int);
    INSERT INTO ${schema}.sale SELECT g, g * 10 FROM generate_series(1, 100) g`)
  const project = await createProject(
    {
      'tidemark.yml':
        'name: shop\nsources:\n  app: { type: postgres, url: { secret: env:SHOP_URL }, tables: list.json }\n',
      'list.json': JSON.stringify([{ schema, table: 'sale' }]),
    },
    { SHOP_URL: database.url },
    'in this process',
  )
  await project.run()
  return project
}

const plant = (project: CliProject, entries: Sql): Promise<void> => plantEntries(project.lake, 'bronze.sale', entries)

/** One row is lost, one stale, one a ghost. */
const WRONG = sql`SELECT * REPLACE ('delete' AS _op) FROM rows WHERE id = 1 \
UNION ALL BY NAME SELECT * REPLACE (0 AS price) FROM rows WHERE id = 2 \
UNION ALL BY NAME SELECT * REPLACE (999 AS id) FROM rows WHERE id = 3`

describe('verify --repair', () => {
  test('corrects bronze as a run of its own, and the next run carries the corrections on', async () => {
    const project = await createShop('repaired')
    await plant(project, WRONG)
    await project.run('--select', 'silver.sale')
    expect(await project.query('SELECT count(*) AS n FROM silver.sale WHERE id = 1 OR price = 0')).toEqual([{ n: '1' }])
    const found = await project.tidemark('verify')
    expect(found.exit).toBe(1)
    expect(found.stdout).toContain('ghost in bronze.sale: 999\n  lost in bronze.sale: 1\n  stale in bronze.sale: 2\n')
    const repaired = await project.tidemark('verify', 'sale', '--repair', '--json')
    expect(repaired.exit, repaired.stderr).toBe(0)
    const [verdict] = JSON.parse(repaired.stdout) as { repaired: { runId: string } }[]
    expect(verdict).toMatchObject({
      status: 'equal',
      lost: '0',
      repaired: { lost: '1', stale: '1', ghost: '1', deletes: '1', version: '2' },
    })
    const runs = JSON.parse((await project.tidemark('runs', '--json')).stdout) as { runId: string; steps: object[] }[]
    expect(runs[0]).toMatchObject({
      runId: verdict?.repaired.runId,
      steps: [{ step: 'bronze.sale', status: 'changed', ledger: { read: '2', inserted: '2', deletes: '1' } }],
    })
    const next = await project.run()
    expect(next.step('silver.sale').ledger).toMatchObject({ read: '3' })
    expect(await project.query('SELECT count(*) AS n, sum(price) AS price FROM silver.sale')).toEqual([
      { n: '100', price: '50500' },
    ])
    expect((await project.tidemark('verify', '--repair')).stderr).toContain('nothing to repair: equal')
  })

  test('of a suspicious share is refused with the flag that allows it, and nothing is written', async () => {
    const project = await createShop('suspicious')
    await plant(project, sql`SELECT * REPLACE ('delete' AS _op) FROM rows WHERE id <= 50`)
    const refused = await project.tidemark('verify', '--repair')
    expect(refused.exit).toBe(1)
    expect(refused.stderr).toContain('error REPAIR_SUSPICIOUS: ')
    expect(refused.stderr).toContain('tidemark verify bronze.sale --repair --allow-mass-repair')
    const looked = await project.tidemark('verify')
    expect(looked).toMatchObject({
      exit: 1,
      stdout: expect.stringMatching(/0 of 1 tables equal the source; 1 differs\n$/),
    })
    expect(looked.stderr).toBe('next: tidemark verify bronze.sale --repair takes what differs from the source\n')
    const allowed = await project.tidemark('verify', '--repair', '--allow-mass-repair')
    expect(allowed.exit, allowed.stderr).toBe(0)
    expect(allowed.stdout).toContain('repaired in bronze.sale: 50 lost, 0 stale, 0 ghost; version 2')
  })

  test('is refused while a run works on the lake', async () => {
    const project = await createShop('busy')
    const ports = { store: new LocalStore(project.lake), clock: systemClock, processes: systemProcesses }
    await using lease = await takeLease(ports, '20260101T000000000Z-aaaaaa')
    void lease
    const refused = await project.tidemark('verify', '--repair')
    expect(refused.stderr).toContain('error RUN_IN_PROGRESS: ')
    expect((await project.tidemark('verify')).exit).toBe(0)
  })
})

test('status shows up to when a table is proved, and a difference does not move that', async () => {
  const project = await createShop('proved')
  const verified = async (): Promise<string | null | undefined> => {
    const status = JSON.parse((await project.tidemark('status', '--json')).stdout) as {
      tables: { table: string; verified: string | null }[]
    }
    return status.tables.find(({ table }) => table === 'bronze.sale')?.verified
  }
  expect(await verified()).toBeNull()
  const [first] = JSON.parse((await project.tidemark('verify', '--json')).stdout) as { verifiedThrough: string }[]
  expect(await verified()).toBe(first?.verifiedThrough)
  await plant(project, WRONG)
  await project.tidemark('verify')
  expect(await verified()).toBe(first?.verifiedThrough)
  expect((await project.tidemark('status')).stdout).toContain('verified through')
})

test('a name of no table is refused before anything begins', async () => {
  const project = await createShop('unknown')
  const ended = await project.tidemark('verify', 'sael', '--repair')
  expectProblem({ ...ended, stdout: ended.stdout.trim() }, { exit: 2, code: 'STEP_UNKNOWN', says: 'sale' })
})
