/** Reading from a standby: exact as from its primary, late by what it lags, and never behind what the lake knows. */
import { expect, test } from 'vitest'
import pg from 'pg'
import { sql } from '../../packages/tidemark/src/engine/sql.ts'
import { createPostgresSource } from '../../packages/tidemark/src/sources/postgres/postgres.ts'
import { systemClock } from '../../packages/tidemark/src/run/system.ts'
import { RELEASE } from '../support/postgres.ts'
import { never, openSource, problemOf } from '../support/source.ts'
import { type Pair, startPair } from '../support/standby.ts'
import { createWorld, type EntryOverrides, type World } from '../support/world.ts'

const orders: EntryOverrides = { table: 'orders' }
const place = (server: Pair['primary']) => ({ ...server, database: 'postgres' })
const live = async (world: World): Promise<string[]> =>
  (await world.live('orders', sql`id`)).map(row => `${String(row['id'])}:${String(row['v'])}`)

test('a transaction that is open on the primary is read once it has committed, and an unchanged standby is proved', async () => {
  const { primary, standby, caughtUp, hold, goOn } = await startPair()
  await primary.query(`CREATE TABLE orders (id int PRIMARY KEY, v text); INSERT INTO orders VALUES (1, 'a'), (2, 'b')`)
  await caughtUp()
  const world = await createWorld(place(standby))
  expect((await world.ingest(orders)).ledger).toMatchObject({ inserted: 2n })
  await using open = await connect(primary.url())
  await open.query(
    `BEGIN; INSERT INTO orders VALUES (3, 'open'); SAVEPOINT s; UPDATE orders SET v = 'sub' WHERE id = 1`,
  )
  await primary.query(`INSERT INTO orders VALUES (4, 'd'); DELETE FROM orders WHERE id = 2`)
  await caughtUp()
  await world.ingest(orders)
  expect(await live(world)).toEqual(['1:a', '4:d'])
  await open.query('COMMIT')
  await caughtUp()
  await hold()
  await world.ingest(orders)
  expect((await world.ingest(orders)).reason).toBe('nothing, proved: no transaction has finished since')
  await goOn()
  expect(await live(world)).toEqual(['1:sub', '3:open', '4:d'])
  expect((await world.verify(orders)).status).toBe('equal')
  // Readers side by side share its snapshot, where the server has scans of ranges of blocks.
  const parts = await createWorld(place(standby), { chunkBytes: 8192n })
  await primary.query(`INSERT INTO orders SELECT n, repeat('x', 100) FROM generate_series(10, 3000) n`)
  await primary.query('VACUUM ANALYZE orders')
  await caughtUp()
  expect((await parts.ingest(orders)).method).toMatch(
    RELEASE < 14 ? /^first full load$/ : /^first full load in \d+ parts$/,
  )
  expect((await parts.verify(orders)).status).toBe('equal')
})

test('a lake that knows the primary goes on from a standby that has caught up, and refuses one that lags', async () => {
  const { primary, standby, caughtUp, hold, goOn } = await startPair()
  await primary.query(`CREATE TABLE orders (id int PRIMARY KEY, v text); INSERT INTO orders VALUES (1, 'a')`)
  await caughtUp()
  await hold()
  await primary.query(`INSERT INTO orders VALUES (2, 'b')`)
  const [sources] = [[primary, standby].map(server => openSource(place(server)))]
  const [first, second] = sources
  if (first === undefined || second === undefined) throw new Error('two sources')
  const world = await createWorld(place(primary))
  await world.ingest(orders)
  const behind = await second.openSnapshot([{ schema: 'public', table: 'orders' }], never)
  expect((await problemOf(world.ingest(orders, { snapshot: behind }))).code).toBe('SOURCE_WENT_BACK')
  await behind.close()
  expect(await live(world)).toEqual(['1:a', '2:b'])
  await goOn()
  await caughtUp()
  const level = await second.openSnapshot([{ schema: 'public', table: 'orders' }], never)
  expect((await world.ingest(orders, { snapshot: level })).ledger).toMatchObject({ inserted: 0n, deletes: 0n })
  await level.close()
  await primary.query(`UPDATE orders SET v = 'c' WHERE id = 1`)
  await world.ingest(orders)
  expect(await live(world)).toEqual(['1:c', '2:b'])
})

test('a standby caps a lag by what it has applied, has no class B and no slot, and is another server once promoted', async () => {
  const { primary, standby, caughtUp, hold, goOn } = await startPair()
  await primary.query(`CREATE TABLE orders (id int PRIMARY KEY, v text, at timestamptz NOT NULL DEFAULT now());
    INSERT INTO orders VALUES (1, 'a')`)
  await caughtUp()
  const byTime: EntryOverrides = { ...orders, cdcCol: 'at' }
  const world = await createWorld(place(standby))
  const refused = await problemOf(world.ingest({ ...byTime, guarantee: 'server_clock' }))
  expect(refused.message).toContain('a standby does not show the transactions of its primary')
  const lagged: EntryOverrides = { ...byTime, guarantee: 'bounded_lag', lagMs: 1, fullPassMs: 86_400_000 }
  await world.ingest(lagged)
  await hold()
  await primary.query(`INSERT INTO orders VALUES (2, 'applied late')`)
  await world.ingest(lagged)
  await goOn()
  await caughtUp()
  expect((await world.ingest(lagged)).ledger).toMatchObject({ inserted: 1n })
  expect(await live(world)).toEqual(['1:a', '2:applied late'])
  const parts = { name: 'app', connection: place(standby), timezone: 'UTC', clock: systemClock }
  await using withSlot = withDispose(createPostgresSource({ ...parts, slot: 'tidemark_x' }))
  expect((await problemOf(withSlot.openSnapshot([], never))).code).toBe('SOURCE_STANDBY')
  const before = (await openSource(place(standby)).probe([], never)).position
  await standby.query('SELECT pg_promote(true, 60)')
  const after = (await openSource(place(standby)).probe([], never)).position
  expect(after.identity).not.toBe(before.identity)
  expect(after.rowVersions?.next).toBeGreaterThanOrEqual(before.rowVersions?.next ?? 0n)
})

async function connect(url: string): Promise<pg.Client & AsyncDisposable> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() })
}

function withDispose<T extends { close(): Promise<void> }>(source: T): T & AsyncDisposable {
  return Object.assign(source, { [Symbol.asyncDispose]: () => source.close() })
}
