/**
 * What the next run does after the table list was changed, and that `plan` says so before: the rows of
 * docs/reference/changes.md, each as a promise. A change is written into the project's files and run by the command
 * line, as a user would.
 */
import { LocalStore, readSnapshot } from '@tidemark/delta'
import { beforeAll, expect, test } from 'vitest'
import { markDomain, parseMark } from '../../packages/tidemark/src/ingest/mark.ts'
import { expectFailedStep } from '../support/cli.ts'
import { type Changing, type Entry, startChanging } from '../support/changing.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createDatabase(import.meta.url)
  return () => database.drop()
})

const start = (schema: string, tables: readonly string[], entries: readonly Entry[]): Promise<Changing> =>
  startChanging(database, schema, tables, entries)

test('an added entry is loaded in full, a renamed one under its new name, and a removed one keeps its data', async () => {
  const entries = [{ table: 'stays' }, { table: 'old_name' }, { table: 'leaves' }]
  const project = await start('entries', ['stays', 'old_name', 'leaves', 'comes'], entries)
  await project.succeed()
  await database.query(`UPDATE entries.leaves SET name = 'after'`)
  await project.list([{ table: 'stays' }, { table: 'old_name', name: 'new_name' }, { table: 'comes' }])
  const plan = await project.plan()
  const steps = ['stays', 'new_name', 'comes'].flatMap(name => [`bronze.${name}`, `silver.${name}`])
  expect([...plan.steps].sort()).toEqual(steps.sort())
  expect(plan.says('bronze.new_name').expect).toBe('whole table')
  expect(plan.says('bronze.comes').expect).toBe('whole table')
  expect(plan.unfilled).toEqual(['bronze.leaves', 'bronze.old_name', 'silver.leaves', 'silver.old_name'])
  const after = await project.succeed()
  expect(after.steps.map(step => step.step).sort()).toEqual(steps.sort())
  expect(after.step('bronze.comes').ledger).toMatchObject({ inserted: '3' })
  expect(after.step('bronze.new_name').ledger).toMatchObject({ inserted: '3' })
  expect(after.step('bronze.stays').status).toBe('unchanged')
  for (const table of ['silver.leaves', 'silver.old_name']) {
    expect(await project.query(`SELECT count(*) AS n FROM ${table} WHERE name <> 'after'`)).toEqual([{ n: '3' }])
  }
  expect((await project.tidemark('plan')).stdout).toContain(
    'nothing fills these tables any more; they stay as they are: bronze.leaves, bronze.old_name, silver.leaves, silver.old_name',
  )
})

test('an entry that points at another table under the same name is compared whole, and only differences are appended', async () => {
  const project = await start('pointed', ['item', 'other'], [{ table: 'item' }])
  await database.query(`UPDATE pointed.other SET name = 'other' WHERE id = 3; DELETE FROM pointed.other WHERE id = 1`)
  await project.succeed()
  await project.list([{ table: 'other', name: 'item' }])
  expect((await project.plan()).says('bronze.item')).toEqual({
    expect: 'whole table',
    notes: expect.arrayContaining(['full compare: the relation changed']),
  })
  const after = await project.succeed()
  expect(after.step('bronze.item').ledger).toMatchObject({ read: '2', inserted: '1', deletes: '1' })
  expect(await project.query('SELECT id, name FROM silver.item ORDER BY id')).toEqual([
    { id: '2', name: 'name 2' },
    { id: '3', name: 'other' },
  ])
})

