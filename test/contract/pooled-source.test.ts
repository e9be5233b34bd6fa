/** PostgreSQL behind what announces another process than the one that answers, as poolers do. */
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { createPostgresSource } from '../../packages/tidemark/src/sources/postgres/postgres.ts'
import type { Slice, Source } from '../../packages/tidemark/src/sources/source.ts'
import { standBetween } from '../support/between.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { never, openSource, problemOf, readRows, realClock, ref, tableOf } from '../support/source.ts'

const KEY_DATA = Buffer.from([0x4b, 0, 0, 0, 12])

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase(import.meta.url)
  await database.query(`CREATE TABLE shown (id int PRIMARY KEY, took interval, parts float8[], names regclass, list text[]);
    INSERT INTO shown VALUES (1, '1 mon 2 days', '{0.1}', 'shown', '{NULL,a}');
    CREATE TABLE tags (id int PRIMARY KEY, has text[]); INSERT INTO tags SELECT g, '{a}' FROM generate_series(1, 2000) g;
    INSERT INTO tags SELECT g, '{b}' FROM generate_series(2001, 100000) g; CREATE INDEX ON tags USING gin (has); ANALYZE tags;
    CREATE VIEW tagged AS SELECT id FROM tags WHERE has @> '{a}'`)
})
afterAll(async () => database.drop())

/** Its port; `change` may go on with what the server says. */
function announcingAnother(change: (bytes: Buffer) => Buffer = bytes => bytes): Promise<number> {
  return standBetween(database, bytes => {
    const at = bytes.indexOf(KEY_DATA)
    if (at >= 0) bytes.writeInt32BE(1, at + KEY_DATA.length)
    return change(bytes)
  })
}

/** A source through it. */
async function pooled(login: object, change?: (bytes: Buffer) => Buffer): Promise<Source> {
  const port = await announcingAnother(change)
  return openSource({ ...database, ...login, port })
}

/** Where a role's settings would bend values, leave rows out, name something else or end the reading. */
const SETTINGS = [
  `search_path = earlier, pg_catalog`,
  ...[
    `IntervalStyle = 'sql_standard'`,
    `DateStyle = 'SQL, DMY'`,
    `extra_float_digits = -15`,
    `client_encoding = 'LATIN1'`,
  ],
  ...[`quote_all_identifiers = on`, `gin_fuzzy_search_limit = 1`, `array_nulls = off`, `transform_null_equals = on`],
  ...[`default_transaction_isolation = 'serializable'`, `default_transaction_deferrable = on`],
  ...[`statement_timeout = '4s'`, `lock_timeout = '1ms'`, `idle_in_transaction_session_timeout = '1ms'`],
]

test.each([['the server itself'], ['what pools']] as const)(
  'a role with settings and a path of its own reads the same rows from %s',
  async way => {
    const role = `reader_of_${way.replaceAll(' ', '_')}`
    await database.query(`DROP SCHEMA IF EXISTS earlier CASCADE; CREATE SCHEMA earlier;
      CREATE FUNCTION earlier.set_config(text, text, boolean) RETURNS text LANGUAGE sql AS $$ SELECT 'shadowed' $$;
      CREATE FUNCTION earlier.current_setting(text) RETURNS text LANGUAGE sql AS $$ SELECT '1' $$;
      CREATE FUNCTION earlier.pg_backend_pid() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$;
      CREATE FUNCTION earlier.lower(text) RETURNS text LANGUAGE sql AS $$ SELECT 'shadowed' $$;
      CREATE FUNCTION earlier.md5(text) RETURNS text LANGUAGE sql AS $$ SELECT 'shadowed' $$;
      CREATE FUNCTION earlier.never(text, text) RETURNS boolean LANGUAGE sql AS $$ SELECT false $$;
      CREATE OPERATOR earlier.= (LEFTARG = text, RIGHTARG = text, FUNCTION = earlier.never);
      CREATE VIEW earlier.pg_settings AS SELECT 'a' AS name;
      CREATE ROLE ${role} LOGIN PASSWORD 's3cret'; GRANT SELECT ON shown, tagged TO ${role}; GRANT USAGE ON SCHEMA earlier TO ${role}`)
    onTestFinished(async () => void (await database.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`)))
    for (const setting of SETTINGS) await database.query(`ALTER ROLE ${role} SET ${setting}`)
    const login = { user: role, password: 's3cret' }
    const source = way === 'what pools' ? await pooled(login) : openSource({ ...database, ...login })
    const snapshot = await source.openSnapshot([ref('shown'), ref('tagged')], never)
    const shown = tableOf(snapshot, ref('shown'))
    expect(await readRows(snapshot, shown)).toMatchObject([
      { id: '1', took: 'P1M2D', parts: '[0.1]', names: 'public.shown' },
    ])
    const keyed: Slice = { kind: 'keys', columns: ['list'], keys: [['{NULL,a}']] }
    expect(await readRows(snapshot, shown, { slice: keyed })).toHaveLength(1)
    expect(await readRows(snapshot, tableOf(snapshot, ref('tagged')))).toHaveLength(2000)
  },
)

test('a connection that leads to another server than the first is refused', async () => {
  const [row] = await database.query('SELECT extract(epoch FROM pg_postmaster_start_time())::numeric::text AS started')
  const started = Buffer.from(row?.['started'] ?? '?')
  let isOther = false
  const source = await pooled({}, bytes => {
    const at = isOther ? bytes.indexOf(started) : -1
    if (at >= 0) bytes.write(bytes[at + 3] === 0x31 ? '2' : '1', at + 3, 'latin1')
    return bytes
  })
  const snapshot = await source.openSnapshot([ref('shown')], never)
  isOther = true
  const problem = await problemOf(readRows(snapshot, tableOf(snapshot, ref('shown'))))
  expect(problem.code).toBe('SOURCE_POOLER_UNFIT')
  expect(problem.message).toContain('it leads from one server to another')
})

test('tables are read by COPY there, and the extension of DuckDB is told why it is not asked, once a table', async () => {
  const port = await announcingAnother()
  const { host, database: name, user, password } = database
  const source = createPostgresSource({
    ...{ name: 'app', connection: { host, port, database: name, user, password }, timezone: 'UTC', clock: realClock },
    extension: { file: undefined },
  })
  onTestFinished(() => source.close())
  const snapshot = await source.openSnapshot([ref('shown')], never)
  const table = tableOf(snapshot, ref('shown'))
  // Whatever asked an engine would fail.
  const request = { engine: {} as never, table, columns: table.columns, slice: { kind: 'all' } as const, signal: never }
  expect(await snapshot.openDirect?.(request)).toBe('a pooler lies between')
  expect(await snapshot.openDirect?.(request)).toBe(undefined)
})
