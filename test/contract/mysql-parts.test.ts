/** Big first loads from MySQL and MariaDB: cut by the key, read in one snapshot, continued by the cursor. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { sql } from '../../packages/tidemark/src/engine/sql.ts'
import { createMysqlDatabase, hasMariadb, type MysqlDatabase } from '../support/mariadb.ts'
import { never, tableOf } from '../support/source.ts'
import { watched } from '../support/watched-snapshot.ts'
import { createWorld, type EntryOverrides, type World } from '../support/world.ts'

const ROWS = 3000
const big: EntryOverrides = { table: 'big', cdcCol: 'changed_at', guarantee: 'server_clock' }

describe.runIf(hasMariadb)('a big first load from MySQL', () => {
  let db: MysqlDatabase
  let world: World
  beforeAll(async () => {
    db = await createMysqlDatabase(import.meta.url)
  })
  afterAll(() => db?.drop())

  /** Keys from far below zero to far above, in one cluster and some that stand alone. */
  const create = async (key = 'bigint'): Promise<void> => {
    await db.query(`DROP TABLE IF EXISTS big; CREATE TABLE big (id ${key} NOT NULL, part int NOT NULL, v text NOT NULL,
      changed_at timestamp(6) NOT NULL DEFAULT now(6), PRIMARY KEY (id, part), KEY (changed_at)) ENGINE=InnoDB`)
    const rows = Array.from({ length: ROWS }, (_, n) => `(${n}, ${n % 3}, '${'x'.repeat(100)}${n}', '2026-01-01')`)
    await db.query(`INSERT INTO big VALUES ${rows.join(',')}`)
    await db.query('ANALYZE TABLE big')
  }

  beforeEach(async () => {
    await create()
    world = await createWorld(db, { type: 'mysql', chunkBytes: 32n * 1024n })
  })

  async function expectEqual(): Promise<void> {
    const rows = await world.live('big', sql`id, part`)
    const wanted = await db.query('SELECT id, part, v FROM big')
    expect(rows.map(row => `${String(row['id'])} ${String(row['part'])} ${String(row['v'])}`).toSorted()).toEqual(
      wanted.map(row => `${row['id']} ${row['part']} ${row['v']}`).toSorted(),
    )
  }

  test('is read by ranges of its key, each row once, wherever the keys lie', async () => {
    await db.query(
      `INSERT INTO big (id, part, v) VALUES (-9223372036854775808, 0, 'lowest'), (9223372036854775807, 0, 'highest')`,
    )
    const outcome = await world.ingest(big)
    expect(outcome.method).toMatch(/^first full load in \d+ parts$/)
    expect(outcome.ledger).toMatchObject({ read: BigInt(ROWS + 2), inserted: BigInt(ROWS + 2) })
    await expectEqual()
  })

  test.each([
    ['99 % within 1 % of the range', 'CASE WHEN id % 100 > 0 THEN 5000000 + id ELSE id * 333 END'],
    [
      'at both edges of 64 bits',
      'CASE WHEN id % 2 = 0 THEN -9223372036854775808 + id ELSE 9223372036854775807 - id END',
    ],
    ['negative, with gaps', '-id - (id DIV 500) * 1000000000'],
  ])('with keys %s has parts of about one size, and each row once', async (_how, key) => {
    await db.query(`CREATE TABLE other AS SELECT * FROM big; DELETE FROM big;
      INSERT INTO big SELECT ${key}, part, v, changed_at FROM other; DROP TABLE other; ANALYZE TABLE big`)
    const snapshot = await world.snapshot(big)
    const cut = await snapshot.cutTable?.(tableOf(snapshot, { schema: db.database, table: 'big' }), 32n * 1024n, never)
    const rows: number[] = []
    for (const { from, to } of cut?.chunks ?? []) {
      const bounds = [from === undefined ? '' : `AND id >= ${from}`, to === undefined ? '' : `AND id < ${to}`]
      const [counted] = await db.query(`SELECT count(*) AS n FROM big WHERE true ${bounds.join(' ')}`)
      rows.push(Number(counted?.['n']))
    }
    expect(rows.reduce((sum, one) => sum + one, 0)).toBe(ROWS)
    expect(rows.length).toBeGreaterThan(5)
    // The server estimates by its index, to within twice what is there.
    expect(Math.max(...rows)).toBeLessThanOrEqual(4 * Math.ceil(ROWS / rows.length) + 50)
    const outcome = await world.ingest(big, { snapshot })
    expect(outcome.ledger).toMatchObject({ read: BigInt(ROWS), inserted: BigInt(ROWS) })
    await expectEqual()
  })

  test('by a text is read in one go, whole', async () => {
    await db.query('ALTER TABLE big MODIFY id varchar(40) NOT NULL')
    expect((await world.ingest(big)).method).toBe('first full load')
    await expectEqual()
  })

  test('that broke is continued: only what is missing is read, and what changed since then', async () => {
    const broken = watched(await world.snapshot(big), 4)
    await expect(world.ingest(big, { snapshot: broken.snapshot })).rejects.toThrow('the connection is gone')
    expect(await world.version('big')).toBeUndefined()
    await db.query(`UPDATE big SET v = concat('changed ', id), changed_at = now(6) WHERE id % 500 = 0;
      DELETE FROM big WHERE id % 700 = 0; INSERT INTO big (id, part, v) VALUES (-5, 0, 'new'), (${ROWS}, 0, 'new');
      UPDATE big SET id = id + 100000, changed_at = now(6) WHERE id IN (3, ${ROWS - 3})`)
    const again = watched(await world.snapshot(big))
    const outcome = await world.ingest(big, { snapshot: again.snapshot, allowMassDelete: true })
    const [, parts, taken] = /in (\d+) parts, (\d+) of them read by an earlier run$/.exec(outcome.method) ?? []
    expect(Number(taken)).toBe(3)
    // One more read is the increment that follows.
    expect(again.reads()).toBe(Number(parts) - Number(taken) + 1)
    await expectEqual()
    await db.query(`INSERT INTO big (id, part, v) VALUES (999, 9, 'later')`)
    expect((await world.ingest(big)).status).toBe('changed')
    await expectEqual()
  })

  test('with unsigned keys beyond a signed number is cut as exactly', async () => {
    await create('bigint unsigned')
    await db.query(`INSERT INTO big (id, part, v) VALUES (18446744073709551615, 0, 'highest')`)
    expect((await world.ingest(big)).method).toMatch(/ parts$/)
    await expectEqual()
  })

  test('that could only go on by comparing every row, or whose key has no order, is read in one go', async () => {
    expect((await world.ingest({ table: 'big' })).method).toBe('first full load')
    await create('varchar(20)')
    const other = await createWorld(db, { type: 'mysql', chunkBytes: 32n * 1024n })
    expect((await other.ingest(big)).method).toBe('first full load')
  })

  test('asks how many sessions are at work', async () => {
    const snapshot = await world.snapshot(big)
    const sleeper = await db.connect()
    const sleeping = sleeper.query('SELECT SLEEP(60) AS slept').catch(() => undefined)
    await expect
      .poll(async () => (await snapshot.workload?.(new AbortController().signal))?.atWork)
      .toBeGreaterThanOrEqual(1n)
    const [running] = await db.query(
      `SELECT id FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP(60)%'`,
    )
    await db.query(`KILL QUERY ${running?.['id']}`)
    await sleeping
  })
})
