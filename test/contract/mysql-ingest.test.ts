import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { sql } from '../../packages/tidemark/src/engine/sql.ts'
import { createMysqlDatabase, hasMariadb, type MysqlDatabase } from '../support/mariadb.ts'
import { problemOf } from '../support/source.ts'
import { createWorld, type EntryOverrides, type World } from '../support/world.ts'

const orders: EntryOverrides = { table: 'orders', cdcCol: 'changed_at', guarantee: 'server_clock' }
const STAMP = 'timestamp(6) NOT NULL DEFAULT now(6)'

describe.runIf(hasMariadb)('MySQL and MariaDB, from the source to bronze', () => {
  let db: MysqlDatabase
  beforeAll(async () => {
    db = await createMysqlDatabase(import.meta.url)
  })
  afterAll(() => db?.drop())

  const world = (server: Partial<MysqlDatabase> = {}): Promise<World> =>
    createWorld({ ...db, ...server }, { type: 'mysql' })

  async function shop(column = STAMP): Promise<World> {
    await db.query(
      `DROP TABLE IF EXISTS orders; CREATE TABLE orders (id int PRIMARY KEY, v text, changed_at ${column}) ENGINE=InnoDB`,
    )
    return await world()
  }

  const live = async (at: World): Promise<unknown[]> =>
    (await at.live('orders', sql`id`)).map(row => `${String(row['id'])}:${String(row['v'])}`)

  test('a table without a cursor is compared whole: changes, deletes and nothing', async () => {
    const at = await shop()
    const whole: EntryOverrides = { table: 'orders' }
    await db.query(`INSERT INTO orders (id, v) VALUES (1, 'a'), (2, 'b'), (3, NULL), (4, '')`)
    expect(await at.ingest(whole)).toMatchObject({ status: 'changed', ledger: { inserted: 4n } })
    expect(await at.ingest(whole)).toMatchObject({ status: 'unchanged' })
    await db.query(`UPDATE orders SET v = '' WHERE id = 3; DELETE FROM orders WHERE id = 1;
      INSERT INTO orders (id, v) VALUES (9, 'x')`)
    expect((await at.ingest(whole)).ledger).toMatchObject({ inserted: 2n, deletes: 1n })
    expect(await live(at)).toEqual(['2:b', '3:', '4:', '9:x'])
    expect(await at.verify(whole)).toMatchObject({ status: 'equal', sourceRows: 4n })
  })

  test('a keyless table is replaced whole when its content differs', async () => {
    await db.query(`CREATE TABLE log (line text); INSERT INTO log VALUES (NULL), (''), ('a'), ('a')`)
    const at = await world()
    await at.ingest({ table: 'log' })
    expect(await at.ingest({ table: 'log' })).toMatchObject({ status: 'unchanged' })
    await db.query(`DELETE FROM log WHERE line = 'a' LIMIT 1`)
    await at.ingest({ table: 'log' })
    expect((await at.bronze('log', sql`line`)).map(row => row['line'])).toEqual(['', 'a', null])
  })

  test('a row committed behind the newest cursor by a transaction that was open is not lost', async () => {
    const at = await shop()
    const slow = await db.connect()
    await slow.query(`START TRANSACTION; INSERT INTO orders (id, v) VALUES (1, 'late')`)
    await db.query(`INSERT INTO orders (id, v) VALUES (2, 'early')`)
    await at.ingest(orders)
    expect(await live(at)).toEqual(['2:early'])
    await slow.query('COMMIT')
    const second = await at.ingest(orders)
    expect(await live(at)).toEqual(['1:late', '2:early'])
    expect([second.method, second.ledger.inserted]).toEqual(['cursor changed_at', 1n])
  })

  test('ties at the bound arrive once', async () => {
    const at = await shop()
    const plain: EntryOverrides = { ...orders, guarantee: 'best_effort' }
    await db.query(`INSERT INTO orders VALUES (1, 'a', '2026-01-01 00:00:00.123456')`)
    await at.ingest(plain)
    await db.query(`INSERT INTO orders VALUES (2, 'b', '2026-01-01 00:00:00.123456')`)
    expect((await at.ingest(plain)).ledger).toMatchObject({ read: 2n, inserted: 1n, duplicate: 1n })
    expect(await live(at)).toEqual(['1:a', '2:b'])
  })

  test('a prepared transaction holds the bound where it was', async () => {
    const at = await shop()
    await db.query(`INSERT INTO orders (id, v) VALUES (1, 'a')`)
    await at.ingest(orders)
    const client = await db.connect()
    const name = `'${db.database}'`
    await client.query(
      `XA START ${name}; INSERT INTO orders (id, v) VALUES (2, 'prepared'); XA END ${name}; XA PREPARE ${name}`,
    )
    await db.query(`INSERT INTO orders (id, v) VALUES (3, 'c')`)
    const before = (await at.mark('orders')).cursor
    await at.ingest(orders)
    expect((await at.mark('orders')).cursor).toEqual(before)
    await client.query(`XA COMMIT ${name}`)
    await at.ingest(orders)
    expect(await live(at)).toEqual(['1:a', '2:prepared', '3:c'])
  })

  test('deletes are found beside a cursor', async () => {
    const at = await shop()
    await db.query(`INSERT INTO orders (id, v) VALUES (1, 'a'), (2, 'b')`)
    await at.ingest(orders)
    await db.query('DELETE FROM orders WHERE id = 1')
    expect((await at.ingest(orders)).ledger.deletes).toBe(1n)
    expect(await live(at)).toEqual(['2:b'])
  })

  test('rows without a cursor stop the table, or are read in every run', async () => {
    const at = await shop('datetime NULL')
    await db.query(`INSERT INTO orders VALUES (1, 'a', utc_timestamp()), (2, 'null', NULL)`)
    expect((await problemOf(at.ingest(orders))).code).toBe('CURSOR_NULL')
    const include: EntryOverrides = { ...orders, nullCursor: 'include' }
    await at.ingest(include)
    await db.query(`UPDATE orders SET v = 'changed' WHERE id = 2`)
    await at.ingest(include)
    expect(await live(at)).toEqual(['1:a', '2:changed'])
  })

  test('a lag bounds what clocks of applications get wrong', async () => {
    const at = await shop()
    const lagged: EntryOverrides = { ...orders, guarantee: 'bounded_lag', lagMs: 600_000 }
    await db.query(`INSERT INTO orders (id, v) VALUES (1, 'a')`)
    await at.ingest(lagged)
    await db.query(`INSERT INTO orders VALUES (2, 'skewed', now(6) - interval 9 minute)`)
    expect((await at.ingest(lagged)).method).toBe('cursor changed_at, lag 10m')
    expect(await live(at)).toEqual(['1:a', '2:skewed'])
    await db.query(`UPDATE orders SET v = 'unseen', changed_at = now(6) - interval 1 day WHERE id = 2`)
    await at.ingest(lagged)
    expect((await at.verify(lagged)).stale).toBe(1n)
  })

  test('without the right to see transactions class B is refused by name', async () => {
    await shop()
    await db.query(`DROP USER IF EXISTS cursor_reader; CREATE USER cursor_reader IDENTIFIED BY 'r';
      GRANT SELECT ON \`${db.database}\`.orders TO cursor_reader`)
    onTestFinished(async () => void (await db.query('DROP USER cursor_reader')))
    const blind = await world({ user: 'cursor_reader', password: 'r' })
    const refused = await problemOf(blind.ingest(orders))
    expect(refused.code).toBe('GUARANTEE_NOT_POSSIBLE')
    expect(refused.message).toContain('GRANT PROCESS ON *.* TO cursor_reader')
    expect(await blind.ingest({ table: 'orders' })).toMatchObject({ status: 'changed' })
  })

  test('a table outside of snapshots, and a view over it, are promised nothing', async () => {
    await db.query(`CREATE TABLE loose (id int PRIMARY KEY) ENGINE=MyISAM; INSERT INTO loose VALUES (1);
      CREATE VIEW over_loose AS SELECT id FROM loose; CREATE VIEW over_view AS SELECT id FROM over_loose`)
    const at = await world()
    for (const table of ['loose', 'over_loose', 'over_view']) {
      const refused = await problemOf(at.ingest({ table, primaryKey: ['id'] }))
      expect([table, refused.code]).toEqual([table, 'GUARANTEE_NOT_POSSIBLE'])
      expect(refused.message).toContain('MyISAM takes no part in a snapshot')
      await at.ingest({ table, primaryKey: ['id'], guarantee: 'best_effort' })
      expect(await at.bronze(table)).toHaveLength(1)
    }
  })

  test('a view over InnoDB tables is compared whole and exact', async () => {
    const at = await shop()
    await db.query(`INSERT INTO orders (id, v) VALUES (1, 'a'), (2, 'b');
      CREATE VIEW shown AS SELECT o.id, o.v, p.v AS other FROM orders o JOIN orders p ON p.id = o.id`)
    const view: EntryOverrides = { table: 'shown', primaryKey: ['id'] }
    await at.ingest(view)
    await db.query(`UPDATE orders SET v = 'z' WHERE id = 2`)
    expect((await at.ingest(view)).ledger).toMatchObject({ inserted: 1n, deletes: 0n })
  })

  test('a backfill reads a range, a wrong bound is refused, and repair brings back what is missing', async () => {
    const at = await shop()
    await db.query(`INSERT INTO orders VALUES (1, 'a', '2026-01-01'), (2, 'b', '2026-02-01')`)
    await at.ingest(orders)
    await db.query(`UPDATE orders SET v = 'behind', changed_at = '2026-02-01' WHERE id = 2`)
    expect((await at.backfill(orders, { from: '2026-02-01', to: '2026-03-01' })).ledger.inserted).toBe(1n)
    expect(await live(at)).toEqual(['1:a', '2:behind'])
    await at.plant('orders', sql`SELECT * FROM rows WHERE id <> 1`)
    expect((await at.verify(orders)).lost).toBe(1n)
    expect((await at.repair(orders)).after.status).toBe('equal')
    for (const from of [`x'; DROP TABLE orders; --`, '2026-02-30']) {
      expect((await problemOf(at.backfill(orders, { from }))).code).toBe('SOURCE_RANGE_INVALID')
    }
  })
})
