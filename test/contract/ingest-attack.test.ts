/** Ingestion under hostile tables, hostile settings and races: each case lost, doubled or bent something once. */
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { sql } from '../../packages/tidemark/src/engine/sql.ts'
import { createDatabase, RELEASE, type TestDatabase } from '../support/postgres.ts'
import { createWorld } from '../support/world.ts'

let database: TestDatabase
const entry = { table: 'item' }
const dated = { ...entry, cdcCol: 'updated_at' }
const id = sql`id`

beforeAll(async () => {
  database = await createDatabase(import.meta.url)
  return () => database.drop()
})

beforeEach(async () => {
  await database.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public')
  await database.query('CREATE TABLE item (id bigint PRIMARY KEY, name text, updated_at timestamptz DEFAULT now())')
  await database.query(`INSERT INTO item SELECT i, 'name ' || i, '2026-01-01' FROM generate_series(1, 30) i`)
})

type World = Awaited<ReturnType<typeof createWorld>>

/** Versions of one key in the order of `_seq`: its name, or `-` for a delete. */
async function history(world: World, key: bigint): Promise<string[]> {
  const rows = await world.bronze('item', sql`_seq`)
  return rows.filter(row => row['id'] === key).map(row => (row['_op'] === 'delete' ? '-' : String(row['name'])))
}

describe('a snapshot that something later has overtaken', () => {
  test('a run whose snapshot is older than a backfill puts no older version on top and deletes nothing', async () => {
    const world = await createWorld(database)
    await world.ingest(dated)
    await database.query(`UPDATE item SET name = 'v1' WHERE id = 1`)
    const slow = await world.snapshot(dated)
    await database.query(`UPDATE item SET name = 'v2' WHERE id = 1; INSERT INTO item VALUES (99, 'new', '2026-01-01')`)
    await world.backfill(dated, { from: '2025-01-01' })
    await world.ingest(dated, { snapshot: slow }).catch(() => undefined)
    expect(await history(world, 1n)).toEqual(['name 1', 'v2'])
    expect(await history(world, 99n)).toEqual(['new'])
    await world.ingest(dated)
    expect(await world.verify(dated)).toMatchObject({ status: 'equal' })
    expect(await history(world, 1n)).toEqual(['name 1', 'v2'])
  })

  test('verify in a snapshot that a run has overtaken compares with what the lake held then', async () => {
    const world = await createWorld(database)
    await world.ingest(entry)
    await database.query(`UPDATE item SET name = 'v1' WHERE id = 1`)
    await world.ingest(entry)
    const early = await world.snapshot(entry)
    await database.query(`UPDATE item SET name = 'v2' WHERE id = 1; DELETE FROM item WHERE id = 2`)
    await database.query(`INSERT INTO item VALUES (99, 'new')`)
    await world.ingest(entry)
    expect(await world.verify(entry, early)).toMatchObject({ status: 'equal', sourceRows: 30n, lakeRows: 30n })
    expect(await world.verify(entry)).toMatchObject({ status: 'equal' })
  })
})

describe('deletes that the user ignores', () => {
  const kept = { ...entry, deletes: 'ignore' as const }

  test('stay in the lake when the relation changes and everything is compared', async () => {
    const world = await createWorld(database)
    await world.ingest(kept)
    await database.query(`DELETE FROM item WHERE id = 7; ALTER TABLE item ADD COLUMN state text DEFAULT 'a'`)
    expect((await world.ingest(kept)).ledger).toMatchObject({ inserted: 29n, deletes: 0n })
    expect(await world.live('item', id)).toHaveLength(30)
  })

  test('stay in the lake for a view, which is compared whole each time', async () => {
    await database.query('CREATE VIEW seen AS SELECT id, name FROM item')
    const view = { table: 'seen', primaryKey: ['id'], deletes: 'ignore' as const }
    const world = await createWorld(database)
    await world.ingest(view)
    await database.query('DELETE FROM item WHERE id = 7')
    expect((await world.ingest(view)).ledger).toMatchObject({ deletes: 0n })
    expect(await world.live('seen', id)).toHaveLength(30)
  })

  test('are no difference for verify', async () => {
    const world = await createWorld(database)
    await world.ingest(kept)
    await database.query('DELETE FROM item WHERE id = 7')
    await world.ingest(kept)
    await database.query(`INSERT INTO item VALUES (99, 'new')`)
    await world.ingest(kept)
    expect(await world.verify(kept)).toMatchObject({ status: 'equal', ghost: 0n, pending: 0n })
  })

  test('are found by one full compare when the entry changes its mind', async () => {
    const world = await createWorld(database)
    await world.ingest(kept)
    await database.query('DELETE FROM item WHERE id = 7')
    await world.ingest(kept)
    expect((await world.ingest(entry)).ledger).toMatchObject({ deletes: 1n })
    expect(await world.verify(entry)).toMatchObject({ status: 'equal' })
  })
})

