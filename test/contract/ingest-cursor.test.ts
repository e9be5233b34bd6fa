/** A cursor on a real PostgreSQL: what only this database has, and what it is refused for. */
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { sql } from '../../packages/tidemark/src/engine/sql.ts'
import { countStatement } from '../../packages/tidemark/src/sources/postgres/slice-sql.ts'
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

test('between full passes only rows at the cursor are read, and a pass reads by row versions', async () => {
  const world = await shop()
  await db.query(`INSERT INTO orders SELECT n, 'v', now() - interval '1 day' FROM generate_series(1, 20000) n;
    CREATE INDEX ON orders (changed_at); ANALYZE orders`)
  const entry: EntryOverrides = { ...orders, fullPassMs: 86_400_000 }
  await world.ingest(entry)
  await db.query(`INSERT INTO orders VALUES (20001, 'new', now())`)
  expect((await world.ingest(entry)).ledger).toMatchObject({ read: 1n, inserted: 1n })
  await db.query(`UPDATE orders SET v = 'behind' WHERE id = 7; DELETE FROM orders WHERE id = 8`)
  const pass = await world.ingest({ ...entry, fullPassMs: 1 })
  expect(pass.method).toMatch(/^full pass of cursor changed_at/)
  // Rows written since the last pass, wherever their cursor stands: the new one again, and the one behind.
  expect(pass.ledger).toMatchObject({ read: 2n, inserted: 1n, duplicate: 1n, deletes: 1n })
})

test('between full passes the table is proved only up to the last one, where keys are gone that no run has looked for', async () => {
  const world = await shop()
  const entry: EntryOverrides = { ...orders, fullPassMs: 86_400_000 }
  await db.query(`INSERT INTO orders SELECT n, 'v', now() - interval '1 day' FROM generate_series(1, 9) n`)
  await world.ingest(entry)
  await db.query(`DELETE FROM orders WHERE id = 8; INSERT INTO orders VALUES (10, 'new', now())`)
  await world.ingest(entry)
  await db.query(`INSERT INTO orders VALUES (11, 'pending', now())`)
  const { fullPass, asOf } = await world.mark('orders')
  const between = await world.verify(entry)
  expect(between).toMatchObject({ status: 'pending', verifiedThrough: fullPass?.asOf })
  expect(String(between.verifiedThrough) < asOf).toBe(true)
  // Without passes to come, the delete that none of the runs could see is found by a last one.
  const last = await world.ingest(orders)
  expect([last.method, last.ledger.deletes]).toEqual(['full pass of cursor changed_at', 1n])
  expect((await world.mark('orders')).fullPass).toBeUndefined()
  expect((await world.ingest(orders)).method).not.toMatch(/^full/)
  expect((await world.verify(orders)).status).toBe('equal')
})

test('what is counted between full passes is found by the index of the cursor, not by a scan', async () => {
  const world = await shop()
  await db.query(`INSERT INTO orders SELECT n, 'v', now() - interval '1 day' FROM generate_series(1, 20000) n;
    CREATE INDEX ON orders (changed_at); ANALYZE orders`)
  const snapshot = await world.snapshot(orders)
  const [table] = snapshot.tables.values()
  if (table === undefined || table instanceof Error) throw new Error('no table')
  const from = String((await db.query(`SELECT now()::text AS now`))[0]?.['now'])
  const plans = async (byIndex: { byIndex?: true }): Promise<string> => {
    const slice = { kind: 'cursor', column: 'changed_at', from, ...byIndex } as const
    const plan = await db.query(`EXPLAIN ${countStatement(table, slice, table.columns, 'changed_at')}`)
    return plan.map(row => row['QUERY PLAN']).join('\n')
  }
  expect(await plans({})).toContain('Seq Scan')
  expect(await plans({ byIndex: true })).not.toContain('Seq Scan')
})
