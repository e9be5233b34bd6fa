import { afterAll, beforeAll, expect, test } from 'vitest'

import { carryAsText } from '../../packages/tidemark/src/sources/postgres/column.ts'
import { createDatabase, RELEASE, type TestDatabase } from '../support/postgres.ts'
import { never, openSource, problemOf, readRows, ref, tableOf } from '../support/source.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase(import.meta.url)
  await database.query(`CREATE TYPE mood AS ENUM ('sad', 'so, so', 'happy'); CREATE TYPE pair AS (a int, b text);
    CREATE DOMAIN price AS numeric(10,2); CREATE DOMAIN net AS price; CREATE DOMAIN many AS int[]; CREATE EXTENSION citext`)
})
afterAll(async () => database.drop())

const SINCE_14: readonly [string, string, string, string | null][] = [['numeric', "'-Infinity'", 'string', '-Infinity']]
/** A scale below zero, and one above the precision. */
const SINCE_15: readonly [string, string, string, string | null][] = [
  ['numeric(5,-2)', '-9999900', 'decimal(7,0)', '-9999900'],
  ['numeric(3,5)', '0.00999', 'decimal(5,5)', '.00999'],
]
/** [type, literal, lake type, value in DuckDB] */
const carried: readonly [string, string, string, string | null][] = [
  ['smallint', '-32768', 'short', '-32768'],
  ['integer', '2147483647', 'integer', '2147483647'],
  ['bigint', '9223372036854775807', 'long', '9223372036854775807'],
  ['bigint', '-9223372036854775808', 'long', '-9223372036854775808'],
  ['oid', '4294967295', 'long', '4294967295'],
  ['real', "'NaN'", 'float', 'nan'],
  ['real', '0.1', 'float', '0.1'],
  ['double precision', "'-Infinity'", 'double', '-inf'],
  ['double precision', '5e-324', 'double', '5e-324'],
  ['double precision', '0.1', 'double', '0.1'],
  ['boolean', 'true', 'boolean', 'true'],
  ['boolean', 'false', 'boolean', 'false'],
  [
    'numeric(38,0)',
    '99999999999999999999999999999999999999',
    'decimal(38,0)',
    '99999999999999999999999999999999999999',
  ],
  [
    'numeric(38,38)',
    '0.00000000000000000000000000000000000001',
    'decimal(38,38)',
    '.00000000000000000000000000000000000001',
  ],
  ...(RELEASE < 15 ? [] : SINCE_15),
  ['numeric(39,1)', '12345678901234567890123456789012345678.9', 'string', '12345678901234567890123456789012345678.9'],
  ['numeric', '1.2300', 'string', '1.2300'],
  ['numeric', "'NaN'", 'string', 'NaN'],
  ...(RELEASE < 14 ? [] : SINCE_14),
  ['money', "'-92233720368547758.08'", 'decimal(19,2)', '-92233720368547758.08'],
  ['price', '12345678.90', 'decimal(10,2)', '12345678.90'],
  ['net', '12345678.90', 'decimal(10,2)', '12345678.90'],
  ['many', "'{1,NULL}'", 'string', '[1, null]'],
  ['date', "'0001-01-01'", 'date', '0001-01-01'],
  ['date', "'9999-12-31'", 'date', '9999-12-31'],
  ['date', "'1582-10-10'", 'date', '1582-10-10'],
  ['timestamp', "'2026-03-29 02:30:00.123456'", 'timestamp', '2026-03-29 02:30:00.123456+00'],
  ['timestamp', "'0001-01-01 00:00:00'", 'timestamp', '0001-01-01 00:00:00+00'],
  ['timestamptz', "'9999-12-31 23:59:59.999999+00'", 'timestamp', '9999-12-31 23:59:59.999999+00'],
  ['timestamptz', "'1850-06-01 12:00:00+05:30:20'", 'timestamp', '1850-06-01 06:29:40+00'],
  ['time', "'24:00:00'", 'string', '24:00:00'],
  ['timetz', "'23:59:59.5+02'", 'string', '23:59:59.5+02'],
  ['interval', "'-1 year 2 mons -3 days 04:05:06.789'", 'string', 'P-10M-3DT4H5M6.789S'],
  ['uuid', "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", 'string', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
  ['json', `'{"a":  1}'`, 'string', '{"a":  1}'],
  ['jsonb', `'{"a":  12345678901234567890.10}'`, 'string', '{"a": 12345678901234567890.10}'],
  ['xml', "'<a>&amp;</a>'", 'string', '<a>&amp;</a>'],
  ['inet', "'10.0.0.1/8'", 'string', '10.0.0.1/8'],
  ['mood', "'so, so'", 'string', 'so, so'],
  ['pair', `ROW(1, 'x "y"')::pair`, 'string', '(1,"x ""y""")'],
  ['character(5)', "'ab'", 'string', 'ab   '],
  ['varchar(5)', "'ab '", 'string', 'ab '],
  ['citext', "'MiXed'", 'string', 'MiXed'],
  ['name', "'n'", 'string', 'n'],
  ['"char"', "'c'", 'string', 'c'],
  ['bit(3)', "B'101'", 'string', '101'],
  ['bit varying', "B''", 'string', ''],
  ['int4range', "'[1,5)'", 'string', '[1,5)'],
  ['tsvector', "'a:1 b'", 'string', "'a':1 'b'"],
  ['point', "'(1.5,2)'", 'string', '(1.5,2)'],
  ['bytea', "'\\x00ff0a22'", 'binary', '00FF0A22'],
  ['bytea', "'\\x'", 'binary', ''],
  ['integer[]', "'{{1,2},{3,NULL}}'", 'string', '[[1, 2], [3, null]]'],
  ['text[]', `ARRAY['a,b', 'c"d', E'e\\nf', NULL, '']`, 'string', '["a,b", "c\\"d", "e\\nf", null, ""]'],
  ['numeric[]', "'{1.10,NaN}'", 'string', '[1.10, "NaN"]'],
  ['json[]', `ARRAY['{"b":1,  "a":1,"a":2}', 'null', NULL]::json[]`, 'string', '[{"b":1,  "a":1,"a":2},null,null]'],
  ['mood[]', '\'{sad,"so, so"}\'', 'string', '["sad", "so, so"]'],
]

test('every type arrives as its lake type with its exact value, and as NULL', async () => {
  const columns = carried.map(([type], i) => `c${i} ${type}`)
  await database.query(`CREATE TABLE carried (${columns.join(', ')})`)
  await database.query(
    `INSERT INTO carried VALUES (${carried.map(([type, literal]) => `CAST(${literal} AS ${type})`).join(', ')})`,
  )
  await database.query(`INSERT INTO carried (c0) VALUES (NULL)`)
  const snapshot = await openSource(database).openSnapshot([ref('carried')], never)
  const table = tableOf(snapshot, ref('carried'))
  expect(table.columns.map(c => c.deltaType)).toEqual(carried.map(([, , lake]) => lake))
  expect(await snapshot.count({ table, slice: { kind: 'all' }, columns: table.columns, signal: never })).toMatchObject({
    total: 2n,
    inSlice: 2n,
  })
  const [values, nulls] = await readRows(snapshot, table)
  for (const [i, [type, literal, , expected]] of carried.entries()) {
    expect([type, literal, values?.[`c${i}`]]).toEqual([type, literal, expected])
    expect(nulls?.[`c${i}`]).toBeNull()
  }
})

/** [type, literal, what the message calls it] */
const refused: readonly [string, string, RegExp][] = [
  ['numeric(10,2)', "'NaN'", /NaN/],
  ['date', "'infinity'", /infinity/],
  ['date', "'-infinity'", /infinity/],
  ['date', "'0001-12-31 BC'", /BC/],
  ['date', "'10000-01-01'", /9999/],
  ['date', "'5874897-12-31'", /9999/],
  ['timestamp', "'infinity'", /infinity/],
  ['timestamp', "'-infinity'", /infinity/],
  ['timestamp', "'4713-01-01 00:00:00 BC'", /BC/],
  ['timestamp', "'0001-12-31 23:59:59 BC'", /BC/],
  ['timestamp', "'10000-01-01'", /9999/],
  ['timestamp', "'294276-12-31 23:59:59'", /9999/],
  ['timestamptz', "'infinity'", /infinity/],
  ['timestamptz', "'0001-12-31 23:59:59+00 BC'", /BC/],
  ['timestamptz', "'9999-12-31 23:59:59-05'", /9999/],
  ['timestamptz', "'294276-12-31'", /9999/],
]

test('a value that the lake cannot hold is refused by table, column and count before a row is read', async () => {
  await database.query(`CREATE TABLE refused (ok int, ${refused.map(([type], i) => `c${i} ${type}`).join(', ')})`)
  for (const [i, [type, literal]] of refused.entries()) {
    await database.query(`INSERT INTO refused (ok, c${i}) VALUES (${i}, CAST(${literal} AS ${type}))`)
  }
  const snapshot = await openSource(database).openSnapshot([ref('refused')], never)
  const table = tableOf(snapshot, ref('refused'))
  for (const [i, [, , words]] of refused.entries()) {
    const columns = table.columns.filter(c => c.name === `c${i}`)
    const problem = await problemOf(snapshot.count({ table, slice: { kind: 'all' }, columns, signal: never }))
    expect(problem.code).toBe('SOURCE_VALUE_UNFIT')
    expect(problem.message).toMatch(words)
    expect(problem.message).toContain(`public.refused: c${i} (`)
    expect(problem.message).toContain('has 1 row with')
    expect(problem.hint).toContain(`"as_text": ["c${i}"]`)
  }
})

test('only the slice is judged, and a refused column can be carried as text', async () => {
  await database.query(`CREATE TABLE partly (id int PRIMARY KEY, price numeric(6,2), day date, at timestamp, Odd timestamptz);
    INSERT INTO partly VALUES (1, 'NaN', 'infinity', '0044-03-15 12:00 BC', '294276-01-01'), (2, 1.5, '2026-01-01', '2026-01-01', 'epoch')`)
  const source = openSource(database)
  const snapshot = await source.openSnapshot([ref('partly')], never)
  const table = tableOf(snapshot, ref('partly'))
  const good = { kind: 'range', column: 'id', from: '2', to: undefined } as const
  expect(await snapshot.count({ table, slice: good, columns: table.columns, signal: never })).toMatchObject({
    total: 2n,
    inSlice: 1n,
  })
  const columns = carryAsText(source.name, table, ['PRICE', 'day', 'at', 'odd'])
  expect((await snapshot.count({ table, slice: { kind: 'all' }, columns, signal: never })).inSlice).toBe(2n)
  expect(await readRows(snapshot, table, { columns })).toMatchObject([
    { id: '1', price: 'NaN', day: 'infinity', at: '0044-03-15 12:00:00 BC', odd: '294276-01-01 00:00:00+00' },
    { id: '2', price: '1.50', day: '2026-01-01' },
  ])
  expect(() => carryAsText(source.name, table, ['prize'])).toThrow(/no column "prize"/)
})

test('values that were not judged fail aloud on the way, they are never bent', async () => {
  await database.query(`CREATE TABLE unjudged (at timestamptz, price numeric(6,2), day date, late date);
    INSERT INTO unjudged VALUES ('0044-03-15 BC', 1, '0001-12-31 BC', '9999-12-31'), (NULL, 'NaN', '0001-01-01', '10000-01-01')`)
  const snapshot = await openSource(database).openSnapshot([ref('unjudged')], never)
  const table = tableOf(snapshot, ref('unjudged'))
  const [at, price, day, late] = table.columns
  if (!at || !price || !day || !late) throw new Error('four columns were made')
  for (const [column, values] of [
    [at, 'at (timestamp with time zone as timestamp) has 1 row with infinity, BC or a year after 9999'],
    [price, 'price (numeric(6,2) as decimal(6,2)) has 1 row with NaN'],
    [day, 'day (date as date) has 1 row with infinity, BC or a year after 9999'],
    [late, 'late (date as date) has 1 row with infinity, BC or a year after 9999'],
  ] as const) {
    const problem = await problemOf(readRows(snapshot, table, { columns: [column] }))
    expect([problem.code, problem.message]).toEqual(['SOURCE_VALUE_UNFIT', expect.stringContaining(values)])
  }
})

test("a timestamp without a zone is read in the source's zone, and says so", async () => {
  await database.query(`CREATE TABLE zoned (at timestamp, day date);
    INSERT INTO zoned VALUES ('2026-07-01 12:00', '2026-07-01'), ('2026-12-01 12:00:00.000001', '2026-12-01')`)
  const snapshot = await openSource(database, { timezone: 'Europe/Oslo' }).openSnapshot([ref('zoned')], never)
  const table = tableOf(snapshot, ref('zoned'))
  expect(table.columns[0]?.note).toContain('Europe/Oslo')
  expect((await readRows(snapshot, table)).map(row => [row['at'], row['day']])).toEqual([
    ['2026-07-01 10:00:00+00', '2026-07-01'],
    ['2026-12-01 11:00:00.000001+00', '2026-12-01'],
  ])
})

test('the zone of the database, the role or the session changes nothing', async () => {
  await database.query(`CREATE TABLE moved (at timestamptz, span interval, raw bytea);
    INSERT INTO moved VALUES ('2026-07-01 12:00+00', '1 day', '\\x01')`)
  await database.query(`ALTER DATABASE ${database.database} SET TimeZone = 'Asia/Tokyo'`)
  await database.query(`ALTER DATABASE ${database.database} SET DateStyle = 'SQL, DMY'`)
  await database.query(`ALTER DATABASE ${database.database} SET bytea_output = 'escape'`)
  try {
    const snapshot = await openSource(database).openSnapshot([ref('moved')], never)
    expect(await readRows(snapshot, tableOf(snapshot, ref('moved')))).toMatchObject([
      { at: '2026-07-01 12:00:00+00', span: 'P1D', raw: '01' },
    ])
  } finally {
    for (const name of ['TimeZone', 'DateStyle', 'bytea_output']) {
      await database.query(`ALTER DATABASE ${database.database} RESET ${name}`)
    }
  }
})

test('the decoder reads exactly what the server printed for every day of a range', async () => {
  await database.query(
    `CREATE TABLE days AS SELECT (date '0001-01-01' + g * 997) AS day FROM generate_series(0, 3661) g`,
  )
  const snapshot = await openSource(database).openSnapshot([ref('days')], never)
  const table = tableOf(snapshot, ref('days'))
  const read = (await readRows(snapshot, table)).map(row => row['day'])
  const expected = (await database.query('SELECT day::text FROM days')).map(row => row['day'])
  expect(read.sort()).toEqual(expected.sort())
})