test('a source with another timezone is compared whole; one under another name stops its tables', async () => {
  const project = await start('sourced', ['item'], [{ table: 'item' }])
  await project.succeed()
  await project.list([{ table: 'item' }], { timezone: 'Europe/Oslo' })
  expect((await project.plan()).says('bronze.item').notes).toContain('full compare: the entry changed')
  expect((await project.succeed()).step('bronze.item').ledger).toMatchObject({ read: '3', inserted: '3' })
  await project.list([{ table: 'item' }], { timezone: 'Europe/Oslo', source: 'renamed' })
  const refused = { exit: 1, code: 'BRONZE_WITHOUT_MARK', place: 'list.json:1:30' }
  const plan = await project.plan()
  expect(plan.says('bronze.item').expect).toBe('refused BRONZE_WITHOUT_MARK')
  expect(plan).toMatchObject({ exit: 1, stderr: expect.stringContaining('list.json:1:30') })
  expectFailedStep(await project.run(), 'bronze.item', refused)
  expect(await project.column('id', 'silver.item')).toEqual(['1', '2', '3'])
})

test('a key that comes, changes, is renamed or goes stops the table at once, unless it is the one in use', async () => {
  const tables = ['same', 'other', 'renamed', 'longer']
  const project = await start(
    'keyed',
    tables,
    tables.map(table => ({ table })),
  )
  await project.succeed()
  const keyed = (table: string, ...primary_key: string[]): Entry => ({ table, primary_key })
  await database.query('ALTER TABLE keyed.renamed RENAME COLUMN id TO key')
  const changed = [keyed('same', 'ID'), keyed('other', 'name'), { table: 'renamed' }, keyed('longer', 'id', 'n')]
  await project.list(changed)
  const plan = await project.plan()
  expect(plan.exit).toBe(1)
  expect(plan.says('bronze.same').expect).toBe('at most 0')
  const run = await project.run()
  expect(run.step('bronze.same').status).toBe('unchanged')
  for (const [i, table] of ['other', 'renamed', 'longer'].entries()) {
    expect(plan.says(`bronze.${table}`).expect).toBe('refused KEY_CHANGED')
    expectFailedStep(run, `bronze.${table}`, {
      exit: 1,
      code: 'KEY_CHANGED',
      says: `bronze.${table} was loaded by (id)`,
    })
    expect(run.step(`bronze.${table}`).problem?.place).toMatch(/^list\.json:1:\d+$/)
    expect(await project.column('n', `silver.${table}`), String(i)).toEqual(['1', '2', '3'])
  }
  await project.list(tables.filter(table => table !== 'renamed').map(table => ({ table })))
  await project.succeed()
})

test('a column carried as text later stays what it is, and plan says where the texts go that do not fit', async () => {
  const project = await start('typed', ['item'], [{ table: 'item' }])
  await project.succeed()
  await project.list([{ table: 'item', as_text: 'n' }])
  expect((await project.plan()).says('bronze.item').notes).toContain(
    'n was integer and is now string: values that do not fit go to _rescued_data',
  )
  expect((await project.succeed()).step('bronze.item').ledger).toMatchObject({ read: '3', inserted: '0' })
  await project.list([{ table: 'item' }])
  await project.succeed()
  expect(await project.column('n', 'silver.item')).toEqual(['1', '2', '3'])
})

test('drift in another word is obeyed by the next run, also when the source is quiet', async () => {
  const project = await start('worded', ['item'], [{ table: 'item', drift: 'none' }])
  await project.succeed()
  await database.query('ALTER TABLE worded.item ADD COLUMN city text; UPDATE worded.item SET city = id::text')
  expect((await project.plan()).says('bronze.item').notes).toContain('city is new: it is not read')
  await project.succeed()
  await project.list([{ table: 'item', drift: 'failOnNewColumns' }])
  expect((await project.plan()).says('bronze.item').expect).toBe('refused COLUMN_DRIFT')
  const failed = await project.run()
  expectFailedStep(failed, 'bronze.item', { exit: 1, code: 'COLUMN_DRIFT', says: 'city is new' })
  for (const [drift, says] of [
    ['rescue', 'its values go to _rescued_data'],
    ['addNewColumns', 'it is added'],
  ] as const) {
    await project.list([{ table: 'item', drift }])
    expect((await project.plan()).says('bronze.item').notes).toContain(`city is new: ${says}`)
    expect((await project.succeed()).step('bronze.item').ledger).toMatchObject({ read: '3', inserted: '3' })
  }
  expect(await project.column('city', 'silver.item')).toEqual(['1', '2', '3'])
  expect((await project.succeed()).step('bronze.item').reason).toContain('nothing, proved')
})

