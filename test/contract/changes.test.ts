/**
 * What the next run does after a declaration was changed: the rows of docs/reference/changes.md, each as a promise. A
 * change is written into the project's files and run by the command line, as a user would.
 */
import { LocalStore, readSnapshot } from '@tidemark/delta'
import { beforeAll, expect, test } from 'vitest'
import { markDomain, parseMark } from '../../packages/tidemark/src/ingest/mark.ts'
import { type CliProject, createProject } from '../support/cli.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createDatabase(import.meta.url)
  return () => database.drop()
})

type Entry = { table: string } & Record<string, unknown>

/** The schema holds `item` and more tables of the same form, three rows each. */
async function start(schema: string, tables: readonly string[], entries: readonly Entry[]): Promise<CliProject> {
  await database.query(`CREATE SCHEMA ${schema}`)
  for (const table of tables) {
    await database.query(`CREATE TABLE ${schema}.${table} (id int PRIMARY KEY, name text, n int, moved timestamp);
      INSERT INTO ${schema}.${table} SELECT i, 'name ' || i, i, '2026-01-01' FROM generate_series(1, 3) i`)
  }
  const project = await createProject(listOf(schema, entries), { APP_URL: database.url })
  return project
}

function listOf(schema: string, entries: readonly Entry[]): Record<string, string> {
  return {
    'tidemark.yml': 'name: t\nsources:\n  app: { type: postgres, url: { secret: env:APP_URL }, tables: list.json }\n',
    'list.json': JSON.stringify(entries.map(entry => ({ schema, ...entry }))),
  }
}

/** A run that must succeed. */
async function run(project: CliProject, ...args: string[]): ReturnType<CliProject['run']> {
  const done = await project.run(...args)
  expect(done.status, done.stderr).toBe('succeeded')
  return done
}

test('an added entry is loaded in full, a renamed one under its new name, and a removed one keeps its data', async () => {
  const entries = [{ table: 'stays' }, { table: 'old_name' }, { table: 'leaves' }]
  const project = await start('entries', ['stays', 'old_name', 'leaves', 'comes'], entries)
  await run(project)
  await database.query(`UPDATE entries.leaves SET name = 'after'`)
  await project.write(
    listOf('entries', [{ table: 'stays' }, { table: 'old_name', name: 'new_name' }, { table: 'comes' }]),
  )
  const after = await run(project)
  expect(after.steps.map(step => step.step).sort()).toEqual(
    ['stays', 'new_name', 'comes'].flatMap(name => [`bronze.${name}`, `silver.${name}`]).sort(),
  )
  expect(after.step('bronze.comes').ledger).toMatchObject({ inserted: '3' })
  expect(after.step('bronze.new_name').ledger).toMatchObject({ inserted: '3' })
  expect(after.step('bronze.stays').status).toBe('unchanged')
  for (const table of ['silver.leaves', 'silver.old_name']) {
    expect(await project.query(`SELECT count(*) AS n FROM ${table} WHERE name <> 'after'`)).toEqual([{ n: '3' }])
  }
})

test('an entry that points at another table under the same name is compared whole, and only differences are appended', async () => {
  const project = await start('pointed', ['item', 'other'], [{ table: 'item' }])
  await database.query(`UPDATE pointed.other SET name = 'other' WHERE id = 3; DELETE FROM pointed.other WHERE id = 1`)
  await run(project)
  await project.write(listOf('pointed', [{ table: 'other', name: 'item' }]))
  const after = await run(project)
  expect(after.step('bronze.item').ledger).toMatchObject({ read: '2', inserted: '1', deletes: '1' })
  expect(await project.query('SELECT id, name FROM silver.item ORDER BY id')).toEqual([
    { id: '2', name: 'name 2' },
    { id: '3', name: 'other' },
  ])
})

