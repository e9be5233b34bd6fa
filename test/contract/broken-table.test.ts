/** A table of the lake that somebody or some disk broke: it alone stops, its problem names file and version. */
import { readFile, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readSnapshot } from '@tidemark/delta'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDuckdb } from '../../packages/tidemark/src/engine/duckdb.ts'
import { type Sql, sql } from '../../packages/tidemark/src/engine/sql.ts'
import type { StepResult } from '../../packages/tidemark/src/model/event.ts'
import { runQuery } from '../../packages/tidemark/src/run/query.ts'
import { readStatus } from '../../packages/tidemark/src/run/status.ts'
import { systemIds } from '../../packages/tidemark/src/run/system.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { createProject, failures, type TestProject } from '../support/project.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase(import.meta.url)
})
afterAll(() => database.drop())

/** Two tables with two commits each and a view over either; `orders` is going to be broken. */
async function createTwo(): Promise<TestProject> {
  await database.query(`DROP SCHEMA IF EXISTS two CASCADE; CREATE SCHEMA two;
    CREATE TABLE two.orders (id int PRIMARY KEY, n int); INSERT INTO two.orders VALUES (1, 1), (2, 2);
    CREATE TABLE two.users (id int PRIMARY KEY, n int); INSERT INTO two.users VALUES (1, 1), (2, 2)`)
  const project = await createProject({
    url: database.url,
    tables: [
      { schema: 'two', table: 'orders' },
      { schema: 'two', table: 'users' },
    ],
    flows: {
      'flows/of_orders.sql': 'CREATE MATERIALIZED VIEW gold.of_orders AS SELECT sum(n) AS n FROM silver.orders',
      'flows/of_users.sql': 'CREATE MATERIALIZED VIEW gold.of_users AS SELECT sum(n) AS n FROM silver.users',
    },
  })
  expect(failures(await project.run())).toEqual([])
  await change(5)
  expect(failures(await project.run())).toEqual([])
  return project
}

async function change(n: number): Promise<void> {
  await database.query(`UPDATE two.orders SET n = ${n} WHERE id = 1; UPDATE two.users SET n = ${n} WHERE id = 1`)
}

const commitFile = (version: number): string => `${String(version).padStart(20, '0')}.json`

test.each([
  {
    how: 'a commit torn in the middle of a line',
    break: (log: string) => truncate(join(log, commitFile(1)), 40),
    says: `bronze/orders is broken. Version 1 cannot be read (${commitFile(1)}, line 1)`,
  },
  {
    how: 'a commit that is not text',
    break: (log: string) => writeFile(join(log, commitFile(0)), Buffer.from([0xff, 0xfe, 0x00, 0x80])),
    says: `bronze/orders is broken. Version 0 cannot be read (${commitFile(0)})`,
  },
  {
    how: 'a commit with a required field gone',
    break: (log: string) => writeFile(join(log, commitFile(1)), '{"add":{"path":"x.parquet"}}\n'),
    says: `bronze/orders is broken. Version 1 cannot be read (${commitFile(1)}, line 1): size must be an integer`,
  },
  {
    how: 'a commit missing in the middle',
    break: (log: string) => rm(join(log, commitFile(0))),
    says: `The log of bronze/orders lacks version 0 (${commitFile(0)})`,
  },
  {
    how: 'every commit gone and something else left',
    break: async (log: string) => {
      await rm(log, { recursive: true })
      await writeFile(`${log}`, 'not a folder')
    },
    says: 'bronze/orders',
    code: 'FOLDER_NOT_OURS',
  },
])('$how stops that table alone and is named', async ({ break: breakLog, says, code = 'DELTA_LOG_UNREADABLE' }) => {
  await using project = await createTwo()
  await breakLog(join(project.lake, 'bronze/orders/_delta_log'))
  await change(7)
  const { results } = await project.run()
  const of = (step: string) => results.find(result => result.step === step)
  expect(of('bronze.orders')).toMatchObject({ status: 'failed', problem: { code } })
  expect(of('bronze.orders')?.problem?.message).toContain(says)
  expect(of('silver.orders')).toMatchObject({ status: 'skipped', blockedBy: ['bronze.orders'] })
  expect(of('gold.of_orders')).toMatchObject({ status: 'skipped', blockedBy: ['bronze.orders'] })
  expect(of('silver.users')).toMatchObject({ status: 'changed', ledger: { updated: 1n } })
  expect(await project.rows('SELECT n FROM {gold.of_users}')).toEqual([{ n: 9n }])
  expect(await project.rows('SELECT n FROM {gold.of_orders}')).toEqual([{ n: 7n }])
  if (code !== 'DELTA_LOG_UNREADABLE') return
  const status = await readStatus(project)
  expect(status.find(({ table }) => table === 'bronze.orders')).toMatchObject({ rows: undefined, problem: { code } })
  expect(status.filter(({ problem }) => problem !== undefined).map(({ table }) => table)).toEqual(['bronze.orders'])
})

