/**
 * What the next run does after a flow was changed, and that `plan` says so before: the rows of
 * docs/reference/changes.md about flows, each as a promise.
 */
import { LocalStore, readSnapshot } from '@tidemark/delta'
import { beforeAll, expect, test } from 'vitest'
import { expectFailedStep } from '../support/cli.ts'
import { type Changing, startChanging } from '../support/changing.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createDatabase(import.meta.url)
  return () => database.drop()
})

/** A loaded table `item` with the files of its flows; every flow has run once. */
async function start(schema: string, files: Readonly<Record<string, string>>): Promise<Changing> {
  const project = await startChanging(database, schema, ['item', 'other'], [{ table: 'item' }, { table: 'other' }])
  await project.write(files)
  await project.succeed()
  return project
}

const append = (query: string, flow = 'seen'): string =>
  `CREATE OR REFRESH STREAMING TABLE gold.seen; CREATE FLOW ${flow} AS INSERT INTO gold.seen BY NAME ${query};`
const view = (query: string, name = 'total'): string => `CREATE OR REFRESH MATERIALIZED VIEW gold.${name} AS ${query};`
const applies = (what: string, table: string): string =>
  `${what} changed: it counts for new rows; --full-refresh ${table} applies it to all`

test('a materialized view is computed when added, again when changed, and under a new name; the old table stays', async () => {
  const project = await start('views', { 'gold/total.sql': view('SELECT count(*) AS n FROM silver.item') })
  expect(await project.column('n', 'gold.total')).toEqual(['3'])
  await project.write({ 'gold/total.sql': view('SELECT sum(n) AS sum, max(name) AS name FROM silver.item') })
  expect((await project.plan()).says('gold.total')).toEqual({
    expect: 'at most 3',
    notes: ['the definition changed: computed again as a whole'],
  })
  await project.succeed()
  expect(await project.query('SELECT * FROM gold.total')).toEqual([{ sum: '6', name: 'name 3' }])
  await project.write({ 'gold/total.sql': view('SELECT sum(n) AS sum FROM silver.item', 'whole') })
  const plan = await project.plan()
  expect(plan.says('gold.whole').expect).toBe('at most 3')
  expect(plan.unfilled).toEqual(['gold.total'])
  await project.succeed()
  expect(await project.column('sum', 'gold.whole')).toEqual(['6'])
  await project.write({ 'gold/total.sql': '' })
  expect((await project.plan()).unfilled).toEqual(['gold.total', 'gold.whole'])
  await project.succeed()
  expect(await project.column('sum', 'gold.total')).toEqual(['6'])
})

test('a changed append flow goes on with new rows, a retyped column is refused, and a removed flow keeps its table', async () => {
  const project = await start('appended', { 'gold/seen.sql': append('SELECT id, name FROM STREAM(silver.item)') })
  await database.query(`UPDATE appended.item SET name = 'new' WHERE id = 1`)
  await project.write({ 'gold/seen.sql': append('SELECT id, length(name) AS name FROM STREAM(silver.item)') })
  expectFailedStep(await project.run(), 'gold.seen#seen', { exit: 1, code: 'FLOW_SCHEMA_CHANGED' })
  await project.write({ 'gold/seen.sql': append('SELECT id, upper(name) AS name FROM STREAM(silver.item)') })
  expect((await project.plan()).says('gold.seen#seen').notes).toEqual([applies('the query', 'gold.seen')])
  await project.succeed()
  expect(await project.column('name', 'gold.seen')).toEqual(['NEW', 'name 1', 'name 2', 'name 3'])
  await project.write({ 'gold/seen.sql': '' })
  expect((await project.plan()).unfilled).toEqual(['silver.item_changes', 'gold.seen'])
  expect((await project.succeed()).steps.map(step => step.table).filter(table => table.startsWith('gold'))).toEqual([])
  expect(await project.column('id', 'gold.seen')).toEqual(['1', '1', '2', '3'])
})

test('a renamed append flow reads its stream from the start; with --full-refresh its rows are there once', async () => {
  const query = 'SELECT id FROM STREAM(silver.item)'
  const project = await start('renamed', { 'gold/seen.sql': append(query, 'first') })
  await project.write({ 'gold/seen.sql': append(query, 'second') })
  expect((await project.plan()).says('gold.seen#second').notes).toEqual([
    'new flow into a table that has rows: it reads its stream from the start, and appends every row of it',
  ])
  await project.succeed()
  expect(await project.column('id', 'gold.seen')).toHaveLength(6)
  await project.succeed('--full-refresh', 'gold.seen')
  expect(await project.column('id', 'gold.seen')).toHaveLength(3)
})