test('a changed key, a renamed source and a column carried as text stop the table, say why, and leave it as it is', async () => {
  const entries = [{ table: 'keyed' }, { table: 'typed' }]
  const project = await start('stops', ['keyed', 'typed', 'well'], [...entries, { table: 'well' }])
  await run(project)
  await project.write(
    listOf('stops', [{ table: 'keyed', primary_key: ['name'] }, { table: 'typed', as_text: 'n' }, { table: 'well' }]),
  )
  await database.query(`UPDATE stops.keyed SET n = 7 WHERE id = 1`)
  const after = await project.run()
  expect(after.exit).toBe(1)
  expect(after.step('bronze.keyed').problem).toMatchObject({ code: 'KEY_CHANGED' })
  expect(after.step('bronze.typed').problem).toMatchObject({ code: 'COLUMN_DRIFT' })
  expect(after.step('bronze.well').status).toBe('unchanged')
  expect(await project.query('SELECT count(*) AS n FROM silver.keyed')).toEqual([{ n: '3' }])
  const files = listOf('stops', [{ table: 'well' }])
  await project.write({ ...files, 'tidemark.yml': (files['tidemark.yml'] ?? '').replace('app:', 'renamed:') })
  await database.query(`UPDATE stops.well SET n = 7 WHERE id = 1`)
  expect((await project.run()).step('bronze.well').problem).toMatchObject({ code: 'BRONZE_WITHOUT_MARK' })
  expect(await project.query('SELECT count(*) AS n FROM silver.well')).toEqual([{ n: '3' }])
})

test('cdc_col may come, change and go without a row being read again', async () => {
  const project = await start('cursor', ['item'], [{ table: 'item' }])
  await run(project)
  for (const entry of [{ cdc_col: 'moved' }, { cdc_col: 'n' }, {}]) {
    await project.write(listOf('cursor', [{ table: 'item', ...entry }]))
    expect((await run(project)).step('bronze.item').reason).toContain('nothing, proved')
  }
})

test('each new from_date is read once; the same one again and an empty one read nothing', async () => {
  const project = await start('backfilled', ['item'], [{ table: 'item', cdc_col: 'moved' }])
  await run(project)
  for (const [from_date, read] of [
    ['2025-06-01', '3'],
    ['2025-06-01', '0'],
    ['2027-01-01', '0'],
    ['', '0'],
    ['2024-06-01', '3'],
  ] as const) {
    await project.write(listOf('backfilled', [{ table: 'item', cdc_col: 'moved', from_date }]))
    expect((await run(project)).step('bronze.item').ledger).toMatchObject({ read, inserted: '0' })
  }
})

test('the from_date of a table without a key is done by the next whole reload, and is never pending', async () => {
  const entry = { table: 'log', cdc_col: 'moved' }
  await database.query(`CREATE SCHEMA keyless; CREATE TABLE keyless.log (n int, moved timestamp);
    INSERT INTO keyless.log VALUES (1, '2026-01-01'), (1, '2026-01-01')`)
  const project = await createProject(listOf('keyless', [entry]), { APP_URL: database.url })
  await run(project)
  const plan = async (): Promise<string> => (await project.tidemark('plan')).stdout
  await project.write(listOf('keyless', [{ ...entry, from_date: '2025-06-01' }]))
  expect(await plan()).toMatch(/bronze\.log .*nothing, proved/)
  expect((await run(project)).step('bronze.log')).toMatchObject({ status: 'unchanged', ledger: { read: '0' } })

  await database.query('UPDATE keyless.log SET n = n WHERE false; CREATE TABLE keyless.other (id int)')
  expect((await run(project)).step('bronze.log')).toMatchObject({ status: 'unchanged', ledger: { read: '2' } })
  expect(await recordedFromDates(project, 'log')).toEqual(['2025-06-01'])
  expect(await plan()).toMatch(/bronze\.log .*nothing, proved/)

  await project.write(listOf('keyless', [{ ...entry, from_date: '2024-06-01' }]))
  await database.query(`INSERT INTO keyless.log VALUES (2, '2026-01-02')`)
  expect((await run(project)).step('bronze.log').ledger).toMatchObject({ read: '3', inserted: '3' })
  expect(await recordedFromDates(project, 'log')).toEqual(['2025-06-01', '2024-06-01'])
})