describe('keys that the database does not enforce', () => {
  test('a duplicate that comes while another key goes is no proof that nothing went', async () => {
    await database.query(`CREATE TABLE loose (k int, v text);
      INSERT INTO loose SELECT i, 'v' FROM generate_series(1, 30) i`)
    const loose = { table: 'loose', primaryKey: ['k'] }
    const world = await createWorld(database)
    await world.ingest(loose)
    await database.query(`DELETE FROM loose WHERE k = 2; INSERT INTO loose VALUES (1, 'again')`)
    await expect(world.ingest(loose)).rejects.toMatchObject({ code: 'KEY_NOT_UNIQUE' })
  })

  test('updates without deletes are taken without complaint', async () => {
    await database.query(`CREATE TABLE loose (k int, v text);
      INSERT INTO loose SELECT i, 'v' FROM generate_series(1, 30) i`)
    const loose = { table: 'loose', primaryKey: ['k'] }
    const world = await createWorld(database)
    await world.ingest(loose)
    await database.query(`UPDATE loose SET v = 'w' WHERE k < 10; INSERT INTO loose VALUES (31, 'x')`)
    expect((await world.ingest(loose)).ledger).toMatchObject({ inserted: 10n, deletes: 0n })
    expect(await world.verify(loose)).toMatchObject({ status: 'equal' })
  })
})

describe('keyless tables', () => {
  test('two columns that exchange their names exchange their values in the lake', async () => {
    await database.query(`CREATE TABLE log (a text, b text); INSERT INTO log VALUES ('1', '2'), ('3', '4')`)
    const world = await createWorld(database)
    await world.ingest({ table: 'log' })
    await database.query(`ALTER TABLE log RENAME a TO t; ALTER TABLE log RENAME b TO a; ALTER TABLE log RENAME t TO b`)
    await world.ingest({ table: 'log' })
    expect((await world.bronze('log', sql`a`)).map(({ a, b }) => [a, b])).toEqual([
      ['2', '1'],
      ['4', '3'],
    ])
  })

  test('a renamed column is a new one beside the old, which is empty from then on', async () => {
    await database.query(`CREATE TABLE log (a text); INSERT INTO log VALUES ('1')`)
    const world = await createWorld(database)
    await world.ingest({ table: 'log' })
    await database.query('ALTER TABLE log RENAME a TO other')
    await world.ingest({ table: 'log' })
    expect((await world.bronze('log')).map(({ a, other }) => [a, other])).toEqual([[null, '1']])
  })

  test('a table without columns is carried by its count', async () => {
    await database.query(`CREATE TABLE bare (); INSERT INTO bare DEFAULT VALUES; INSERT INTO bare DEFAULT VALUES`)
    const world = await createWorld(database)
    expect((await world.ingest({ table: 'bare' })).ledger).toMatchObject({ inserted: 2n })
    expect(await world.verify({ table: 'bare' })).toMatchObject({ status: 'equal', sourceRows: 2n, lakeRows: 2n })
    await database.query('INSERT INTO bare DEFAULT VALUES')
    await world.ingest({ table: 'bare' })
    expect(await world.bronze('bare')).toHaveLength(3)
  })
})

describe('tables without rows', () => {
  test('a first load without rows is a table, and the first row follows', async () => {
    await database.query('TRUNCATE item')
    const world = await createWorld(database)
    expect(await world.ingest(entry)).toMatchObject({ status: 'changed', versionAfter: 0n })
    expect(await world.verify(entry)).toMatchObject({ status: 'equal', sourceRows: 0n })
    await database.query(`INSERT INTO item VALUES (1, 'first')`)
    expect((await world.ingest(entry)).ledger).toMatchObject({ inserted: 1n })
  })

  test('an empty keyless table is a table', async () => {
    await database.query('CREATE TABLE log (line text)')
    const world = await createWorld(database)
    expect(await world.ingest({ table: 'log' })).toMatchObject({ status: 'changed' })
    await database.query(`INSERT INTO log VALUES ('a')`)
    await world.ingest({ table: 'log' })
    await database.query('TRUNCATE log')
    await world.ingest({ table: 'log' })
    expect(await world.bronze('log')).toEqual([])
  })
})

