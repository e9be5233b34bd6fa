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

  test('a keyless table is replaced whole when its content differs', async () => {
    await db.query(`CREATE TABLE log (line text); INSERT INTO log VALUES (NULL), (''), ('a'), ('a')`)
    const at = await world()
    await at.ingest({ table: 'log' })
    expect(await at.ingest({ table: 'log' })).toMatchObject({ status: 'unchanged' })
    await db.query(`DELETE FROM log WHERE line = 'a' LIMIT 1`)
    await at.ingest({ table: 'log' })
    expect((await at.bronze('log', sql`line`)).map(row => row['line'])).toEqual(['', 'a', null])
  })

  test('two codes of a character set that are one letter of Unicode are no two keys', async () => {
    await db.query(`CREATE TABLE marks (k varchar(9) CHARACTER SET cp932 COLLATE cp932_bin PRIMARY KEY);
      INSERT INTO marks VALUES (x'8790'), (x'81e0')`)
    const at = await world()
    expect((await problemOf(at.ingest({ table: 'marks' }))).code).toBe('KEY_NOT_UNIQUE')
    await db.query(`DELETE FROM marks WHERE k = x'8790'`)
    await at.ingest({ table: 'marks' })
    expect(await at.bronze('marks', sql`k`)).toMatchObject([{ k: '≒' }])
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

  test('a server that takes no writes has its transactions elsewhere: class B is refused by name', async () => {
    const at = await shop()
    await db.query('SET GLOBAL read_only = 1')
    onTestFinished(async () => void (await db.query('SET GLOBAL read_only = 0')))
    const refused = await problemOf(at.ingest(orders))
    expect([refused.code, refused.message]).toEqual(['GUARANTEE_NOT_POSSIBLE', expect.stringContaining('read_only')])
    expect(await at.ingest({ table: 'orders' })).toMatchObject({ status: 'changed' })
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
})