test('cdc_col may come, change and go without a row being read again; a renamed column is a new one beside the old', async () => {
  const project = await start('cursor', ['item'], [{ table: 'item' }])
  await project.succeed()
  for (const entry of [{ cdc_col: 'moved' }, { cdc_col: 'n' }, {}]) {
    await project.list([{ table: 'item', ...entry }])
    expect((await project.plan()).says('bronze.item').expect).toContain('nothing proved')
    expect((await project.succeed()).step('bronze.item').reason).toContain('nothing, proved')
  }
  await database.query('ALTER TABLE cursor.item RENAME COLUMN moved TO changed')
  await project.list([{ table: 'item', cdc_col: 'changed' }])
  const notes = ['changed is new: it is added', 'moved is gone in the source: it stays, NULL in new rows']
  expect((await project.plan()).says('bronze.item').notes).toEqual(expect.arrayContaining(notes))
  expect((await project.succeed()).step('bronze.item').ledger).toMatchObject({ inserted: '3' })
  await project.list([{ table: 'item', cdc_col: 'moved' }])
  expectFailedStep(await project.run(), 'bronze.item', { exit: 2, code: 'CDC_COLUMN_MISSING', says: 'moved' })
})

test('each new from_date is read once; the same one again and an empty one read nothing', async () => {
  const project = await start('backfilled', ['item'], [{ table: 'item', cdc_col: 'moved' }])
  await project.succeed()
  for (const [from_date, read] of [
    ['2025-06-01', '3'],
    ['2025-06-01', '0'],
    ['2027-01-01', '0'],
    ['', '0'],
    ['2024-06-01', '3'],
  ] as const) {
    await project.list([{ table: 'item', cdc_col: 'moved', from_date }])
    const { notes } = (await project.plan()).says('bronze.item')
    if (read === '3') expect(notes).toContain(`from_date ${from_date}: read once from there`)
    expect((await project.succeed()).step('bronze.item').ledger).toMatchObject({ read, inserted: '0' })
  }
})

test('the from_date of a table without a key is done by the next whole reload, and is never pending', async () => {
  const entry = { table: 'log', cdc_col: 'moved' }
  const project = await start('loosely_dated', ['other'], [entry])
  await database.query(`CREATE TABLE loosely_dated.log (n int, moved timestamp);
    INSERT INTO loosely_dated.log VALUES (1, '2026-01-01'), (1, '2026-01-01')`)
  await project.succeed()
  const isQuiet = async (): Promise<void> =>
    expect((await project.plan()).says('bronze.log').expect).toContain('nothing proved')
  await project.list([{ ...entry, from_date: '2025-06-01' }])
  await isQuiet()
  expect((await project.succeed()).step('bronze.log')).toMatchObject({ status: 'unchanged', ledger: { read: '0' } })

  await database.query('CREATE TABLE loosely_dated.more (id int)')
  expect((await project.succeed()).step('bronze.log')).toMatchObject({ status: 'unchanged', ledger: { read: '2' } })
  expect(await recordedFromDates(project, 'log')).toEqual(['2025-06-01'])
  await isQuiet()

  await project.list([{ ...entry, from_date: '2024-06-01' }])
  await database.query(`INSERT INTO loosely_dated.log VALUES (2, '2026-01-02')`)
  expect((await project.succeed()).step('bronze.log').ledger).toMatchObject({ read: '3', inserted: '3' })
  expect(await recordedFromDates(project, 'log')).toEqual(['2025-06-01', '2024-06-01'])
})

async function recordedFromDates(project: Changing, table: string): Promise<readonly string[]> {
  const snapshot = await readSnapshot({ store: new LocalStore(project.lake) }, { tablePath: `bronze/${table}` })
  return parseMark(snapshot?.domain(markDomain('app')) ?? '').backfills
}