async function recordedFromDates(project: CliProject, table: string): Promise<readonly string[]> {
  const snapshot = await readSnapshot({ store: new LocalStore(project.lake) }, { tablePath: `bronze/${table}` })
  return parseMark(snapshot?.domain(markDomain('app')) ?? '').backfills
}

test('a filter is refused before anything is read', async () => {
  const project = await start('filtered', ['item'], [{ table: 'item', filter: 'n > 1' }])
  const ended = await project.tidemark('run')
  expect(ended).toMatchObject({ exit: 2, stdout: '' })
  expect(ended.stderr).toContain('error CONFIG_PLANNED')
})

test('deletes that were ignored are found by one full compare when they are to be detected', async () => {
  const project = await start('deleted', ['item'], [{ table: 'item', deletes: 'ignore' }])
  await run(project)
  await database.query('DELETE FROM deleted.item WHERE id = 1')
  expect((await run(project)).step('bronze.item').ledger).toMatchObject({ deletes: '0' })
  await project.write(listOf('deleted', [{ table: 'item', deletes: 'detect' }]))
  expect((await run(project)).step('bronze.item').ledger).toMatchObject({ read: '2', inserted: '0', deletes: '1' })
})

test('transformations and rules count for new rows; --full-refresh applies them to all; a changed type is refused', async () => {
  const tables = ['upper', 'added', 'judged', 'retyped']
  const project = await start(
    'silver',
    tables,
    tables.map(table => ({ table })),
  )
  await run(project)
  for (const table of tables) await database.query(`UPDATE silver.${table} SET moved = '2026-02-02' WHERE id = 1`)
  const silver: Record<string, object> = {
    upper: { transform: [{ upper: 'name' }] },
    added: { transform: [{ derive: { twice: 'n * 2' } }, { drop: 'moved' }] },
    judged: { expect_or_drop: { few: 'n > 3' } },
    retyped: { transform: [{ cast: { n: 'string' } }] },
  }
  await project.write(
    listOf(
      'silver',
      tables.map(table => ({ table, silver: silver[table] })),
    ),
  )
  const after = await project.run()
  expect(after.exit).toBe(1)
  expect(after.step('silver.retyped').problem).toMatchObject({ code: 'FLOW_SCHEMA_CHANGED' })
  const names = (): Promise<unknown> => project.query('SELECT name FROM silver.upper ORDER BY id')
  expect(await names()).toEqual([{ name: 'NAME 1' }, { name: 'name 2' }, { name: 'name 3' }])
  expect(await project.query('SELECT twice, moved IS NULL AS emptied FROM silver.added ORDER BY id')).toEqual([
    { twice: '2', emptied: true },
    { twice: null, emptied: false },
    { twice: null, emptied: false },
  ])
  expect(after.step('silver.judged').ledger).toMatchObject({ read: '1', quarantined: '1', staleByRule: '1' })
  expect(await project.query('SELECT count(*) AS n FROM silver.judged')).toEqual([{ n: '3' }])
  await run(project, '--full-refresh', ...tables.map(table => `silver.${table}`))
  expect(await names()).toEqual([{ name: 'NAME 1' }, { name: 'NAME 2' }, { name: 'NAME 3' }])
  expect(await project.query('SELECT typeof(n) AS type FROM silver.retyped LIMIT 1')).toEqual([{ type: 'VARCHAR' }])
  expect(await project.query('SELECT count(*) AS n FROM silver.judged')).toEqual([{ n: '0' }])
})

const append = (flow: string, query: string): string =>
  `CREATE OR REFRESH STREAMING TABLE gold.seen; CREATE FLOW ${flow} AS INSERT INTO gold.seen BY NAME ${query};`
const view = (query: string): string => `CREATE OR REFRESH MATERIALIZED VIEW gold.total AS ${query};`

