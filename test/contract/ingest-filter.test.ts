/** A filter on a real PostgreSQL: which rows are the table's, for every way of reading it and for every check of it. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sql } from '../../packages/tidemark/src/engine/sql.ts'
import { FUNCTIONS } from '../../packages/tidemark/src/sources/filter-words.ts'
import type { SliceCount } from '../../packages/tidemark/src/sources/source.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { never, problemOf, tableOf } from '../support/source.ts'
import { createWorld, type EntryOverrides, type World } from '../support/world.ts'

const open: EntryOverrides = { table: 'ticket', filter: "state = 'open' AND mark IS DISTINCT FROM 'secret'" }

let db: TestDatabase
beforeAll(async () => {
  db = await createDatabase(import.meta.url)
})
afterAll(() => db.drop())

async function tickets(key = 'PRIMARY KEY'): Promise<World> {
  await db.query(`DROP TABLE IF EXISTS ticket;
CREATE TABLE ticket (id int ${key}, state text, mark text, changed_at timestamptz NOT NULL DEFAULT clock_timestamp());
INSERT INTO ticket VALUES (1, 'open', NULL), (2, 'done', NULL), (3, 'open', 'secret'), (4, 'open', 'x')`)
  return await createWorld(db)
}

const live = async (world: World): Promise<unknown[]> =>
  (await world.live('ticket', sql`id`)).map(row => Number(row['id'])).sort()

test.each<[string, Partial<EntryOverrides>]>([
  ['row versions', {}],
  ['a cursor', { cdcCol: 'changed_at', guarantee: 'server_clock' }],
  ['a plain cursor', { cdcCol: 'changed_at', guarantee: 'best_effort' }],
])(
  'read by %s: a row that leaves the filter is a delete, one that enters is new, counts and verify see no other',
  async (_by, more) => {
    const world = await tickets()
    const entry = { ...open, ...more }
    expect((await world.ingest(entry)).ledger).toMatchObject({ read: 2n, inserted: 2n })
    expect(await live(world)).toEqual([1, 4])
    await db.query(`UPDATE ticket SET state = 'done', changed_at = clock_timestamp() WHERE id = 1;
UPDATE ticket SET state = 'open', changed_at = clock_timestamp() WHERE id = 2; INSERT INTO ticket VALUES (5, 'closed')`)
    expect((await world.ingest(entry)).ledger).toMatchObject({ inserted: 1n, deletes: 1n })
    expect(await live(world)).toEqual([2, 4])
    expect(await world.verify(entry)).toMatchObject({ status: 'equal', sourceRows: 2n, lakeRows: 2n })
    await world.plant('ticket', sql`SELECT * FROM rows WHERE id <> 4`)
    expect(await world.verify(entry)).toMatchObject({ status: 'different', lost: 1n, ghost: 0n })
    await world.repair(entry)
    expect(await live(world)).toEqual([2, 4])
  },
)

test('without a key the filtered rows are the whole table', async () => {
  const world = await tickets('')
  await world.ingest(open)
  expect((await world.bronze('ticket')).length).toBe(2)
  expect(await world.verify(open)).toMatchObject({ status: 'equal', sourceRows: 2n })
})

test('a big table is read in parts, each filtered; a changed filter is compared by the next run, not by verify', async () => {
  await tickets()
  await db.query(
    `INSERT INTO ticket SELECT i, CASE WHEN i % 2 = 0 THEN 'open' ELSE 'done' END FROM generate_series(5, 5000) i; ANALYZE ticket`,
  )
  const world = await createWorld(db, { chunkBytes: 65_536n })
  expect((await world.ingest(open)).ledger).toMatchObject({ inserted: 2500n })
  expect(await world.verify(open)).toMatchObject({ status: 'equal', sourceRows: 2500n })
  const other: EntryOverrides = { ...open, filter: "state = 'open' AND id > 20" }
  expect((await world.verify(other)).status).toBe('not comparable')
  expect((await world.ingest(other)).ledger).toMatchObject({ inserted: 0n, deletes: 10n })
  expect((await world.verify(other)).status).toBe('equal')
})

test('deletes that are ignored stay when a row leaves the filter', async () => {
  const world = await tickets()
  const entry: EntryOverrides = { ...open, deletes: 'ignore' }
  await world.ingest(entry)
  await db.query(`UPDATE ticket SET state = 'done' WHERE id = 1`)
  expect((await world.ingest(entry)).ledger).toMatchObject({ deletes: 0n })
  expect(await live(world)).toEqual([1, 4])
})

test('by the catalogue of the server no function that a filter may use is volatile, and only its own are found', async () => {
  const volatile = await db.query(
    `SELECT DISTINCT p.proname FROM pg_proc p WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.provolatile = 'v'
AND p.proname = ANY(ARRAY[${[...FUNCTIONS].map(name => `'${name}'`).join(', ')}])`,
  )
  expect(volatile).toEqual([])
  const world = await tickets()
  await db.query(`DROP FUNCTION IF EXISTS len(text); DROP FUNCTION IF EXISTS lower(int);
CREATE FUNCTION len(text) RETURNS float VOLATILE LANGUAGE sql AS 'SELECT random()';
CREATE FUNCTION lower(int) RETURNS text VOLATILE LANGUAGE sql AS 'SELECT random()::text'`)
  for (const filter of ['len(state) > 0.5', "lower(id) > 'a'"]) {
    const { code, message } = await problemOf(world.ingest({ ...open, filter }))
    expect([code, message]).toEqual(['FILTER_REFUSED', expect.stringContaining('does not exist')])
  }
})

test('a backslash in a literal is a backslash, whatever the database says of backslashes', async () => {
  const world = await createWorld(db)
  await db.query(`DROP TABLE IF EXISTS path; CREATE TABLE path (at text PRIMARY KEY, n int DEFAULT 1)`)
  await db.query('INSERT INTO path VALUES ($1), ($2)', ['a\\', 'b'])
  await db.query(`ALTER DATABASE ${db.database} SET standard_conforming_strings = off`)
  try {
    const entry: EntryOverrides = { table: 'path' }
    await world.ingest(entry)
    const snapshot = await world.snapshot(entry)
    const table = tableOf(snapshot, { schema: 'public', table: 'path' })
    const asked = (...keys: string[][]): Promise<SliceCount> =>
      snapshot.count({ table, slice: { kind: 'keys', columns: ['at'], keys }, columns: [], signal: never })
    expect((await asked(['a\\'])).inSlice).toBe(1n)
    expect((await asked(['\\'], [" '] ::text[]) AS u (k0)) AS g) OR true --"])).inSlice).toBe(0n)
  } finally {
    await db.query(`ALTER DATABASE ${db.database} RESET standard_conforming_strings`)
  }
})

test('no filter reaches beyond its row: everything that tries is refused by name, and the canary stays', async () => {
  const world = await tickets()
  await db.query('DROP TABLE IF EXISTS canary; CREATE TABLE canary (id int)')
  const attempts = [
    '1=1; DROP TABLE canary',
    '1=1) TO STDOUT; DROP TABLE canary; --',
    "state = '\\'; DROP TABLE canary; --'",
    '1=1) UNION SELECT 0, 0, 0, 0 FROM (SELECT 1',
    'EXISTS (SELECT 1 FROM pg_user)',
    "pg_read_file('/etc/passwd') IS NOT NULL",
    "set_config('x.y', 'z', false) = 'z'",
    'changed_at < now()',
    'state = $$open$$',
  ]
  for (const filter of attempts) {
    expect((await problemOf(world.ingest({ ...open, filter }))).code, filter).toBe('FILTER_REFUSED')
  }
  expect(await db.query('SELECT count(*) FROM canary')).toBeDefined()
  const unusable = await problemOf(world.ingest({ ...open, filter: 'state > id' }))
  expect([unusable.code, unusable.message]).toEqual([
    'FILTER_REFUSED',
    expect.stringContaining('operator does not exist'),
  ])
})
