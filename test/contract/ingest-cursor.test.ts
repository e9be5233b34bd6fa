import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { sql } from '../../packages/tidemark/src/engine/sql.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { problemOf } from '../support/source.ts'
import { createWorld, type EntryOverrides, type World } from '../support/world.ts'

const orders: EntryOverrides = { table: 'orders', cdcCol: 'changed_at', guarantee: 'server_clock' }

let db: TestDatabase
beforeAll(async () => {
  db = await createDatabase(import.meta.url)
})
afterAll(() => db.drop())

async function shop(column = 'timestamptz NOT NULL DEFAULT now()'): Promise<World> {
  await db.query(`DROP TABLE IF EXISTS orders; CREATE TABLE orders (id int PRIMARY KEY, v text, changed_at ${column})`)
  return await createWorld(db)
}

const live = async (world: World): Promise<unknown[]> =>
  (await world.live('orders', sql`id`)).map(row => `${String(row['id'])}:${String(row['v'])}`)

test('a row committed behind the newest cursor by a transaction that was open is not lost', async () => {
  const world = await shop()
  const slow = await db.connect()
  await slow.query('BEGIN')
  await slow.query(`INSERT INTO orders VALUES (1, 'late')`)
  await db.query(`INSERT INTO orders VALUES (2, 'early')`)
  await world.ingest(orders)
  expect(await live(world)).toEqual(['2:early'])
  await slow.query('COMMIT')
  const second = await world.ingest(orders)
  expect(await live(world)).toEqual(['1:late', '2:early'])
  expect([second.method, second.ledger.inserted]).toEqual(['cursor changed_at', 1n])
})

test('ties at the bound arrive once', async () => {
  const world = await shop()
  const at = `timestamptz '2026-01-01 00:00:00.123456+00'`
  const plain: EntryOverrides = { ...orders, guarantee: 'best_effort' }
  await db.query(`INSERT INTO orders VALUES (1, 'a', ${at})`)
  await world.ingest(plain)
  await db.query(`INSERT INTO orders VALUES (2, 'b', ${at})`)
  const second = await world.ingest(plain)
  expect(await live(world)).toEqual(['1:a', '2:b'])
  expect(second.ledger).toMatchObject({ read: 2n, inserted: 1n, duplicate: 1n })
})

test('a prepared transaction holds the bound where it was', async () => {
  const world = await shop()
  await db.query(`INSERT INTO orders VALUES (1, 'a')`)
  await world.ingest(orders)
  const name = `held_${db.database}`
  const client = await db.connect()
  await client.query('BEGIN')
  await client.query(`INSERT INTO orders VALUES (2, 'prepared')`)
  await client.query(`PREPARE TRANSACTION '${name}'`)
  await db.query(`INSERT INTO orders VALUES (3, 'c')`)
  await world.ingest(orders)
  await db.query(`COMMIT PREPARED '${name}'`)
  await world.ingest(orders)
  expect(await live(world)).toEqual(['1:a', '2:prepared', '3:c'])
})

test('deletes are found beside a cursor', async () => {
  const world = await shop()
  await db.query(`INSERT INTO orders VALUES (1, 'a'), (2, 'b')`)
  await world.ingest(orders)
  await db.query('DELETE FROM orders WHERE id = 1')
  expect((await world.ingest(orders)).ledger.deletes).toBe(1n)
  expect(await live(world)).toEqual(['2:b'])
})

test('rows without a cursor stop the table, or are read in every run', async () => {
  const world = await shop('timestamptz')
  await db.query(`INSERT INTO orders VALUES (1, 'a', now()), (2, 'null', NULL)`)
  const refused = await problemOf(world.ingest(orders))
  expect([refused.code, refused.message]).toEqual([
    'CURSOR_NULL',
    'bronze.orders: 1 rows have NULL in changed_at, and would never be found by it.',
  ])
  const include: EntryOverrides = { ...orders, nullCursor: 'include' }
  await world.ingest(include)
  await db.query(`UPDATE orders SET v = 'changed' WHERE id = 2`)
  await world.ingest(include)
  expect(await live(world)).toEqual(['1:a', '2:changed'])
})