describe('a relation without row versions', () => {
  test('writes nothing when nothing differs, and keeps _seq strict when something does', async () => {
    await database.query('CREATE VIEW seen AS SELECT id, name FROM item')
    const view = { table: 'seen', primaryKey: ['id'] }
    const world = await createWorld(database)
    await world.ingest(view)
    await database.query('CREATE TABLE unrelated ()')
    expect(await world.ingest(view)).toMatchObject({ status: 'unchanged', versionAfter: 0n })
    expect(await world.ingest(view)).toMatchObject({ status: 'unchanged', versionAfter: 0n })
    for (const name of ['v1', 'v2']) {
      await database.query(`UPDATE item SET name = '${name}' WHERE id = 1`)
      expect((await world.ingest(view)).ledger).toMatchObject({ inserted: 1n })
    }
    const seqs = (await world.bronze('seen', sql`_seq`)).filter(row => row['id'] === 1n).map(row => row['_seq'])
    expect(new Set(seqs).size).toBe(3)
    expect(await world.verify(view)).toMatchObject({ status: 'equal' })
  })

  test('a refreshed materialized view is followed', async () => {
    await database.query('CREATE MATERIALIZED VIEW seen AS SELECT id, name FROM item')
    const view = { table: 'seen', primaryKey: ['id'] }
    const world = await createWorld(database)
    await world.ingest(view)
    await database.query(`DELETE FROM item WHERE id = 3; UPDATE item SET name = 'x' WHERE id = 4`)
    await database.query('REFRESH MATERIALIZED VIEW seen')
    expect((await world.ingest(view)).ledger).toMatchObject({ inserted: 1n, deletes: 1n })
  })
})

describe('names', () => {
  test('columns named like our helpers, aliases, keywords and system columns keep their own values', async () => {
    const columns = [
      'c0',
      'c1',
      'c2',
      'c3',
      'c',
      'n',
      's',
      'l',
      'd',
      'r',
      't',
      'select',
      'Ü "q" ñ',
      'kind',
      'key_text',
      'recent',
      'differs',
      'rows',
      'filename',
      'file',
    ]
    const list = columns.map(name => `"${name.replaceAll('"', '""')}" text`).join(', ')
    const values = columns.map((_, i) => `'value ${i}'`).join(', ')
    await database.query(`CREATE TABLE "Odd ""T"" 'x'" ("key" int PRIMARY KEY, ${list});
      INSERT INTO "Odd ""T"" 'x'" SELECT i, ${values} FROM generate_series(1, 3) i`)
    const odd = { table: `Odd "T" 'x'` }
    const world = await createWorld(database)
    await world.ingest(odd)
    await database.query(
      `UPDATE "Odd ""T"" 'x'" SET c = 'changed' WHERE key = 1; DELETE FROM "Odd ""T"" 'x'" WHERE key = 2`,
    )
    expect((await world.ingest(odd)).ledger).toMatchObject({ inserted: 1n, deletes: 1n })
    expect(await world.verify(odd)).toMatchObject({ status: 'equal', sourceRows: 2n })
    const [, row] = await world.live(odd.table, sql`"key"`)
    for (const [i, name] of columns.entries()) expect(row?.[name.replaceAll(' ', '_')], name).toBe(`value ${i}`)
    await database.query(`ALTER TABLE "Odd ""T"" 'x'" ADD COLUMN more text DEFAULT 'm'`)
    expect((await world.ingest(odd)).ledger).toMatchObject({ inserted: 2n })
    expect(await world.verify(odd)).toMatchObject({ status: 'equal' })
  })

  test.each(['_new_key', '_newest_op', '_newest_version', '_newest_seq', '_in_source', '_IN_LAKE', '_file'])(
    'a column called %s is carried or refused, never mixed up with ours',
    async name => {
      await database.query(`CREATE TABLE odd (k int PRIMARY KEY, "${name}" text); INSERT INTO odd VALUES (1, 'mine')`)
      const world = await createWorld(database)
      const refused = await world.ingest({ table: 'odd' }).then(
        () => undefined,
        (error: { code?: string }) => error.code,
      )
      if (refused === undefined) {
        await database.query(`UPDATE odd SET "${name}" = 'yours'`)
        await world.ingest({ table: 'odd' })
        const rows = await world.bronze('odd', sql`_seq`)
        expect(rows.map(row => row[name])).toEqual(['mine', 'yours'])
        expect(await world.verify({ table: 'odd' })).toMatchObject({ status: 'equal' })
      } else expect(refused).toBe('COLUMN_RESERVED')
    },
  )
})

