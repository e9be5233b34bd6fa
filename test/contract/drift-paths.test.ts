/** Drifted columns on every other path that rows take, on PostgreSQL: keyless, cursor, backfill, repair, masks, lists, filters, slices. */
import { beforeEach, expect, test } from 'vitest'
import { sql } from '../../packages/tidemark/src/engine/sql.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { watched } from '../support/watched-snapshot.ts'
import { createWorld, type EntryOverrides, type World } from '../support/world.ts'

let database: TestDatabase
beforeEach(async () => {
  database = await createDatabase(import.meta.url)
  await database.query(`CREATE TABLE item (id int PRIMARY KEY, n int, secret text, at timestamptz);
    INSERT INTO item SELECT i, i * 10, 'canary-' || i, '2026-01-01'::timestamptz + i * interval '1 day' FROM generate_series(1, 4) i`)
  return () => database.drop()
})

const item: EntryOverrides = { table: 'item', drift: 'rescue' }
const drift = (): Promise<unknown> =>
  database.query(`ALTER TABLE item ALTER COLUMN n TYPE text, ADD COLUMN born date, ADD COLUMN code bytea;
    UPDATE item SET n = 'many', born = '2001-02-03', code = '\\x00ff' WHERE id = 2`)
const RESCUED = '{"n":"many","born":"2001-02-03","code":"\\\\x00ff"}'

const rescued = async (at: World, order = sql`id`): Promise<unknown[]> =>
  (await at.live('item', order)).map(row => row['_rescued_data'])

test('a table without a key is replaced whole with what it rescues, and is settled after that', async () => {
  await database.query('ALTER TABLE item DROP CONSTRAINT item_pkey')
  const at = await createWorld(database)
  await at.ingest(item)
  await drift()
  expect((await at.ingest(item)).ledger).toMatchObject({ read: 4n, inserted: 4n, rescued: 3n })
  expect((await at.bronze('item', sql`id`)).map(row => row['_rescued_data'])).toEqual([null, RESCUED, null, null])
  expect(await at.ingest(item)).toMatchObject({ status: 'unchanged' })
  expect(await at.verify(item)).toMatchObject({ status: 'equal' })
})

test('by a cursor, by a backfill and by repair a rescued value comes as by any other read', async () => {
  const at = await createWorld(database)
  const entry: EntryOverrides = { ...item, cdcCol: 'at', guarantee: 'server_clock' }
  await at.ingest(entry)
  await drift()
  await at.ingest(entry)
  await database.query(`UPDATE item SET n = 'late', at = now() WHERE id = 1; UPDATE item SET n = 'unseen' WHERE id = 3`)
  expect((await at.ingest(entry)).ledger).toMatchObject({ inserted: 1n, rescued: 1n })
  expect(await at.verify(entry)).toMatchObject({ status: 'different', stale: 1n })
  expect((await at.backfill(entry, { from: '2026-01-04', to: '2026-01-05' })).ledger).toMatchObject({ rescued: 1n })
  expect(await at.verify(entry)).toMatchObject({ status: 'equal' })
  await at.plant('item', sql`SELECT * REPLACE (CAST(NULL AS VARCHAR) AS _rescued_data) FROM rows`)
  expect(await at.verify(entry)).toMatchObject({ status: 'different', stale: 3n })
  const { outcome, after } = await at.repair(entry)
  expect([outcome.ledger.rescued, after.status]).toEqual([5n, 'equal'])
  expect(await rescued(at)).toEqual(['{"n":"late"}', RESCUED, '{"n":"unseen"}', null])
})

test('what is masked or left out is never rescued, whatever became of its column', async () => {
  const at = await createWorld(database, { salt: () => 'a salt that is long enough' })
  const entry: EntryOverrides = {
    ...item,
    excludeColumns: ['hidden*'],
    masks: { secret: 'hash', extra: 'partial', gone: 'null' },
  }
  await database.query(`ALTER TABLE item ADD COLUMN gone int DEFAULT 5, ADD COLUMN extra int DEFAULT 7`)
  await at.ingest({ ...entry, masks: { secret: 'hash', gone: 'null' } })
  await database.query(`ALTER TABLE item ADD COLUMN hidden text DEFAULT 'canary-hidden';
    ALTER TABLE item ALTER COLUMN gone TYPE text USING 'canary-gone', ALTER COLUMN extra TYPE text USING 'canary-extra'`)
  expect((await at.ingest(entry)).ledger).toMatchObject({ inserted: 4n, rescued: 4n })
  expect(new Set(await rescued(at))).toEqual(new Set(['{"extra":"***xtra"}']))
  expect(
    JSON.stringify(await at.bronze('item'), (_, v: unknown) => (typeof v === 'bigint' ? String(v) : v)),
  ).not.toContain('canary')
  expect(await at.verify(entry)).toMatchObject({ status: 'equal' })
})

