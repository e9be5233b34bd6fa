import pg from 'pg'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { Source, SourceTable } from '../../packages/tidemark/src/sources/source.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { never, openSource, problemAt, ref, tableOf } from '../support/source.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase(import.meta.url)
})
afterAll(async () => database.drop())

async function describeOne(source: Source, name: string, schema?: string): Promise<SourceTable> {
  return tableOf(await source.probe([ref(name, schema)], never), ref(name, schema))
}

test('tables, views, partitions and foreign tables are told apart, and only heap rows carry a version', async () => {
  await database.query(`CREATE TABLE plain (id int PRIMARY KEY);
    CREATE TABLE parted (id int, day date, PRIMARY KEY (day, id)) PARTITION BY RANGE (day);
    CREATE TABLE parted_2026 PARTITION OF parted FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
    CREATE VIEW seen AS SELECT * FROM plain; CREATE MATERIALIZED VIEW kept AS SELECT * FROM plain;
    CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
    CREATE FOREIGN TABLE far (id int) SERVER files OPTIONS (filename '/dev/null');
    CREATE TABLE mixed (id int) PARTITION BY LIST (id);
    CREATE FOREIGN TABLE mixed_far PARTITION OF mixed FOR VALUES IN (1) SERVER files OPTIONS (filename '/dev/null');
    CREATE VIEW seen_far AS SELECT * FROM plain UNION ALL SELECT * FROM (SELECT id FROM mixed) m;
    CREATE VIEW seen_twice AS SELECT count(*) FROM seen_far; CREATE MATERIALIZED VIEW kept_far AS SELECT * FROM far WITH NO DATA`)
  const names = ['plain', 'parted', 'seen', 'kept', 'far', 'mixed', 'seen_far', 'seen_twice', 'kept_far']
  const { tables } = await openSource(database).probe(
    names.map(name => ref(name)),
    never,
  )
  const found = names.map(name => tableOf({ tables }, ref(name)))
  expect(found.map(t => [t.table, t.kind, t.hasRowVersion])).toEqual([
    ['plain', 'table', true],
    ['parted', 'partitioned table', true],
    ['seen', 'view', false],
    ['kept', 'materialized view', false],
    ['far', 'foreign table', false],
    ['mixed', 'partitioned table', false],
    ['seen_far', 'view', false],
    ['seen_twice', 'view', false],
    ['kept_far', 'materialized view', false],
  ])
  // A materialized view has the rows of its last refresh.
  const isOutside = found.filter(t => t.outsideSnapshot !== undefined).map(t => t.table)
  expect(isOutside).toEqual(['far', 'mixed', 'seen_far', 'seen_twice'])
  expect(found[1]?.primaryKey).toEqual(['day', 'id'])
  expect(found[2]?.primaryKey).toEqual([])
})

test('columns come in order with type, nullability and use as a cursor; dropped ones are gone', async () => {
  await database.query(`CREATE TABLE detailed (id bigint NOT NULL, gone int, name varchar(20), price numeric(10,2),
    at timestamp NOT NULL, twice numeric GENERATED ALWAYS AS (price * 2) STORED, tags text[]); ALTER TABLE detailed DROP COLUMN gone`)
  const table = await describeOne(openSource(database), 'detailed')
  expect(table.columns.map(c => [c.name, c.sourceType, c.deltaType, c.nullable, c.orderable])).toEqual([
    ['id', 'bigint', 'long', false, true],
    ['name', 'character varying(20)', 'string', true, false],
    ['price', 'numeric(10,2)', 'decimal(10,2)', true, false],
    ['at', 'timestamp without time zone', 'timestamp', false, true],
    ['twice', 'numeric', 'string', true, false],
    ['tags', 'text[]', 'string', true, false],
  ])
  expect(table.columns.map(c => c.note !== undefined)).toEqual([false, false, false, true, true, true])
})

test('sizes are exact, row counts are the estimate of the last analysis, and undefined before it', async () => {
  await database.query(`CREATE TABLE sized AS SELECT g AS id, repeat('x', 100) AS v FROM generate_series(1, 1000) g`)
  const source = openSource(database)
  const before = await describeOne(source, 'sized')
  expect(before.rowEstimate).toBeUndefined()
  const [size] = await database.query(`SELECT pg_table_size('sized') AS bytes`)
  expect(before.sizeBytes).toBe(BigInt(size?.['bytes'] ?? '0'))
  await database.query('ANALYZE sized')
  expect((await describeOne(source, 'sized')).rowEstimate).toBe(1000n)
  // What was counted as empty says nothing of a table that has rows now.
  await database.query(`CREATE TABLE begun (id int); ANALYZE begun`)
  expect((await describeOne(source, 'begun')).rowEstimate).toBe(0n)
  await database.query('INSERT INTO begun VALUES (1)')
  expect((await describeOne(source, 'begun')).rowEstimate).toBeUndefined()
})

