/** Guarantee A on a real PostgreSQL: what correctness.md calls its cases, each as a promise. */
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ident, sql } from '../../packages/tidemark/src/engine/sql.ts'
import { createDatabase, requireRelease, type TestDatabase } from '../support/postgres.ts'
import { problemOf } from '../support/source.ts'
import { createWorld } from '../support/world.ts'

let database: TestDatabase
const entry = { table: 'item' }
const id = sql`id`

beforeAll(async () => {
  database = await createDatabase(import.meta.url)
})

beforeEach(async () => {
  await database.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public')
  await database.query('CREATE TABLE item (id bigint PRIMARY KEY, name text, updated_at timestamptz DEFAULT now())')
  await database.query(`INSERT INTO item SELECT i, 'name ' || i, '2026-01-01' FROM generate_series(1, 100) i`)
})

const names = async (world: Awaited<ReturnType<typeof createWorld>>): Promise<string[]> =>
  (await world.live('item', id)).map(row => `${String(row['id'])} ${String(row['name'])}`)
const source = async (): Promise<string[]> =>
  (await database.query('SELECT id, name FROM item ORDER BY id')).map(row => `${row['id']} ${row['name']}`)

describe('an increment', () => {
  test('changes without a moved cursor, back-dated changes and ties all arrive once', async () => {
    const world = await createWorld(database)
    await world.ingest(entry)
    await database.query(`UPDATE item SET name = 'same cursor' WHERE id = 1`)
    await database.query(`UPDATE item SET name = 'back', updated_at = '1999-01-01' WHERE id = 2`)
    await database.query(`INSERT INTO item VALUES (101, 'tie', '2026-01-01')`)
    const outcome = await world.ingest(entry)
    expect(outcome.ledger).toMatchObject({ read: 3n, inserted: 3n, duplicate: 0n })
    expect((await names(world)).sort()).toEqual((await source()).sort())
  })

  test('rows of a savepoint inside an open transaction are not lost', async () => {
    const world = await createWorld(database)
    const open = await database.connect()
    await open.query(
      `BEGIN; INSERT INTO item VALUES (300, 'outer'); SAVEPOINT a; INSERT INTO item VALUES (301, 'inner')`,
    )
    await open.query(`ROLLBACK TO a; INSERT INTO item VALUES (302, 'after rollback'); RELEASE a`)
    await world.ingest(entry)
    await open.query('COMMIT')
    expect((await world.ingest(entry)).ledger).toMatchObject({ inserted: 2n })
    expect((await names(world)).sort()).toEqual((await source()).sort())
  })

  test('a prepared transaction holds the horizon until it is decided', async () => {
    const world = await createWorld(database)
    const other = await database.connect()
    await other.query(`BEGIN; INSERT INTO item VALUES (400, 'prepared'); PREPARE TRANSACTION 'held'`)
    await world.ingest(entry)
    await database.query(`INSERT INTO item VALUES (401, 'later')`)
    await world.ingest(entry)
    await database.query(`COMMIT PREPARED 'held'`)
    expect((await world.ingest(entry)).ledger).toMatchObject({ inserted: 1n })
    expect((await names(world)).sort()).toEqual((await source()).sort())
  })

  test('transaction ids are no order: the newest version is the one the later snapshot saw', async () => {
    const world = await createWorld(database)
    const older = await database.connect()
    await older.query(`BEGIN; SELECT txid_current()`)
    await database.query(`UPDATE item SET name = 'by the younger' WHERE id = 5`)
    await world.ingest(entry)
    await older.query(`UPDATE item SET name = 'by the older' WHERE id = 5; COMMIT`)
    await world.ingest(entry)
    expect(await names(world)).toContain('5 by the older')
  })
})

describe('deletes', () => {
  test('a deleted key becomes one delete entry, and coming back under the same version is not lost', async () => {
    const world = await createWorld(database)
    await world.ingest(entry)
    await database.query('DELETE FROM item WHERE id IN (7, 8)')
    expect((await world.ingest(entry)).ledger).toMatchObject({ inserted: 0n, deletes: 2n })
    await database.query(`INSERT INTO item VALUES (7, 'again')`)
    expect((await world.ingest(entry)).ledger).toMatchObject({ inserted: 1n, deletes: 0n })
    expect((await names(world)).sort()).toEqual((await source()).sort())
  })

  test('a moved primary key is a delete and an insert', async () => {
    const world = await createWorld(database)
    await world.ingest(entry)
    await database.query('UPDATE item SET id = 1000 WHERE id = 10')
    expect((await world.ingest(entry)).ledger).toMatchObject({ inserted: 1n, deletes: 1n })
    expect((await names(world)).sort()).toEqual((await source()).sort())
  })
})