describe('keys that are equal in one place and not in another', () => {
  test.each([
    ['double precision', `'-0'`, `'0'`],
    ['double precision', `'NaN'`, `'Infinity'`],
    ['numeric', '1.0', '1.00'],
    ['numeric', `'NaN'`, RELEASE < 14 ? `'-1e300'` : `'-Infinity'`],
    ['char(5)', `'a'`, `'b'`],
    ['text', `''`, `' '`],
    ['timestamptz', `'2026-01-01 00:00:00.000001+00'`, `'2026-01-01 00:00:00.000002+00'`],
    ['bytea', `'\\x00'`, `'\\x0000'`],
    ['bigint', '9223372036854775807', '-9223372036854775808'],
    ['interval', `'1 day'`, `'24 hours'`],
    ['jsonb', `'1.0'`, `'1.00'`],
  ])('%s: a key moved from %s to %s leaves one row and equals the source', async (type, before, after) => {
    await database.query(`CREATE TABLE k (k ${type} PRIMARY KEY, v text); INSERT INTO k VALUES (${before}, 'v')`)
    const world = await createWorld(database)
    await world.ingest({ table: 'k' })
    await database.query(`UPDATE k SET k = ${after}, v = 'w'`)
    await world.ingest({ table: 'k' })
    expect(await world.verify({ table: 'k' })).toMatchObject({ status: 'equal', sourceRows: 1n, lakeRows: 1n })
  })

  test('a nondeterministic collation whose equal keys differ in bytes', async () => {
    await database.query(`CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
      CREATE TABLE k (k text COLLATE ci PRIMARY KEY, v text); INSERT INTO k VALUES ('Abc', 'v')`)
    const world = await createWorld(database)
    await world.ingest({ table: 'k' })
    await database.query(`UPDATE k SET k = 'aBC'`)
    await world.ingest({ table: 'k' })
    expect(await world.verify({ table: 'k' })).toMatchObject({ status: 'equal', lakeRows: 1n })
  })

  test('a table of nothing but its key follows inserts and deletes', async () => {
    await database.query('CREATE TABLE k (a int, b int, PRIMARY KEY (b, a)); INSERT INTO k VALUES (1, 2), (2, 1)')
    const world = await createWorld(database)
    await world.ingest({ table: 'k' })
    await database.query('DELETE FROM k WHERE a = 1; INSERT INTO k VALUES (3, 3)')
    expect((await world.ingest({ table: 'k' })).ledger).toMatchObject({ inserted: 1n, deletes: 1n })
    await database.query('ALTER TABLE k ADD COLUMN c int; ALTER TABLE k DROP COLUMN c; ALTER TABLE k ADD COLUMN d int')
    await world.ingest({ table: 'k' })
    expect(await world.verify({ table: 'k' })).toMatchObject({ status: 'equal' })
  })
})

describe('inheritance', () => {
  test('children count with their parent, and one that is taken away is a delete', async () => {
    await database.query(`CREATE TABLE parent (id int PRIMARY KEY, v text);
      CREATE TABLE child (PRIMARY KEY (id)) INHERITS (parent);
      INSERT INTO parent VALUES (1, 'p'); INSERT INTO child VALUES (2, 'c')`)
    const world = await createWorld(database)
    await world.ingest({ table: 'parent' })
    expect(await world.bronze('parent')).toHaveLength(2)
    await database.query('ALTER TABLE child NO INHERIT parent')
    expect((await world.ingest({ table: 'parent' })).ledger).toMatchObject({ deletes: 1n })
  })
})