test('a changed view is computed again; a changed append flow goes on with new rows; removed flows keep their tables', async () => {
  const project = await start('flows', ['item'], [{ table: 'item' }])
  await project.write({
    'gold/seen.sql': append('seen', 'SELECT id, name FROM STREAM(silver.item)'),
    'gold/total.sql': view('SELECT count(*) AS n FROM silver.item'),
  })
  await run(project)
  await database.query(`UPDATE flows.item SET name = 'new' WHERE id = 1`)
  await project.write({
    'gold/seen.sql': append('seen', 'SELECT id, upper(name) AS name FROM STREAM(silver.item)'),
    'gold/total.sql': view('SELECT sum(n) AS n FROM silver.item'),
  })
  await run(project)
  expect(await project.query('SELECT name FROM gold.seen ORDER BY ALL')).toEqual(
    ['NEW', 'name 1', 'name 2', 'name 3'].map(name => ({ name })),
  )
  expect(await project.query('SELECT n FROM gold.total')).toEqual([{ n: '6' }])
  await project.write({ 'gold/seen.sql': '', 'gold/total.sql': '' })
  const after = await run(project)
  expect(after.steps.map(step => step.step)).toEqual(['bronze.item', 'silver.item'])
  expect(await project.query('SELECT count(*) AS n FROM gold.seen')).toEqual([{ n: '4' }])
})

test('a renamed append flow reads its source from the start; with --full-refresh its rows are there once', async () => {
  const project = await start('renamed', ['item'], [{ table: 'item' }])
  const query = 'SELECT id FROM STREAM(silver.item)'
  const rows = (): Promise<unknown> => project.query('SELECT count(*) AS n FROM gold.seen')
  await project.write({ 'gold/seen.sql': append('first', query) })
  await run(project)
  await project.write({ 'gold/seen.sql': append('second', query) })
  await run(project)
  expect(await rows()).toEqual([{ n: '6' }])
  await run(project, '--full-refresh', 'gold.seen')
  expect(await rows()).toEqual([{ n: '3' }])
})

test('a flow that reads a table whose entry is gone stops the project with its place', async () => {
  const project = await start('orphan', ['item', 'other'], [{ table: 'item' }, { table: 'other' }])
  await project.write({ 'gold/total.sql': view('SELECT count(*) AS n FROM silver.item') })
  await run(project)
  await project.write(listOf('orphan', [{ table: 'other' }]))
  const ended = await project.tidemark('run')
  expect(ended.exit).toBe(2)
  expect(ended.stderr).toContain('error FLOW_UNKNOWN_TABLE')
  expect(ended.stderr).toContain('gold/total.sql:1:')
})

const history = (type: 1 | 2): string =>
  `CREATE OR REFRESH STREAMING TABLE gold.dim; CREATE FLOW dim AS AUTO CDC INTO gold.dim FROM STREAM(silver.item)
   KEYS (id) SEQUENCE BY moved STORED AS SCD TYPE ${type};`

test.each([
  { from: 1, to: 2 },
  { from: 2, to: 1 },
] as const)('SCD type $from to $to is complete after --full-refresh', async ({ from, to }) => {
  const project = await start(`scd${from}`, ['item'], [{ table: 'item' }])
  await project.write({ 'gold/dim.sql': history(from) })
  await run(project)
  await database.query(`UPDATE scd${from}.item SET name = 'new', moved = '2026-02-02' WHERE id = 1`)
  await run(project)
  await project.write({ 'gold/dim.sql': history(to) })
  await run(project, '--full-refresh', 'gold.dim')
  expect(await project.query('SELECT id, name FROM gold.dim ORDER BY id, name DESC')).toEqual([
    { id: '1', name: 'new' },
    ...(to === 2 ? [{ id: '1', name: 'name 1' }] : []),
    { id: '2', name: 'name 2' },
    { id: '3', name: 'name 3' },
  ])
})