describe('rows and values that appear under an old version', () => {
  test('ADD COLUMN with a default is followed by a full compare', async () => {
    const world = await createWorld(database)
    await world.ingest(entry)
    await database.query(`ALTER TABLE item ADD COLUMN state text DEFAULT 'active'`)
    const outcome = await world.ingest(entry)
    expect(outcome.method).toContain('the relation changed')
    expect(outcome.ledger).toMatchObject({ read: 100n, inserted: 100n })
    expect((await world.live('item', id)).every(row => row['state'] === 'active')).toBe(true)
  })

  test('a new nullable column evolves the table without new rows', async () => {
    const world = await createWorld(database)
    await world.ingest(entry)
    await database.query('ALTER TABLE item ADD COLUMN note text')
    const outcome = await world.ingest(entry)
    expect(outcome.ledger).toMatchObject({ read: 100n, inserted: 0n, duplicate: 100n })
    expect(Object.keys((await world.bronze('item'))[0] ?? {})).toContain('note')
    expect((await world.ingest(entry)).reason).toContain('nothing, proved')
  })

  test('a table swapped in by renames is compared whole', async () => {
    await database.query(`CREATE TABLE item_new (LIKE item INCLUDING ALL)`)
    await database.query(`INSERT INTO item_new SELECT id, 'swapped ' || id, updated_at FROM item WHERE id <= 90`)
    const world = await createWorld(database)
    await world.ingest(entry)
    await database.query('ALTER TABLE item RENAME TO item_old; ALTER TABLE item_new RENAME TO item')
    const outcome = await world.ingest(entry)
    expect(outcome.ledger).toMatchObject({ read: 90n, inserted: 90n, deletes: 10n })
    expect((await names(world)).sort()).toEqual((await source()).sort())
  })

  test('an attached partition with old rows is not overlooked', async () => {
    await database.query(`CREATE TABLE part (id bigint, name text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
      CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (100);
      CREATE TABLE part_2 (id bigint PRIMARY KEY, name text);
      INSERT INTO part SELECT i, 'one' FROM generate_series(1, 50) i;
      INSERT INTO part_2 SELECT i, 'two' FROM generate_series(101, 150) i`)
    const world = await createWorld(database)
    await world.ingest({ table: 'part' })
    await database.query('ALTER TABLE part ATTACH PARTITION part_2 FOR VALUES FROM (100) TO (200)')
    expect((await world.ingest({ table: 'part' })).ledger).toMatchObject({ inserted: 50n })
  })

  test('a partition whose detaching was broken off is not one until it is attached again, with its old rows', async context => {
    requireRelease(context, 14, 'DETACH PARTITION … CONCURRENTLY')
    await database.query(`CREATE TABLE whole (id int, name text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
      CREATE TABLE low PARTITION OF whole FOR VALUES FROM (0) TO (100);
      CREATE TABLE high PARTITION OF whole FOR VALUES FROM (100) TO (200);
      INSERT INTO whole SELECT i, 'a' FROM generate_series(1, 50) i; INSERT INTO whole SELECT i, 'a' FROM generate_series(101, 110) i`)
    const world = await createWorld(database)
    const whole = { table: 'whole' }
    const equal = async (): Promise<void> => {
      const rows = await world.live('whole', sql`id`)
      const source = await database.query('SELECT id::text FROM whole ORDER BY whole.id')
      expect(rows.map(({ id }) => String(id))).toEqual(source.map(({ id }) => id))
    }
    await world.ingest(whole)
    const [reader, detaching] = [await database.connect(), await database.connect()]
    await reader.query('BEGIN; SELECT FROM whole')
    const ended = detaching.query('ALTER TABLE whole DETACH PARTITION high CONCURRENTLY').then(() => 'done', String)
    // Its first half is committed when it waits for the reader.
    const pending = async (): Promise<unknown[]> =>
      await database.query(`SELECT pg_cancel_backend(pid) FROM pg_inherits, pg_stat_activity
        WHERE inhdetachpending AND inhparent = 'whole'::regclass AND wait_event_type = 'Lock' AND query LIKE 'ALTER TABLE whole DETACH%'`)
    await expect.poll(pending).toHaveLength(1)
    expect(await ended).toContain('canceling statement')
    await reader.query('ROLLBACK')
    expect((await world.ingest(whole)).ledger).toMatchObject({ deletes: 10n })
    await equal()
    // As many rows as keys are known: the count alone would prove that nothing is gone.
    await database.query('ALTER TABLE whole DETACH PARTITION high FINALIZE')
    await database.query(`DELETE FROM whole WHERE id <= 10;
      ALTER TABLE whole ATTACH PARTITION high FOR VALUES FROM (100) TO (200)`)
    expect((await world.ingest(whole)).ledger).toMatchObject({ inserted: 10n, deletes: 10n })
    await equal()
    await Promise.all([reader.end(), detaching.end()])
  })

  test('rows of tables that inherit from another are not kept apart by its primary key, and a shared key stops it', async () => {
    await database.query(`DROP TABLE IF EXISTS parent CASCADE; CREATE TABLE parent (id int PRIMARY KEY, name text);
      CREATE TABLE child (more int) INHERITS (parent); INSERT INTO parent VALUES (1, 'a'), (2, 'b'); INSERT INTO child VALUES (3, 'c', 0)`)
    const world = await createWorld(database)
    const parent = { table: 'parent' }
    await world.ingest(parent)
    // As many rows as keys are known: the count alone would prove that nothing is gone.
    await database.query(`DELETE FROM ONLY parent WHERE id = 2; INSERT INTO child VALUES (1, 'again', 0)`)
    const problem = await problemOf(world.ingest(parent))
    expect([problem.code, problem.message]).toEqual([
      'KEY_NOT_UNIQUE',
      expect.stringContaining('1 of them gone; the primary key leaves out'),
    ])
    await database.query(`DELETE FROM ONLY parent WHERE id = 1`)
    expect((await world.ingest(parent)).ledger).toMatchObject({ inserted: 1n, deletes: 1n })
    expect((await world.verify(parent)).status).toBe('equal')
    await database.query(`INSERT INTO parent VALUES (3, 'twin')`)
    const other = { table: 'parent', name: 'other' }
    expect((await problemOf(world.ingest(other))).message).toContain('the tables that inherit from it')
  })

  test('VACUUM FREEZE and VACUUM FULL double nothing', async () => {
    const world = await createWorld(database)
    await world.ingest(entry)
    await database.query('VACUUM FREEZE item')
    await database.query('VACUUM FULL item')
    await world.ingest(entry)
    expect((await world.bronze('item')).length).toBe(100)
  })
})