test('rules of a flow judge new rows, and a temporary view is part of the flows that read it', async () => {
  const flow = (rule: string, where: string): string => `CREATE OR REFRESH STREAMING TABLE gold.seen (${rule});
    CREATE TEMPORARY VIEW picked AS SELECT id, n FROM STREAM(silver.item) WHERE ${where};
    CREATE FLOW seen AS INSERT INTO gold.seen BY NAME SELECT * FROM STREAM(picked);`
  const project = await start('ruled', { 'gold/seen.sql': flow('', 'n > 0') })
  const rule = 'CONSTRAINT few EXPECT (n < 3) ON VIOLATION DROP ROW'
  await project.write({ 'gold/seen.sql': flow(rule, 'n > 1') })
  expect((await project.plan()).says('gold.seen#seen').notes).toEqual([
    applies('the query', 'gold.seen'),
    applies('the rules', 'gold.seen'),
  ])
  await database.query('UPDATE ruled.item SET n = n + 1')
  await project.succeed()
  expect(await project.column('n', 'gold.seen')).toEqual(['1', '2', '2', '3'])
  expect(await project.column('n', 'quarantine.gold_seen')).toEqual(['3', '4'])
  await project.write({ 'gold/seen.sql': append('SELECT * FROM STREAM(picked)') })
  const ended = await project.tidemark('run')
  expect(ended).toMatchObject({ exit: 2, stderr: expect.stringContaining('error FLOW_UNKNOWN_TABLE') })
})

const history = ({
  type = 1,
  keys = 'id',
  by = 'moved',
  from = 'item',
  flow = 'dim',
  into = 'dim',
  when = '',
} = {}): string =>
  `CREATE OR REFRESH STREAMING TABLE gold.${into}; CREATE FLOW ${flow} AS AUTO CDC INTO gold.${into}
   FROM STREAM(silver.${from}) KEYS (${keys}) ${when} SEQUENCE BY ${by} STORED AS SCD TYPE ${type};`

test.each([
  { what: 'SCD type 1 to 2', from: { type: 1 }, to: { type: 2 }, before: 'SCD TYPE 1', now: 'SCD TYPE 2', versions: 4 },
  { what: 'SCD type 2 to 1', from: { type: 2 }, to: { type: 1 }, before: 'SCD TYPE 2', now: 'SCD TYPE 1', versions: 3 },
  { what: 'KEYS', from: {}, to: { keys: 'name' }, before: 'KEYS id', now: 'KEYS name', versions: 4 },
  { what: 'SEQUENCE BY', from: {}, to: { by: 'n' }, before: 'SEQUENCE BY moved', now: 'SEQUENCE BY n', versions: 3 },
  {
    what: 'the stream',
    from: {},
    to: { from: 'other' },
    before: 'STREAM(silver.item_changes)',
    now: 'STREAM(silver.other_changes)',
    versions: 3,
  },
])('a change of $what is refused with its place, and said by plan, until --full-refresh', async at => {
  const schema = `cdc_${at.what.replaceAll(/\W/g, '_').toLowerCase()}`
  const project = await start(schema, { 'gold/dim.sql': history(at.from) })
  const update = `UPDATE ${schema}.item SET name = 'new', n = 9, moved = '2026-02-02' WHERE id = 1`
  await database.query(update)
  await project.succeed()
  const rows = await project.column('name', 'gold.dim')
  await project.write({ 'gold/dim.sql': history(at.to) })
  for (const change of ['', update]) {
    if (change !== '') await database.query(change)
    const plan = await project.plan()
    expect(plan.exit).toBe(1)
    expect(plan.says('gold.dim').expect).toBe('refused FLOW_DECLARATION_CHANGED')
    expect(plan.stderr).toContain('gold/dim.sql:1:45')
    expect(plan.stderr).toContain(
      'hint: Make all of its rows anew from the layer below: tidemark run --full-refresh gold.dim',
    )
    const says = `gold.dim holds rows made with ${at.before}; flow dim now says ${at.now}.`
    const refused = { exit: 1, code: 'FLOW_DECLARATION_CHANGED', place: 'gold/dim.sql:1:45', says }
    expectFailedStep(await project.run(), 'gold.dim', refused)
    expect(await project.column('name', 'gold.dim')).toEqual(rows)
  }
  expect((await project.plan('--full-refresh', 'gold.dim')).exit).toBe(0)
  await project.succeed('--full-refresh', 'gold.dim')
  expect(await project.column('name', 'gold.dim')).toHaveLength(at.versions)
  expect((await project.succeed()).step('gold.dim').status).toBe('unchanged')
})