test('a name that fits exactly wins, one that differs in case is found, and two such are ambiguous', async () => {
  await database.query(`CREATE TABLE "Users" (a int); CREATE TABLE users (b int); CREATE TABLE "DimUser" (c int);
    CREATE TABLE "Twin" (d int); CREATE TABLE "TWIN" (e int)`)
  const wanted = [ref('Users'), ref('users'), ref('dimuser', 'PUBLIC'), ref('twin'), ref('dimusr')]
  const probe = await openSource(database).probe(wanted, never)
  expect(wanted.slice(0, 3).map(one => tableOf(probe, one).table)).toEqual(['Users', 'users', 'DimUser'])
  expect(problemAt(probe, ref('twin'))).toMatchObject({ code: 'SOURCE_TABLE_AMBIGUOUS', exit: 1 })
  const missing = problemAt(probe, ref('dimusr'))
  expect([missing.code, missing.hint]).toEqual(['SOURCE_TABLE_MISSING', 'Did you mean public.DimUser?'])
})

test('names beyond ASCII, with quotes, blanks and reserved words are found as they are', async () => {
  const names = ['Ünï Täble', 'order', 'a"b', "o'clock", '日本', 'x.y', 'İstanbul', '{"json"}', 'tab\tle', '\\']
  for (const name of names) await database.query(`CREATE TABLE "${name.replaceAll('"', '""')}" (id int)`)
  const wanted = [...names, 'ÜNï TäBLE'].map(name => ref(name))
  const probe = await openSource(database).probe(wanted, never)
  expect(wanted.slice(0, -1).map(one => tableOf(probe, one).table)).toEqual(names)
  expect(tableOf(probe, ref('ÜNï TäBLE')).table).toBe('Ünï Täble')
  const snapshot = await openSource(database).openSnapshot(wanted, never)
  expect(wanted.slice(0, -1).map(one => tableOf(snapshot, one).table)).toEqual(names)
})

test('a table of another schema is suggested, and no table costs the others anything', async () => {
  await database.query('CREATE SCHEMA sales; CREATE TABLE sales.orders (id int)')
  const wanted = [ref('orders'), ref('orders', 'sales')]
  const probe = await openSource(database).probe(wanted, never)
  expect(problemAt(probe, ref('orders')).hint).toBe('Did you mean sales.orders?')
  expect(tableOf(probe, ref('orders', 'sales')).columns).toHaveLength(1)
})

test('a table that may not be read, or whose policies would hide rows, is a problem of its own', async () => {
  await database.query(`DROP ROLE IF EXISTS describe_reader; CREATE ROLE describe_reader LOGIN PASSWORD 'pw';
    CREATE TABLE open_table (id int); GRANT SELECT ON open_table TO describe_reader; CREATE TABLE secret (id int);
    CREATE TABLE hidden (id int); GRANT SELECT ON hidden TO describe_reader; ALTER TABLE hidden ENABLE ROW LEVEL SECURITY`)
  try {
    const source = openSource({ ...database, user: 'describe_reader', password: 'pw' })
    const wanted = [ref('open_table'), ref('secret'), ref('hidden')]
    for (const view of [await source.probe(wanted, never), await source.openSnapshot(wanted, never)]) {
      expect(tableOf(view, ref('open_table')).kind).toBe('table')
      expect(problemAt(view, ref('secret')).code).toBe('SOURCE_TABLE_FORBIDDEN')
      expect(problemAt(view, ref('hidden')).code).toBe('SOURCE_ROW_SECURITY')
    }
    expect((await source.listTables(never)).map(one => one.table)).not.toContain('secret')
    await source.close()
  } finally {
    await database.query('DROP OWNED BY describe_reader; DROP ROLE describe_reader')
  }
})

function moneyIn(locale: string): string {
  return `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET lc_monetary = %L', current_database(), '${locale}'); END $$`
}