test('a data file that is gone is named with its table and version, by a query and by a run', async () => {
  await using project = await createTwo()
  const snapshot = await readSnapshot(project, { tablePath: 'bronze/orders' })
  const file = [...(snapshot?.files.keys() ?? [])][0] ?? ''
  await rm(join(project.lake, 'bronze/orders', file))
  const says = `The data file ${file} of version 1 of bronze/orders does not exist`
  const engine = openDuckdb({ store: project.store, ids: systemIds, scratch: undefined, folders: [project.lake] })
  try {
    await using session = await engine.session()
    const lake = { ...project, engine, scratch: undefined }
    const outside = { cwd: project.root, open: () => Promise.reject(new Error('nothing is outside')) }
    const query = {
      tables: ['bronze.orders'],
      moments: new Map(),
      replaced: (of: (table: string) => Sql) => sql`FROM ${of('bronze.orders')}`,
    }
    await expect(runQuery({ lake, session, outside }, query, new AbortController().signal)).rejects.toMatchObject({
      code: 'DELTA_LOG_UNREADABLE',
      message: expect.stringContaining(says),
    })
  } finally {
    await engine.close()
  }
  await change(7)
  const { results } = await project.run()
  const failed = results.find(({ step }) => step === 'bronze.orders')
  expect(failed).toMatchObject({ status: 'failed', problem: { code: 'DELTA_LOG_UNREADABLE' } })
  expect(failed?.problem?.message).toContain(says)
})

test('a broken silver table stops itself and what reads it; bronze goes on', async () => {
  await using project = await createTwo()
  await truncate(join(project.lake, 'silver/orders/_delta_log', commitFile(1)), 40)
  await change(7)
  const { results } = await project.run()
  const statuses = Object.fromEntries(results.map(({ step, status }) => [step, status]))
  expect(statuses).toEqual({
    'bronze.orders': 'changed',
    'bronze.users': 'changed',
    'silver.orders': 'failed',
    'silver.users': 'changed',
    'gold.of_orders': 'skipped',
    'gold.of_users': 'changed',
  })
})

test('moved out of the lake, as the hint says, a broken table is made anew and nothing is lost', async () => {
  await using project = await createTwo()
  await truncate(join(project.lake, 'silver/orders/_delta_log', commitFile(1)), 40)
  const broken = await project.run()
  expect(broken.results.find(({ step }) => step === 'silver.orders')?.problem?.hint).toContain('move the folder')
  await rename(join(project.lake, 'silver/orders'), join(project.root, 'away'))
  await change(7)
  expect(failures(await project.run())).toEqual([])
  expect(await project.rows('SELECT id, n FROM {silver.orders} ORDER BY id')).toEqual([
    { id: 1n, n: 7n },
    { id: 2n, n: 2n },
  ])
  expect(await project.rows('SELECT n FROM {gold.of_orders}')).toEqual([{ n: 9n }])
})

test.each([
  { how: 'makes another version under the number that was read', lost: [2], runs: 1, says: 'its version 2 is another' },
  { how: 'has gone past the number that was read', lost: [2], runs: 2, says: 'its version 2 is another' },
  {
    how: 'has not come to the number that was read',
    lost: [1, 2],
    runs: 1,
    says: 'at version 1 after version 2 was read',
  },
])(
  'a bronze table that was put back and $how stops what streams it, with the way out',
  async ({ lost, runs, says }) => {
    await using project = await createTwo()
    await change(6)
    expect(failures(await project.run())).toEqual([])
    for (const version of lost) await rm(join(project.lake, 'bronze/orders/_delta_log', commitFile(version)))
    let step: StepResult | undefined
    for (let n = 0; n < runs; n++) {
      await change(7 + n)
      const { results } = await project.run()
      step = results.find(({ table }) => table === 'silver.orders')
    }
    expect(step).toMatchObject({ status: 'failed', problem: { code: 'FLOW_SOURCE_REWRITTEN' } })
    expect(step?.problem?.message).toContain(says)
    expect(step?.problem?.hint).toContain('--full-refresh silver.orders')
  },
)

test('a view and a table without a key are computed anew from a table that was put back, also where the number is the same', async () => {
  await database.query(`DROP SCHEMA IF EXISTS two CASCADE; CREATE SCHEMA two;
    CREATE TABLE two.notes (n int); INSERT INTO two.notes VALUES (1)`)
  await using project = await createProject({
    url: database.url,
    tables: [{ schema: 'two', table: 'notes' }],
    flows: { 'flows/v.sql': 'CREATE MATERIALIZED VIEW gold.v AS SELECT n FROM bronze.notes' },
  })
  for (const n of [2, 3]) {
    expect(failures(await project.run())).toEqual([])
    await database.query(`UPDATE two.notes SET n = ${n}`)
  }
  expect(failures(await project.run())).toEqual([])
  await rm(join(project.lake, 'bronze/notes/_delta_log', commitFile(2)))
  await database.query(`UPDATE two.notes SET n = 4`)
  expect(failures(await project.run())).toEqual([])
  expect(await project.rows('SELECT s.n, v.n AS m FROM {silver.notes} s, {gold.v} v')).toEqual([{ n: 4n, m: 4n }])
})

test.each([
  {
    how: 'of a format that a newer version writes',
    change: ['format\\":2', 'format\\":3'],
    says: 'format 3 is not known',
  },
  { how: 'without its keys', change: ['keys\\":', 'kyes\\":'], says: 'keys or backfills are no list' },
])('a mark $how stops its table alone, with the way out', async ({ change: [before = '', after = ''], says }) => {
  await using project = await createTwo()
  const commit = join(project.lake, 'bronze/orders/_delta_log', commitFile(1))
  await writeFile(commit, (await readFile(commit, 'utf8')).replace(before, after))
  await change(7)
  const { results } = await project.run()
  const failed = results.filter(({ status }) => status === 'failed')
  expect(failed.map(({ step, problem }) => [step, problem?.code, problem?.message])).toEqual([
    ['bronze.orders', 'BRONZE_MARK_UNREADABLE', expect.stringContaining(says)],
  ])
  expect(results.find(({ step }) => step === 'silver.users')?.status).toBe('changed')
})
