/** Rows that an index leads to are copied while their table is counted, by two connections of one PostgreSQL snapshot. */
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { sql } from '../../packages/tidemark/src/engine/sql.ts'
import { systemClock } from '../../packages/tidemark/src/run/system.ts'
import { createPostgresSource } from '../../packages/tidemark/src/sources/postgres/postgres.ts'
import type { CopyRequest, SourceSnapshot, TableCount } from '../../packages/tidemark/src/sources/source.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { problemOf } from '../support/source.ts'
import { createWorld, type EntryOverrides, type World, type WorldOptions } from '../support/world.ts'

const orders: EntryOverrides = { table: 'orders', cdcCol: 'changed_at', guarantee: 'server_clock' }

let db: TestDatabase
beforeAll(async () => {
  db = await createDatabase(import.meta.url)
})
afterAll(() => db.drop())

/** A table of three rows of yesterday with an index on its cursor, loaded. */
async function loaded(options: WorldOptions = {}): Promise<World> {
  await db.query(`DROP TABLE IF EXISTS orders;
    CREATE TABLE orders (id int PRIMARY KEY, price numeric(12,2), changed_at timestamptz);
    INSERT INTO orders SELECT n, n, now() - interval '1 day' FROM generate_series(1, 3) n;
    CREATE INDEX ON orders (changed_at); ANALYZE orders`)
  const world = await createWorld(db, options)
  await world.ingest(orders)
  return world
}

const live = async (world: World): Promise<unknown[]> =>
  (await world.live('orders', sql`id`)).map(({ id, price }) => `${String(id)}:${String(price)}`)