test('a filter is compared whole whenever it changes; rows that it keeps out become deletes, and come back without it', async () => {
  const project = await start('filtered', ['item'], [{ table: 'item' }])
  await project.succeed()
  await project.list([{ table: 'item', filter: 'id <> 1' }])
  expect((await project.plan()).says('bronze.item').notes).toContain('full compare: the entry changed')
  expect((await project.succeed()).step('bronze.item').ledger).toMatchObject({ inserted: '0', deletes: '1' })
  await project.list([{ table: 'item', filter: 'id  <>  1' }])
  expect((await project.succeed()).step('bronze.item').status).toBe('unchanged')
  await project.list([{ table: 'item' }])
  expect((await project.succeed()).step('bronze.item').ledger).toMatchObject({ inserted: '1', deletes: '0' })
  await project.list([{ table: 'item', filter: 'id <> (SELECT 1)' }])
  expect((await project.tidemark('run')).stderr + (await project.tidemark('plan')).stdout).toContain('FILTER_REFUSED')
})

test('deletes that were ignored are found by one full compare; to ignore them again is compared whole once more', async () => {
  const project = await start('deleted', ['item'], [{ table: 'item', deletes: 'ignore' }])
  await project.succeed()
  await database.query('DELETE FROM deleted.item WHERE id = 1')
  expect((await project.succeed()).step('bronze.item').ledger).toMatchObject({ deletes: '0' })
  await project.list([{ table: 'item', deletes: 'detect' }])
  expect((await project.plan()).says('bronze.item').notes).toContain('full compare: the entry changed')
  expect((await project.succeed()).step('bronze.item').ledger).toMatchObject({ read: '2', inserted: '0', deletes: '1' })
  await database.query('DELETE FROM deleted.item WHERE id = 2')
  await project.list([{ table: 'item', deletes: 'ignore' }])
  expect((await project.succeed()).step('bronze.item').ledger).toMatchObject({ read: '1', inserted: '0' })
  await database.query(`UPDATE deleted.item SET name = 'kept'`)
  expect((await project.succeed()).step('bronze.item').ledger).toMatchObject({ read: '1', deletes: '0' })
})

const applies = (what: string, table: string): string =>
  `${what} changed: it counts for new rows; --full-refresh ${table} applies it to all`

test('transformations and rules count for new rows; --full-refresh applies them to all; a changed type is refused', async () => {
  const tables = ['upper', 'added', 'judged', 'retyped']
  const project = await start(
    'silver',
    tables,
    tables.map(table => ({ table })),
  )
  await project.succeed()
  for (const table of tables) await database.query(`UPDATE silver.${table} SET moved = '2026-02-02' WHERE id = 1`)
  const silver: Record<string, object> = {
    upper: { transform: [{ upper: 'name' }] },
    added: { transform: [{ derive: { twice: 'n * 2' } }, { drop: 'moved' }] },
    judged: { expect_or_drop: { few: 'n > 3' } },
    retyped: { transform: [{ cast: { n: 'string' } }] },
  }
  await project.list(tables.map(table => ({ table, silver: silver[table] })))
  const plan = await project.plan()
  for (const table of ['upper', 'added', 'retyped'])
    expect(plan.says(`silver.${table}`).notes).toEqual([applies('transform', `silver.${table}`)])
  expect(plan.says('silver.judged').notes).toEqual([applies('the rules', 'silver.judged')])
  const after = await project.run()
  expect(after.exit).toBe(1)
  expect(after.step('silver.retyped').problem).toMatchObject({ code: 'FLOW_SCHEMA_CHANGED' })
  expect(await project.column('name', 'silver.upper')).toEqual(['NAME 1', 'name 2', 'name 3'])
  expect(await project.query('SELECT twice, moved IS NULL AS emptied FROM silver.added ORDER BY id')).toEqual([
    { twice: '2', emptied: true },
    { twice: null, emptied: false },
    { twice: null, emptied: false },
  ])
  expect(after.step('silver.judged').ledger).toMatchObject({ read: '1', quarantined: '1', staleByRule: '1' })
  expect(await project.column('id', 'silver.judged')).toEqual(['1', '2', '3'])
  const targets = tables.map(table => `silver.${table}`)
  const rebuilt = await project.plan('--full-refresh', ...targets)
  expect(rebuilt.says('silver.upper').notes).toEqual(['every row is made anew from bronze.upper'])
  await project.succeed('--full-refresh', ...targets)
  expect(await project.column('name', 'silver.upper')).toEqual(['NAME 1', 'NAME 2', 'NAME 3'])
  expect(await project.query('SELECT typeof(n) AS type FROM silver.retyped LIMIT 1')).toEqual([{ type: 'VARCHAR' }])
  expect(await project.column('id', 'silver.judged')).toEqual([])
  // Every version that bronze holds is judged.
  expect(await project.column('id', 'quarantine.silver_judged')).toEqual(['1', '1', '2', '3'])
})