test('rows without a cursor are left out of every count, read and verdict when told to; one that loses its cursor is a delete', async () => {
  const world = await shop('timestamptz')
  const exclude: EntryOverrides = { ...orders, nullCursor: 'exclude' }
  await db.query(`INSERT INTO orders VALUES (1, 'a', now()), (2, 'null', NULL), (3, 'c', now())`)
  const first = await world.ingest(exclude)
  expect(first.ledger).toMatchObject({ read: 2n, inserted: 2n })
  expect(await world.verify(exclude)).toMatchObject({ status: 'equal', sourceRows: 2n, lakeRows: 2n })
  await db.query(`UPDATE orders SET changed_at = NULL WHERE id = 3; INSERT INTO orders VALUES (4, 'd', now())`)
  expect((await world.ingest(exclude)).ledger).toMatchObject({ inserted: 1n, deletes: 1n })
  expect(await live(world)).toEqual(['1:a', '4:d'])
  await db.query(`UPDATE orders SET changed_at = now() WHERE id = 2`)
  await world.ingest(exclude)
  expect(await live(world)).toEqual(['1:a', '2:null', '4:d'])
  expect(await world.verify(exclude)).toMatchObject({ status: 'equal', sourceRows: 3n })
})

test('null_cursor exclude holds for a table read by row versions too, and taking it back brings the rows', async () => {
  const world = await shop('timestamptz')
  const { guarantee: _guarantee, ...byVersion } = orders
  await db.query(`INSERT INTO orders VALUES (1, 'a', now()), (2, 'null', NULL)`)
  await world.ingest(byVersion)
  expect(await live(world)).toEqual(['1:a', '2:null'])
  expect((await world.ingest({ ...byVersion, nullCursor: 'exclude' })).ledger).toMatchObject({ deletes: 1n })
  await db.query(`UPDATE orders SET v = 'b' WHERE id = 1; UPDATE orders SET v = 'hidden' WHERE id = 2`)
  await world.ingest({ ...byVersion, nullCursor: 'exclude' })
  expect(await live(world)).toEqual(['1:b'])
  await world.ingest(byVersion)
  expect(await live(world)).toEqual(['1:b', '2:hidden'])
})

test('a lag bounds what clocks of applications get wrong', async () => {
  const world = await shop()
  const lagged: EntryOverrides = { ...orders, guarantee: 'bounded_lag', lagMs: 600_000 }
  await db.query(`INSERT INTO orders VALUES (1, 'a', now())`)
  await world.ingest(lagged)
  await db.query(`INSERT INTO orders VALUES (2, 'skewed', now() - interval '9 minutes')`)
  expect((await world.ingest(lagged)).method).toBe('cursor changed_at, lag 10m')
  expect(await live(world)).toEqual(['1:a', '2:skewed'])
  await db.query(`UPDATE orders SET v = 'unseen', changed_at = now() - interval '1 day' WHERE id = 2`)
  await world.ingest(lagged)
  expect(await live(world)).toEqual(['1:a', '2:skewed'])
  expect((await world.verify(lagged)).stale).toBe(1n)
})

test('a row inserted behind the cursor shows in the count, and every row is compared', async () => {
  const world = await shop()
  const plain: EntryOverrides = { ...orders, guarantee: 'best_effort' }
  await db.query(`INSERT INTO orders VALUES (1, 'a', now())`)
  await world.ingest(plain)
  await db.query(`INSERT INTO orders VALUES (2, 'behind', now() - interval '1 day')`)
  expect((await world.ingest(plain)).method).toBe('full compare: rows were committed behind plain cursor changed_at')
  expect(await live(world)).toEqual(['1:a', '2:behind'])
})

test('a naive cursor is bounded in the zone of the source, also in the hour that comes twice', async () => {
  const world = await shop('timestamp NOT NULL DEFAULT now()')
  const snapshot = await world.snapshot(orders)
  const [table] = snapshot.tables.values()
  if (table === undefined || table instanceof Error) throw new Error('no table')
  const bound = await snapshot.cursorHorizon(table, 'changed_at', { kind: 'lag', ms: 0 }, new AbortController().signal)
  expect(bound).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?$/)
})

test('without a key, a cursor or the right to see transactions the guarantee is refused by name', async () => {
  const world = await shop()
  const without = await problemOf(world.ingest({ table: 'orders', guarantee: 'server_clock' }))
  expect(without.code).toBe('CDC_COLUMN_NEEDED')
  const number = await problemOf(world.ingest({ ...orders, cdcCol: 'id' }))
  expect(number.message).toContain('id is integer, not a time')
  const role = { user: 'cursor_reader', password: 'r' }
  await db.query(`CREATE ROLE cursor_reader LOGIN PASSWORD 'r'; GRANT SELECT ON orders TO cursor_reader`)
  onTestFinished(async () => void (await db.query('DROP OWNED BY cursor_reader; DROP ROLE cursor_reader')))
  const blind = await createWorld({ ...db, ...role })
  const refused = await problemOf(blind.ingest(orders))
  expect([refused.code, refused.message]).toEqual([
    'GUARANTEE_NOT_POSSIBLE',
    `public.orders cannot be read with guarantee server_clock: ${role.user} may not see open transactions: GRANT pg_read_all_stats TO ${role.user}.`,
  ])
})