describe('two writers on one table', () => {
  test('a backfill that loses against a live run neither doubles nor revives a row', async () => {
    const world = await createWorld(database)
    const dated = { ...entry, cdcCol: 'updated_at' }
    await world.ingest(dated)
    await database.query(
      `UPDATE item SET name = 'v1' WHERE id = 1; INSERT INTO item VALUES (600, 'brief', '2026-01-01')`,
    )
    const early = await world.snapshot(dated)
    await database.query(`UPDATE item SET name = 'v2' WHERE id = 1; DELETE FROM item WHERE id = 600`)
    await world.ingest(dated)
    await world.backfill(dated, { from: '2026-01-01' }, early)
    await world.ingest(dated)
    expect((await names(world)).sort()).toEqual((await source()).sort())
    const versions = await world.bronze('item', sql`_seq`)
    expect(versions.filter(row => row['id'] === 1n).map(row => row['name'])).toEqual(['name 1', 'v2'])
  })

  test('a backfill of a range without rows says so, and one of rows that are there says that', async () => {
    const world = await createWorld(database)
    const dated = { table: 'item', cdcCol: 'updated_at' }
    await world.ingest(dated)
    const turned = await world.backfill(dated, { from: '2026-02-01', to: '2025-12-01' })
    expect(turned.reason).toBe('the source has no row in the range')
    const known = await world.backfill(dated, { from: '2025-12-01', to: '2026-02-01' })
    expect(known.reason).toBe('every row of the range is already in bronze')
  })

  test('two first loads at once make one table', async () => {
    const world = await createWorld(database)
    const outcomes = await Promise.all([world.ingest(entry), world.ingest(entry)])
    expect(outcomes.filter(outcome => outcome.status === 'changed')).toHaveLength(1)
    expect((await world.bronze('item')).length).toBe(100)
  })
})