test('a transformation or rule that is taken away, or renamed, counts for new rows; rejected rows stay', async () => {
  const transformed = { table: 'item', silver: { transform: [{ rename: { name: 'title' } }, { upper: 'title' }] } }
  const judged = (rule: string): Entry => ({ table: 'judged', silver: { expect_or_drop: { [rule]: 'n < 3' } } })
  const project = await start('undone', ['item', 'judged'], [transformed, judged('few')])
  await project.succeed()
  await database.query(`UPDATE undone.item SET name = 'new' WHERE id = 1; UPDATE undone.judged SET n = 9 WHERE id = 1`)
  await project.list([{ table: 'item' }, judged('little')])
  const plan = await project.plan()
  expect(plan.says('silver.item').notes).toEqual([applies('transform', 'silver.item')])
  expect(plan.says('silver.judged').notes).toEqual([applies('the rules', 'silver.judged')])
  await project.succeed()
  expect(await project.query('SELECT name, title FROM silver.item ORDER BY id')).toEqual([
    { name: 'new', title: null },
    { name: null, title: 'NAME 2' },
    { name: null, title: 'NAME 3' },
  ])
  expect(await project.query('SELECT id, _rules FROM quarantine.silver_judged ORDER BY id')).toEqual([
    { id: '1', _rules: 'little' },
    { id: '3', _rules: 'few' },
  ])
  await project.list([{ table: 'item' }, { table: 'judged' }])
  await database.query('UPDATE undone.judged SET n = 10 WHERE id = 1')
  await project.succeed()
  expect(await project.column('n', 'silver.judged')).toEqual(['2', '10'])
  expect(await project.column('id', 'quarantine.silver_judged')).toEqual(['1', '3'])
})

test.each([
  { what: 'upper', transform: [{ upper: 'code' }], says: 'transform of the key upper code' },
  { what: 'rename', transform: [{ rename: { code: 'key' } }], says: 'key key' },
])('a transformation of the key ($what) stops the table until --full-refresh', async ({ what, transform, says }) => {
  const schema = `key_${what}`
  const project = await start(schema, ['item'], [])
  await database.query(`CREATE TABLE ${schema}.coded (code text PRIMARY KEY, n int);
    INSERT INTO ${schema}.coded VALUES ('a', 1), ('b', 2)`)
  await project.list([{ table: 'coded' }])
  await project.succeed()
  await database.query(`UPDATE ${schema}.coded SET n = 3 WHERE code = 'a'`)
  await project.list([{ table: 'coded', silver: { transform } }])
  const plan = await project.plan()
  expect(plan.says('silver.coded').expect).toBe('refused FLOW_DECLARATION_CHANGED')
  expect(plan.stderr).toContain('--full-refresh silver.coded')
  const refused = { exit: 1, code: 'FLOW_DECLARATION_CHANGED', says }
  expectFailedStep(await project.run(), 'silver.coded', refused)
  expect(await project.column('n', 'silver.coded')).toEqual(['1', '2'])
  await project.succeed('--full-refresh', 'silver.coded')
  expect(await project.column('n', 'silver.coded')).toEqual(['2', '3'])
})