test('an AUTO CDC flow under another name changes no row; its delete condition counts for new events', async () => {
  const project = await start('cdc_named', { 'gold/dim.sql': history() })
  await project.write({ 'gold/dim.sql': history({ flow: 'other_name' }) })
  expect((await project.plan()).says('gold.dim').notes).toEqual([
    'new flow into a table that has rows: it reads its stream from the start',
  ])
  await project.succeed()
  expect(await project.column('name', 'gold.dim')).toEqual(['name 1', 'name 2', 'name 3'])
  await database.query(`UPDATE cdc_named.item SET n = 100, moved = '2026-03-03' WHERE id = 1`)
  await project.write({ 'gold/dim.sql': history({ flow: 'other_name', when: 'APPLY AS DELETE WHEN n > 2' }) })
  expect((await project.plan()).says('gold.dim').notes).toEqual([applies('APPLY AS DELETE WHEN', 'gold.dim')])
  await project.succeed()
  expect(await project.column('name', 'gold.dim')).toEqual(['name 2', 'name 3'])
})

test('another target is a new table filled from the start, and the old one stays', async () => {
  const project = await start('cdc_target', { 'gold/dim.sql': history({ type: 2 }) })
  await project.write({ 'gold/dim.sql': history({ type: 2, into: 'dim_new', flow: 'dim_new' }) })
  expect((await project.plan()).unfilled).toEqual(['gold.dim'])
  await project.succeed()
  expect(await project.column('id', 'gold.dim_new')).toEqual(['1', '2', '3'])
  expect(await project.column('id', 'gold.dim')).toEqual(['1', '2', '3'])
})

test('a flow that takes over a silver table of the list, or gives it back, is refused until --full-refresh', async () => {
  const project = await start('taken', {})
  const own = `CREATE OR REFRESH STREAMING TABLE silver.item; CREATE FLOW own AS AUTO CDC INTO silver.item
    FROM STREAM(bronze.item) KEYS (id) SEQUENCE BY moved;`
  for (const [file, before] of [
    [own, 'made with flow the table list'],
    ['', 'made with flow AUTO CDC'],
  ] as const) {
    await project.write({ 'silver/item.sql': file })
    expect((await project.plan()).says('silver.item').expect).toBe('refused FLOW_DECLARATION_CHANGED')
    expectFailedStep(await project.run(), 'silver.item', { exit: 1, code: 'FLOW_DECLARATION_CHANGED', says: before })
    await project.succeed('--full-refresh', 'silver.item')
    expect(await project.column('name', 'silver.item')).toEqual(['name 1', 'name 2', 'name 3'])
  }
})

test('a flow that reads a table whose entry is gone stops the project with its place', async () => {
  const project = await start('orphan', { 'gold/total.sql': view('SELECT count(*) AS n FROM silver.item') })
  await project.list([{ table: 'other' }])
  const ended = await project.tidemark('run')
  expect(ended.exit).toBe(2)
  expect(ended.stderr).toContain('error FLOW_UNKNOWN_TABLE')
  expect(ended.stderr).toContain('gold/total.sql:1:')
})

test('one flow that cannot run keeps no other from being planned and run', async () => {
  const project = await start('alone', {
    'gold/dim.sql': history(),
    'gold/total.sql': view('SELECT count(*) AS n FROM silver.item'),
  })
  await project.write({ 'gold/dim.sql': history({ type: 2 }) })
  await database.query(`INSERT INTO alone.item VALUES (4, 'name 4', 4, '2026-01-01')`)
  const run = await project.run()
  expect(run.step('gold.dim').status).toBe('failed')
  expect(run.step('gold.total').status).toBe('changed')
  expect(await project.column('n', 'gold.total')).toEqual(['4'])
})

test('properties of a gold table are there from its first commit; a view gets new ones when it is computed again', async () => {
  const stream = (extra: string): string =>
    `CREATE OR REFRESH STREAMING TABLE gold.seen TBLPROPERTIES (${extra}); ` +
    'CREATE FLOW seen AS INSERT INTO gold.seen BY NAME SELECT id FROM STREAM(silver.item);'
  const project = await start('propertied', {
    'gold/seen.sql': stream(`'owner' = 'sales'`),
    'gold/total.sql': view('SELECT count(*) AS n FROM silver.item'),
  })
  const configuration = async (table: string): Promise<unknown> =>
    (await readSnapshot({ store: new LocalStore(project.lake) }, { tablePath: table }))?.configuration
  expect(await configuration('gold/seen')).toEqual({ owner: 'sales' })
  const total =
    "CREATE OR REFRESH MATERIALIZED VIEW gold.total TBLPROPERTIES ('owner' = 'finance') AS SELECT count(*) AS n"
  await project.write({ 'gold/total.sql': `${total} FROM silver.item;` })
  expect((await project.succeed()).step('gold.total').status).toBe('unchanged')
  await database.query('DELETE FROM propertied.item WHERE id = 1')
  await project.succeed()
  expect(await configuration('gold/total')).toEqual({ owner: 'finance' })
  expect(await project.column('n', 'gold.total')).toEqual(['2'])
})