test('rows whose key is binary are recognised and deleted as others are', async () => {
  await database.query('CREATE TABLE blob (id bytea, part int, name text, PRIMARY KEY (id, part))')
  await database.query(`INSERT INTO blob SELECT '\\x00ff27', i, 'n' FROM generate_series(1, 20) i`)
  const world = await createWorld(database)
  const open = await database.connect()
  await open.query(`BEGIN; UPDATE item SET name = 'holds the horizon' WHERE id = 1`)
  await world.ingest({ table: 'blob' })
  await database.query(`UPDATE blob SET name = 'new' WHERE part = 1; DELETE FROM blob WHERE part = 2`)
  expect((await world.ingest({ table: 'blob' })).ledger).toMatchObject({ inserted: 1n, deletes: 1n })
  await database.query(`UPDATE blob SET name = 'new' WHERE part = 3`)
  const third = await world.ingest({ table: 'blob' })
  expect(third.ledger).toMatchObject({ read: 2n, inserted: 1n, duplicate: 1n, deletes: 0n })
  await open.query('COMMIT')
})

describe('keyless tables and views', () => {
  test('a keyless table is replaced whole, and only when its rows differ', async () => {
    await database.query(`CREATE TABLE log (line text); INSERT INTO log VALUES ('a'), ('a'), (NULL)`)
    const world = await createWorld(database)
    await world.ingest({ table: 'log' })
    await database.query(`INSERT INTO item VALUES (700, 'elsewhere')`)
    expect(await world.ingest({ table: 'log' })).toMatchObject({ status: 'unchanged', versionAfter: 0n })
    await database.query(`DELETE FROM log WHERE line IS NULL`)
    await world.ingest({ table: 'log' })
    expect((await world.bronze('log')).map(row => row['line'])).toEqual(['a', 'a'])
  })

  test('a table that gets its first key, or loses it, is told so in words', async () => {
    await database.query(`CREATE TABLE line (id int NOT NULL, v text); INSERT INTO line VALUES (1, 'a')`)
    const world = await createWorld(database)
    const line = { table: 'line' }
    await world.ingest(line)
    await database.query('ALTER TABLE line ADD PRIMARY KEY (id)')
    const gained = await problemOf(world.ingest(line))
    expect(gained.message).toBe('bronze.line was loaded without a key; its key is now (id).')
    expect(gained.hint).toContain('another name')
    await world.ingest({ ...line, name: 'keyed' })
    await database.query('ALTER TABLE line DROP CONSTRAINT line_pkey')
    const lost = await problemOf(world.ingest({ ...line, name: 'keyed' }))
    expect(lost.message).toBe('bronze.keyed was loaded by (id); it has none now.')
    expect(lost.hint).toContain('Declare the old key by primary_key')
    expect((await world.ingest({ ...line, name: 'keyed', primaryKey: ['id'] })).ledger).toMatchObject({ inserted: 0n })
  })

  test('a view with a declared key is compared whole and keeps history', async () => {
    await database.query(`CREATE VIEW shouting AS SELECT id, upper(name) AS name FROM item WHERE id <= 10`)
    const view = { table: 'shouting', primaryKey: ['id'] }
    const world = await createWorld(database)
    await world.ingest(view)
    await database.query(`UPDATE item SET name = 'x' WHERE id = 1; DELETE FROM item WHERE id = 2`)
    expect((await world.ingest(view)).ledger).toMatchObject({ inserted: 1n, deletes: 1n })
    expect((await world.live('shouting', ident('id'))).length).toBe(9)
  })
})