test('silver of a table without a key is computed again as a whole after any change', async () => {
  const project = await start('keyless', ['item'], [])
  await database.query(
    `CREATE TABLE keyless.loose (n int, name text); INSERT INTO keyless.loose VALUES (1, 'a'), (2, 'b')`,
  )
  await project.list([{ table: 'loose' }])
  await project.succeed()
  const silver = { transform: [{ upper: 'name' }, { cast: { n: 'string' } }], expect_or_drop: { few: "n < '2'" } }
  await project.list([{ table: 'loose', silver }])
  expect((await project.plan()).says('silver.loose').notes).toEqual([
    'the definition changed: computed again as a whole',
  ])
  await project.succeed()
  expect(await project.column('name', 'silver.loose')).toEqual(['A'])
  await project.list([{ table: 'loose' }])
  await project.succeed()
  expect(await project.column('name', 'silver.loose')).toEqual(['a', 'b'])
})

test('another lake is loaded in full, and the old one stays', async () => {
  const project = await start('moved', ['item'], [{ table: 'item' }])
  await project.succeed()
  await project.list([{ table: 'item' }], { lake: './other' })
  expect((await project.plan()).says('bronze.item').expect).toBe('whole table')
  expect((await project.succeed()).step('bronze.item').ledger).toMatchObject({ inserted: '3' })
  await project.list([{ table: 'item' }])
  expect((await project.plan()).says('bronze.item').expect).toContain('nothing proved')
})

test('a column left out by the list is NULL in new versions and keeps its value in old ones, and comes back when listed again', async () => {
  const project = await start(
    'chosen',
    ['item', 'narrow'],
    [{ table: 'item' }, { table: 'narrow', columns: ['ID', 'n'] }],
  )
  await project.succeed()
  expect(await project.query('SELECT * FROM silver.narrow WHERE id = 1')).toEqual([
    { id: '1', n: '1', _seq: expect.any(String) },
  ])
  const without = [
    { table: 'item', exclude_columns: ['na*'] },
    { table: 'narrow', columns: ['id', 'n', 'name'] },
  ]
  await project.list(without)
  expect((await project.plan()).says('bronze.item').notes).toContain('full compare: the entry changed')
  await database.query(`UPDATE chosen.item SET name = 'secret', n = 7 WHERE id = 2`)
  const after = await project.succeed()
  expect(after.step('bronze.item').ledger).toMatchObject({ read: '3', inserted: '1' })
  expect(after.step('bronze.narrow').ledger).toMatchObject({ read: '3', inserted: '3' })
  expect(await project.query('SELECT id, name, n FROM silver.item ORDER BY id')).toEqual([
    { id: '1', name: 'name 1', n: '1' },
    { id: '2', name: null, n: '7' },
    { id: '3', name: 'name 3', n: '3' },
  ])
  expect(await project.column('name', 'silver.narrow')).toEqual(['name 1', 'name 2', 'name 3'])
  expect((await project.tidemark('verify')).exit).toBe(0)
  await database.query(
    `UPDATE chosen.item SET name = 'other', n = 8 WHERE id = 3; DELETE FROM chosen.item WHERE id = 1`,
  )
  expect((await project.succeed()).step('bronze.item').ledger).toMatchObject({ inserted: '1', deletes: '1' })
  await project.list([{ table: 'item' }, { table: 'narrow', columns: ['id', 'n', 'name'] }])
  await project.succeed()
  expect(await project.column('name', 'silver.item')).toEqual(['other', 'secret'])
  expect((await project.tidemark('verify')).exit).toBe(0)
})