/** The snapshot with other methods in the place of some of its own. */
function but(snapshot: SourceSnapshot, methods: Partial<SourceSnapshot>): SourceSnapshot {
  return new Proxy(snapshot, {
    get: (target, name) => {
      if (name in methods) return Reflect.get(methods, name)
      const value = Reflect.get(target, name, target) as unknown
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

test('the count is waited for only when the rows are copied, and no number of the slice is asked for', async () => {
  const world = await loaded()
  await db.query(`UPDATE orders SET price = 20, changed_at = now() WHERE id = 2`)
  const snapshot = await world.snapshot(orders)
  const copied = Promise.withResolvers<void>()
  const watching = but(snapshot, {
    count: () => Promise.reject(new Error('the slice was counted')),
    copy: async function* (request: CopyRequest) {
      yield* snapshot.copy(request)
      copied.resolve()
    },
    countBeside: request => copied.promise.then(() => snapshot.countBeside?.(request) ?? Promise.reject()),
  })
  expect((await world.ingest(orders, { snapshot: watching })).ledger).toMatchObject({ read: 1n, inserted: 1n })
  expect(await live(world)).toEqual(['1:1.00', '2:20.00', '3:3.00'])
})

test('the number of all rows still tells of those behind the cursor and of keys that are gone', async () => {
  const world = await loaded()
  await db.query(`DELETE FROM orders WHERE id = 3; UPDATE orders SET price = 10, changed_at = now() WHERE id = 1`)
  expect((await world.ingest(orders)).ledger).toMatchObject({ read: 1n, inserted: 1n, deletes: 1n })
  await db.query(`INSERT INTO orders VALUES (4, 4, now() - interval '2 days')`)
  expect((await world.ingest(orders)).method).toMatch(/^full compare: rows were committed behind cursor changed_at/)
  await db.query(`DELETE FROM orders WHERE id = 2`)
  expect((await world.ingest(orders)).ledger).toMatchObject({ deletes: 1n })
  expect(await live(world)).toEqual(['1:10.00', '4:4.00'])
})

test('a copy that stops names every column and number, and one that a NULL in the cursor stops is left at once', async () => {
  const world = await loaded()
  await db.query(`UPDATE orders SET price = 'NaN', changed_at = now() WHERE id IN (1, 2)`)
  const unfit = await problemOf(world.ingest(orders))
  expect([unfit.code, unfit.message]).toEqual(['SOURCE_VALUE_UNFIT', expect.stringContaining('2')])
  await db.query(`UPDATE orders SET price = id, changed_at = CASE WHEN id = 1 THEN now() END`)
  const snapshot = await world.snapshot(orders)
  const stalled = but(snapshot, {
    copy: async function* ({ signal }: CopyRequest) {
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('left'))))
      yield* []
    },
  })
  const refused = await problemOf(world.ingest(orders, { snapshot: stalled }))
  expect([refused.code, refused.message]).toEqual(['CURSOR_NULL', expect.stringContaining('2')])
  await db.query(`UPDATE orders SET changed_at = now()`)
  expect((await world.ingest(orders)).ledger).toMatchObject({ read: 3n })
})

test('a count that fails ends the copy, and a copy that fails ends the count', async () => {
  const world = await loaded()
  await db.query(`UPDATE orders SET price = 20, changed_at = now() WHERE id = 2`)
  const ended: string[] = []
  const untilLeft = (what: string, signal: AbortSignal): Promise<TableCount> =>
    new Promise((_, reject) =>
      signal.addEventListener('abort', () => {
        ended.push(what)
        reject(signal.reason as Error)
      }),
    )
  const snapshot = await world.snapshot(orders)
  const [count, copy] = [new Error('no count'), new Error('no copy')]
  const begun = Promise.withResolvers<void>()
  const uncounted = but(snapshot, {
    copy: async function* ({ signal }: CopyRequest) {
      begun.resolve()
      await untilLeft('copy', signal)
      yield* []
    },
    countBeside: () => begun.promise.then(() => Promise.reject(count)),
  })
  await expect(world.ingest(orders, { snapshot: uncounted })).rejects.toBe(count)
  const uncopied = but(snapshot, {
    copy: () => {
      throw copy
    },
    countBeside: ({ signal }) => untilLeft('count', signal),
  })
  await expect(world.ingest(orders, { snapshot: uncopied })).rejects.toBe(copy)
  expect(ended).toEqual(['copy', 'count'])
})

test('rows are compared with bronze while the table is still counted, and a count that nobody needs any more is left', async () => {
  const entry: EntryOverrides = { ...orders, primaryKey: ['kind'] }
  await db.query(`DROP TABLE IF EXISTS orders; CREATE TABLE orders (kind int, changed_at timestamptz);
    INSERT INTO orders VALUES (1, now() - interval '1 day'), (2, now() - interval '1 day');
    CREATE INDEX ON orders (changed_at); ANALYZE orders`)
  const world = await createWorld(db)
  await world.ingest(entry)
  await db.query(`INSERT INTO orders VALUES (3, now()), (3, now())`)
  const left = Promise.withResolvers<string>()
  const endless = but(await world.snapshot(entry), {
    countBeside: ({ signal }) =>
      new Promise((_, reject) =>
        signal.addEventListener('abort', () => {
          left.resolve('left')
          reject(signal.reason as Error)
        }),
      ),
  })
  expect((await problemOf(world.ingest(entry, { snapshot: endless }))).code).toBe('KEY_NOT_UNIQUE')
  expect(await left.promise).toBe('left')
  expect(await world.version('orders')).toBe(0n)
})

test('one connection to read with does one after the other, and so does the keeper of a table that a migration waits for', async () => {
  const parts = { name: 'app', connection: db, timezone: 'UTC', clock: systemClock }
  const source = createPostgresSource({ ...parts, maxConnections: 2 })
  const world = await loaded({ source })
  await db.query(`UPDATE orders SET price = 20, changed_at = now() WHERE id = 2`)
  expect((await world.ingest(orders)).ledger).toMatchObject({ read: 1n, inserted: 1n })
  await db.query(`UPDATE orders SET price = 30, changed_at = now() WHERE id = 3`)
  const snapshot = await world.snapshot(orders)
  const client = await db.connect()
  const migration = client.query('ALTER TABLE orders ADD COLUMN note text')
  onTestFinished(async () => void (await migration))
  const waiting = async (): Promise<unknown> =>
    (await db.query(`SELECT count(*) AS n FROM pg_locks WHERE NOT granted AND relation = 'orders'::regclass`))[0]?.['n']
  await expect.poll(waiting).toBe('1')
  expect((await world.ingest(orders, { snapshot })).ledger).toMatchObject({ inserted: 1n })
  await snapshot.close()
})