test('a filter over a drifted column is obeyed, and a row that leaves it is a delete', async () => {
  const at = await createWorld(database)
  const entry: EntryOverrides = { ...item, filter: 'id < 4' }
  await at.ingest(entry)
  await drift()
  await at.ingest({ ...entry, filter: "id < 4 AND n <> 'few'" })
  await database.query(`UPDATE item SET n = 'few' WHERE id = 2`)
  expect((await at.ingest({ ...entry, filter: "id < 4 AND n <> 'few'" })).ledger).toMatchObject({ deletes: 1n })
  expect(await rescued(at)).toEqual([null, null])
})

test('a column of the source called _rescued_data keeps its values, and stops the table before ours would meet it', async () => {
  await database.query(`ALTER TABLE item ADD COLUMN _rescued_data text DEFAULT 'theirs'`)
  const at = await createWorld(database)
  await at.ingest(item)
  expect(await rescued(at)).toEqual(['theirs', 'theirs', 'theirs', 'theirs'])
  await drift()
  await expect(at.ingest(item)).rejects.toMatchObject({ code: 'COLUMN_RESERVED' })
  await database.query(`UPDATE item SET _rescued_data = 'mine' WHERE id = 3`)
  await at.ingest({ ...item, excludeColumns: ['born', 'code', 'n'] })
  expect(await rescued(at)).toEqual(['theirs', 'theirs', 'mine', 'theirs'])
})

test('a type that becomes smaller, or anything where bronze has a text, needs no rescue', async () => {
  const at = await createWorld(database)
  await database.query(`ALTER TABLE item ADD COLUMN big bigint DEFAULT 3000000000, ADD COLUMN note text DEFAULT '5'`)
  await at.ingest(item)
  await database.query(`UPDATE item SET big = id;
    ALTER TABLE item ALTER COLUMN big TYPE smallint, ALTER COLUMN note DROP DEFAULT, ALTER COLUMN note TYPE int USING note::int`)
  await at.ingest(item)
  expect(await rescued(at)).toEqual([undefined, undefined, undefined, undefined])
  expect((await at.live('item', sql`id`)).map(({ big, note }) => [String(big), note])).toEqual(
    ['1', '2', '3', '4'].map(id => [id, '5']),
  )
  expect(await at.verify(item)).toMatchObject({ status: 'equal' })
})

test('values that a type never could hold are rescued once their columns are carried as text, and the others stay', async () => {
  await database.query(`CREATE TABLE odd (id int PRIMARY KEY, price numeric(10,2), day date, moment timestamp, share float8, done boolean);
    INSERT INTO odd VALUES (1, 1.5, '2026-01-01', '2026-01-01 10:00', 0.1, true), (2, 2, '2026-01-02', '2026-01-02 10:00', 1e20, false)`)
  const at = await createWorld(database)
  const odd: EntryOverrides = { table: 'odd' }
  await at.ingest(odd)
  const before = await at.live('odd', sql`id`)
  await database.query(`INSERT INTO odd VALUES (3, 'NaN', 'infinity', '-infinity', 'NaN', NULL)`)
  await expect(at.ingest(odd)).rejects.toMatchObject({ code: 'SOURCE_VALUE_UNFIT' })
  const asText: EntryOverrides = { ...odd, asText: ['price', 'day', 'moment', 'share', 'done'] }
  expect((await at.ingest(asText)).ledger).toMatchObject({ inserted: 1n, rescued: 4n })
  const after = await at.live('odd', sql`id`)
  expect(after.slice(0, 2)).toEqual(before.map(row => ({ ...row, _rescued_data: null })))
  const rest = '{"price":"NaN","day":"infinity","moment":"-infinity","share":"NaN"}'
  expect(after[2]).toMatchObject({ price: null, moment: null, _rescued_data: rest })
  expect(await at.verify(asText)).toMatchObject({ status: 'equal' })
})

test('a run that dies between the commit that widens a column and the one with its rows is finished by the next', async () => {
  const at = await createWorld(database)
  const growing: EntryOverrides = { ...item, drift: 'addNewColumnsWithTypeWidening' }
  await at.ingest(growing)
  await database.query('ALTER TABLE item ALTER COLUMN n TYPE bigint; UPDATE item SET n = 3000000000 WHERE id = 2')
  const before = (await at.version('item')) ?? 0n
  const broken = watched(await at.snapshot(growing), 1)
  await expect(at.ingest(growing, { snapshot: broken.snapshot })).rejects.toThrow('the connection is gone')
  expect(await at.version('item'), 'the column is wider already').toBe(before + 1n)
  expect((await at.live('item', sql`id`)).map(row => row['n'])).toEqual([10n, 20n, 30n, 40n])
  await at.ingest(growing)
  expect((await at.live('item', sql`id`)).map(row => row['n'])).toEqual([10n, 3_000_000_000n, 30n, 40n])
  expect(await at.verify(growing)).toMatchObject({ status: 'equal' })
})