test('a table without a key whose list leaves a column out is replaced without its values', async () => {
  const project = await start('unkeyed', ['item'], [{ table: 'item' }])
  await database.query('ALTER TABLE unkeyed.item DROP CONSTRAINT item_pkey')
  await project.succeed()
  await project.list([{ table: 'item', columns: ['n', 'id'] }])
  await project.succeed()
  expect(await project.query('SELECT id, name, n FROM silver.item WHERE id = 2')).toEqual([
    { id: '2', name: null, n: '2' },
  ])
})

test('a list of columns without the key or cdc_col, or with a name that is none, stops the table with the way out', async () => {
  const project = await start('unread', ['item', 'timed', 'typed'], [])
  await project.list([
    { table: 'item', columns: ['n'] },
    { table: 'timed', cdc_col: 'moved', exclude_columns: 'moved' },
    { table: 'typed', exclude_columns: ['nmae'] },
  ])
  const run = await project.run()
  const problem = (table: string) => run.step(`bronze.${table}`).problem
  expect(problem('item')).toMatchObject({ code: 'COLUMN_LEFT_OUT', hint: 'Add id to `columns`.' })
  expect(problem('timed')).toMatchObject({ code: 'COLUMN_LEFT_OUT', hint: 'Take moved out of `exclude_columns`.' })
  expect(problem('typed')).toMatchObject({
    code: 'SOURCE_COLUMN_MISSING',
    hint: expect.stringMatching(/^Did you mean name\?/),
  })
  for (const table of ['item', 'timed', 'typed']) expect(problem(table)?.place).toMatch(/^list\.json:1:\d+$/)
})

test('a property of a silver table is set with the next batch, as plan says, and stays when it is no longer written', async () => {
  const properties = { 'delta.enableDeletionVectors': true, owner: 'sales' }
  const project = await start('kept', ['item'], [{ table: 'item' }])
  await project.succeed()
  await project.list([{ table: 'item', silver: { properties } }])
  expect((await project.plan()).says('silver.item')).toMatchObject({ notes: [] })
  expect((await project.succeed()).step('silver.item').status).toBe('unchanged')
  await database.query(`UPDATE kept.item SET name = 'new' WHERE id = 2`)
  await project.succeed('--select', 'bronze.item')
  expect((await project.plan()).says('silver.item')).toEqual({
    expect: 'at most 1',
    notes: ['sets delta.enableDeletionVectors = true', 'sets owner = sales'],
  })
  await project.succeed()
  const settings = async (): Promise<unknown> =>
    (await readSnapshot({ store: new LocalStore(project.lake) }, { tablePath: 'silver/item' }))?.configuration
  expect(await settings()).toMatchObject({ 'delta.enableDeletionVectors': 'true', owner: 'sales' })
  expect(await project.column('name', 'silver.item')).toEqual(['name 1', 'name 3', 'new'])
  await project.list([{ table: 'item' }])
  await database.query(`DELETE FROM kept.item WHERE id = 1`)
  await project.succeed()
  expect(await settings()).toMatchObject({ 'delta.enableDeletionVectors': 'true', owner: 'sales' })
  expect(await project.column('name', 'silver.item')).toEqual(['name 3', 'new'])
})

test('a silver table with a change data feed says what each batch did', async () => {
  const properties = { 'delta.enableChangeDataFeed': true }
  const project = await start('fed', ['item'], [{ table: 'item', silver: { properties } }])
  await project.succeed()
  await database.query(`UPDATE fed.item SET name = 'new' WHERE id = 2; DELETE FROM fed.item WHERE id = 1`)
  await project.succeed()
  const changes = `SELECT id, name, _change_type AS what FROM table_changes('silver.item', 2) ORDER BY ALL`
  expect(await project.query(changes)).toEqual([
    { id: '1', name: 'name 1', what: 'delete' },
    { id: '2', name: 'name 2', what: 'delete' },
    { id: '2', name: 'new', what: 'insert' },
  ])
})