describe('verify', () => {
  test('calls rows written since the mark pending, and everything else equal', async () => {
    const world = await createWorld(database)
    await world.ingest(entry)
    expect(await world.verify(entry)).toMatchObject({ status: 'equal', sourceRows: 100n, lakeRows: 100n })
    await database.query(`UPDATE item SET name = 'moved on' WHERE id = 20`)
    expect(await world.verify(entry)).toMatchObject({ status: 'pending', pending: 1n, lost: 0n, stale: 0n })
  })

  test('names one planted lost, one stale and one ghost row', async () => {
    const world = await createWorld(database)
    await world.ingest(entry)
    await world.plant(
      'item',
      sql`SELECT * REPLACE (CASE WHEN id = 2 THEN 'stale' ELSE name END AS name) FROM rows \
WHERE id <> 1 UNION ALL BY NAME SELECT * REPLACE (999 AS id) FROM rows WHERE id = 3`,
    )
    const verdict = await world.verify(entry)
    expect(verdict).toMatchObject({ status: 'different', lost: 1n, stale: 1n, ghost: 1n })
    expect(verdict.examples.map(({ kind, key }) => `${kind} ${key}`)).toEqual(['ghost 999', 'lost 1', 'stale 2'])
  })

  test('a keyless table is compared by count and hash', async () => {
    await database.query(`CREATE TABLE log (line text); INSERT INTO log VALUES ('a'), ('a'), (NULL)`)
    const world = await createWorld(database)
    await world.ingest({ table: 'log' })
    expect(await world.verify({ table: 'log' })).toMatchObject({ status: 'equal', sourceRows: 3n, lakeRows: 3n })
  })
})

describe('somebody else in bronze', () => {
  test('a data-changing commit that is not ours stops the table with the way out', async () => {
    const world = await createWorld(database)
    await world.ingest(entry)
    await world.plant('item', sql`SELECT * FROM rows WHERE id > 1`, 'foreign')
    await database.query(`INSERT INTO item VALUES (800, 'new')`)
    await expect(world.ingest(entry)).rejects.toMatchObject({ code: 'BRONZE_FOREIGN_CHANGE' })
  })

  test('a folder with files of somebody else is never turned into a table', async () => {
    const world = await createWorld(database)
    await world.lake.store.put('bronze/item/notes.txt', new TextEncoder().encode('mine'))
    await expect(world.ingest(entry)).rejects.toMatchObject({ code: 'FOLDER_NOT_OURS' })
    expect(new TextDecoder().decode(await world.lake.store.get('bronze/item/notes.txt'))).toBe('mine')
  })
})

describe('a first load that is not counted before', () => {
  const refusalOf = async (columns: string, values: string): Promise<string> => {
    await database.query(`CREATE TABLE odd (id bigint PRIMARY KEY, ${columns});
      INSERT INTO odd SELECT i, ${values} FROM generate_series(1, 10000) i`)
    const world = await createWorld(database)
    const problem = await world.ingest({ table: 'odd' }).catch((error: unknown) => error as Error)
    expect(problem).toMatchObject({ code: 'SOURCE_VALUE_UNFIT' })
    expect(await world.version('odd')).toBeUndefined()
    return (problem as Error).message
  }

  test('refuses what the lake cannot hold in all columns at once, with numbers of the whole table', async () => {
    const message = await refusalOf(
      'amount numeric(10,2), day date',
      `CASE WHEN i % 1000 = 0 THEN 'NaN'::numeric END, CASE WHEN i > 9997 THEN date 'infinity' END`,
    )
    expect(message).toMatch(/amount \(.*\) has 10 rows with NaN; /)
    expect(message).toMatch(/day \(date as date\) has 3 rows with/)
  })

  test('nor does an increment count what its copy refuses: all columns, with numbers of the slice, and nothing is written', async () => {
    await database.query(`CREATE TABLE later (id bigint PRIMARY KEY, amount numeric(10,2), day date);
      INSERT INTO later SELECT i, i, DATE '2026-01-01' FROM generate_series(1, 1000) i`)
    const world = await createWorld(database)
    await world.ingest({ table: 'later' })
    await database.query(
      `UPDATE later SET amount = 'NaN' WHERE id <= 3; UPDATE later SET day = 'infinity' WHERE id > 998`,
    )
    const problem = await world.ingest({ table: 'later' }).catch((error: unknown) => error as Error)
    expect(problem).toMatchObject({ code: 'SOURCE_VALUE_UNFIT' })
    expect((problem as Error).message).toMatch(
      /amount \(.*\) has 3 rows with NaN; day \(date as date\) has 2 rows with/,
    )
    expect(await world.version('later')).toBe(0n)
  })

  test('has the same words for moments that the server itself cannot convert', async () => {
    expect(await refusalOf('at timestamp', `CASE WHEN i = 7000 THEN timestamp '294276-12-31 23:59:59' END`)).toMatch(
      /at \(.*\) has 1 row with/,
    )
  })
})