/** What each change does to the fingerprint of a table with the columns id, v, mood and its partition. */
const changes: readonly [string, 'same' | 'other'][] = [
  [`INSERT INTO printed VALUES (1, 'a', 'sad')`, 'same'],
  ['ANALYZE printed', 'same'],
  ['VACUUM (FREEZE) printed', 'same'],
  ['CREATE INDEX ON printed (v)', 'same'],
  ['ALTER TABLE printed ALTER COLUMN v SET NOT NULL', 'same'],
  [`ALTER TABLE printed ADD COLUMN state text DEFAULT 'active'`, 'other'],
  ['ALTER TABLE printed ADD COLUMN empty text', 'other'],
  ['ALTER TABLE printed DROP COLUMN empty', 'other'],
  ['ALTER TABLE printed ADD COLUMN empty text', 'other'],
  ['ALTER TABLE printed DROP COLUMN empty; ALTER TABLE printed ADD COLUMN empty text', 'other'],
  [
    `ALTER TABLE printed DETACH PARTITION printed_1; ALTER TABLE printed_1 DROP COLUMN empty;
      ALTER TABLE printed_1 ADD COLUMN empty text; ALTER TABLE printed ATTACH PARTITION printed_1 FOR VALUES IN (1)`,
    'other',
  ],
  ['ALTER TABLE printed ALTER COLUMN v TYPE varchar(50)', 'other'],
  ['ALTER TABLE printed RENAME COLUMN v TO w', 'other'],
  [`ALTER TYPE printed_mood RENAME VALUE 'sad' TO 'blue'`, 'other'],
  [`CREATE TYPE printed_inner AS (m printed_mood); ALTER TABLE printed ADD COLUMN i printed_inner[]`, 'other'],
  [`ALTER TYPE printed_mood RENAME VALUE 'blue' TO 'low'`, 'other'],
  [
    `CREATE DOMAIN printed_low AS printed_mood; ALTER TABLE printed ADD COLUMN l printed_low[], DROP COLUMN mood, DROP COLUMN i`,
    'other',
  ],
  [`ALTER TYPE printed_mood RENAME VALUE 'low' TO 'down'`, 'other'],
  [
    `CREATE TYPE printed_outer AS (i printed_inner, n int); ALTER TABLE printed ADD COLUMN o printed_outer, DROP COLUMN l`,
    'other',
  ],
  ['ALTER TYPE printed_inner RENAME ATTRIBUTE m TO mood', 'other'],
  [
    `CREATE TYPE printed_span AS RANGE (subtype = printed_mood); ALTER TABLE printed ADD COLUMN s printed_span, DROP COLUMN o`,
    'other',
  ],
  [`ALTER TYPE printed_mood RENAME VALUE 'down' TO 'sad'`, 'other'],
  [`${moneyIn('POSIX')}; ANALYZE printed`, 'same'],
  ['ALTER TABLE printed ADD COLUMN paid money[]', 'other'],
  [moneyIn('C'), 'other'],
  ['ANALYZE printed', 'same'],
  ['CREATE TABLE loaded (LIKE printed); ALTER TABLE printed ATTACH PARTITION loaded FOR VALUES IN (2)', 'other'],
  ['ALTER TABLE printed DETACH PARTITION loaded', 'other'],
  ['ALTER TABLE printed ENABLE ROW LEVEL SECURITY', 'other'],
  ['ALTER TABLE printed RENAME TO old; CREATE TABLE printed (LIKE old)', 'other'],
]

test('the fingerprint changes with what can move values under old row versions, and with nothing else', async () => {
  await database.query(`CREATE TYPE printed_mood AS ENUM ('sad'); CREATE TABLE printed (id int, v text, mood printed_mood)
    PARTITION BY LIST (id); CREATE TABLE printed_1 PARTITION OF printed FOR VALUES IN (1)`)
  const source = openSource(database)
  let last = (await describeOne(source, 'printed')).fingerprint
  for (const [change, effect] of changes) {
    await database.query(change)
    const { fingerprint } = await describeOne(source, 'printed')
    expect([change, fingerprint === last ? 'same' : 'other']).toEqual([change, effect])
    last = fingerprint
  }
})

test('a table that shows names of other things has no version that tells of their change', async () => {
  await database.query(`CREATE TABLE showing (id int PRIMARY KEY, r regclass); CREATE DOMAIN shown AS regtype[];
    CREATE TABLE showing_within (id int PRIMARY KEY, d shown[]); CREATE TABLE showing_none (id int PRIMARY KEY, o oid, n name)`)
  const source = openSource(database)
  const found = ['showing', 'showing_within', 'showing_none'].map(async name => await describeOne(source, name))
  expect((await Promise.all(found)).map(table => table.hasRowVersion)).toEqual([false, false, true])
})

test('tables are listed without partitions, extensions and the server’s own', async () => {
  await database.query(`CREATE TABLE listed (id int) PARTITION BY LIST (id); CREATE TABLE listed_1 PARTITION OF listed DEFAULT;
    CREATE EXTENSION pg_stat_statements; CREATE VIEW listed_view AS SELECT 1 AS one`)
  const names = (await openSource(database).listTables(never)).map(one => `${one.schema}.${one.table}`)
  expect(names).toContain('public.listed')
  expect(names).toContain('public.listed_view')
  expect(names.filter(name => /listed_1|pg_stat|^pg_|information_schema/.test(name))).toEqual([])
  expect(names).toEqual([...names].sort())
})

test('a thousand tables take as many statements as one', async () => {
  const names = Array.from({ length: 1000 }, (_, i) => `many_${i}`)
  await database.query(names.map(name => `CREATE TABLE ${name} (id int PRIMARY KEY, v text)`).join(';'))
  const sent = vi.spyOn(pg.Client.prototype, 'query')
  const statementsFor = async (wanted: readonly string[]): Promise<number> => {
    sent.mockClear()
    const { tables } = await openSource(database).probe(
      wanted.map(name => ref(name)),
      never,
    )
    for (const name of wanted) expect(tableOf({ tables }, ref(name)).primaryKey).toEqual(['id'])
    return sent.mock.calls.length
  }
  const one = await statementsFor(['many_7'])
  expect(one).toBeGreaterThan(3)
  expect(await statementsFor(names)).toBe(one)
  sent.mockRestore()
})

test('an unknown zone and an offset are refused as the project’s mistake', () => {
  for (const timezone of ['+02:00', 'UTC+2', 'Europe/Olso', '']) {
    expect(() => openSource(database, { timezone })).toThrow(
      expect.objectContaining({ code: 'SOURCE_TIMEZONE', exit: 2 }),
    )
  }
})
