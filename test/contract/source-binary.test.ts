/**
 * COPY's binary form through our own decoder and Parquet writer into DuckDB, against what the server itself prints: rows of
 * values at random and at the edges of every type, cut into segments of every size.
 */
import fc from 'fast-check'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { raw, type Sql, sql } from '../../packages/tidemark/src/engine/sql.ts'
import { createDatabase, dropDatabase, RELEASE, type TestDatabase } from '../support/postgres.ts'
import { copySegments, never, openSource, problemOf, readKeys, readRows, ref, tableOf } from '../support/source.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase(import.meta.url)
})
afterAll(async () => database.drop())

interface Checked {
  /** Values as texts that the server's input function takes. */
  values: fc.Arbitrary<string>
  /** Postgres expression for what is printed; the cast to text when left out. */
  printed?: (column: string) => string
  /** DuckDB expression that has to print the same; the value cast to text and back when left out. */
  same?: (column: string, text: string) => string
}

const equal = (column: string, text: string): string => `${column} IS NOT DISTINCT FROM ${text}`
const wholes = (bits: number, signed = true): fc.Arbitrary<string> =>
  fc
    .bigInt(
      signed
        ? { min: -(1n << BigInt(bits - 1)), max: (1n << BigInt(bits - 1)) - 1n }
        : { min: 0n, max: (1n << BigInt(bits)) - 1n },
    )
    .map(String)

/** Numbers of so many digits, a few of them behind the point; short and long ones alike. */
function decimals(precision: number, scale: number): fc.Arbitrary<string> {
  return fc
    .integer({ min: 0, max: precision })
    .chain(digits => fc.bigInt({ min: -(10n ** BigInt(digits)) + 1n, max: 10n ** BigInt(digits) - 1n }))
    .map(unscaled => {
      const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
      const at = digits.length - scale
      return `${unscaled < 0n ? '-' : ''}${digits.slice(0, at)}.${digits.slice(at)}`
    })
}

const moments = fc
  .tuple(
    fc.date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true }),
    fc.integer({ min: 0, max: 999 }),
  )
  .map(([date, micros]) => `${date.toISOString().slice(0, -1)}${String(micros).padStart(3, '0')}Z`)

const texts = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.string({ unit: 'binary', maxLength: 80 }).map(text => text.replaceAll('\0', '').toWellFormed()),
  fc.constantFrom('', '\u{feff}', '\\N', 'NULL', 'long '.repeat(30_000)),
)

const CHECKED: Readonly<Record<string, Checked>> = {
  smallint: { values: wholes(16) },
  integer: { values: wholes(32) },
  bigint: { values: wholes(64) },
  oid: { values: wholes(32, false) },
  real: { values: fc.float().map(one => (Object.is(one, -0) ? '-0' : String(one))) },
  'double precision': { values: fc.double().map(one => (Object.is(one, -0) ? '-0' : String(one))) },
  boolean: { values: fc.boolean().map(String) },
  ...Object.fromEntries(
    [
      [1, 0],
      [4, 2],
      [4, 4],
      [9, 3],
      [17, 1],
      [18, 0],
      [18, 4],
      [18, 18],
      [19, 0],
      [20, 7],
      [38, 0],
      [38, 10],
      [38, 38],
    ].map(([precision = 1, scale = 0]) => [`numeric(${precision},${scale})`, { values: decimals(precision, scale) }]),
  ),
  timestamptz: { values: moments },
  timestamp: { values: moments.filter(moment => moment > '0001-01-02' && moment < '9999-12-30') },
  date: { values: moments.map(moment => moment.slice(0, 10)) },
  uuid: { values: fc.uuid(), same: equal },
  text: { values: texts, same: equal },
  'varchar(200000)': { values: texts, same: equal },
  'char(7)': {
    values: fc.string({ unit: 'grapheme-ascii', maxLength: 7 }),
    printed: one => `CASE WHEN ${one} IS NOT NULL THEN concat(${one}) END`,
    same: equal,
  },
  bytea: {
    values: fc.uint8Array({ maxLength: 100 }).map(bytes => `\\x${Buffer.from(bytes).toString('hex')}`),
    same: (column, text) => `(${column} IS NULL AND ${text} IS NULL) OR '\\x' || lower(hex(${column})) = ${text}`,
  },
  json: { values: fc.json(), same: equal },
  jsonb: { values: fc.json().filter(text => !text.includes('\\u')), same: equal },
  'bigint[]': {
    values: fc.array(fc.option(wholes(64), { nil: 'NULL' })).map(list => `{${list.join(',')}}`),
    printed: one => `to_jsonb(${one})::text`,
    same: equal,
  },
}
const TYPES = Object.entries(CHECKED)
const SERIES = TYPES.map(([, { values }]) => fc.option(values, { freq: 6 }))

/** Both sides print what the server's text says as the same type. */
function isSame([type, { same }]: [string, Checked], n: number): string {
  const [column, text] = [`"v${n}"`, `"t${n}"`]
  if (same !== undefined) return same(column, text)
  const cast = type === 'oid' ? 'BIGINT' : type === 'timestamp' ? 'TIMESTAMP' : type
  const value = `CAST(${text} AS ${cast})`
  const printed =
    type === 'timestamp' ? `CAST(make_timestamptz(epoch_us(${value})) AS VARCHAR)` : `CAST(${value} AS VARCHAR)`
  return `CAST(${column} AS VARCHAR) IS NOT DISTINCT FROM ${printed}`
}

test('every value of every type is what the server prints, in segments of every size', async () => {
  const cells = TYPES.flatMap(([, { printed = (one: string): string => `${one}::text` }], n) => [
    `v${n}`,
    `${printed(`v${n}`)} AS t${n}`,
  ])
  await database.query(`CREATE TABLE every (${TYPES.map(([type], n) => `v${n} ${type}`).join(', ')});
    CREATE VIEW seen AS SELECT ${cells.join(', ')} FROM every`)
  const lists = TYPES.map((_, n) => `$${n + 1}::text[]`).join(', ')
  const names = TYPES.map((_, n) => `u${n}`).join(', ')
  const insert = `INSERT INTO every SELECT ${TYPES.map(([type], n) => `u${n}::${type}`).join(', ')} FROM unnest(${lists}) AS u (${names})`
  const source = openSource(database)
  const wrong = TYPES.map((entry, n) => `count(*) FILTER (WHERE NOT (${isSame(entry, n)})) AS "${n} ${entry[0]}"`)
  const none = Object.fromEntries(TYPES.map(([type], n) => [`${n} ${type}`, '0']))
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(...SERIES), { maxLength: 120 }),
      fc.constantFrom(1, 700, 5000, 1024 * 1024),
      async (rows, segmentBytes) => {
        await database.query('TRUNCATE every')
        await database.query(
          insert,
          TYPES.map((_, n) => rows.map(row => row[n] ?? null)),
        )
        const snapshot = await source.openSnapshot([ref('seen')], never)
        const table = tableOf(snapshot, ref('seen'))
        const counted = (all: Sql): Sql => sql`SELECT count(*) AS rows, ${raw(wrong.join(', '))} FROM (${all})`
        const [found] = await readRows(snapshot, table, { segmentBytes, through: counted })
        await snapshot.close()
        expect(found ?? { rows: '0', ...none }).toEqual({ rows: String(rows.length), ...none })
      },
    ),
    { numRuns: 30 },
  )
})

test('what is not a number is one value, whichever bits the server has for it', async () => {
  await database.query(`CREATE TABLE nans (a double precision, b real); INSERT INTO nans VALUES
    ('NaN', 'NaN'), ('-NaN', '-NaN'), ('Infinity'::float8 - 'Infinity'::float8, 'Infinity'::float4 - 'Infinity'::float4),
    ('-Infinity', '-Infinity'), ('-0', '-0')`)
  const sent = await database.query(
    `SELECT DISTINCT float8send(a)::text || float4send(b)::text AS bits FROM nans WHERE a = 'NaN'`,
  )
  expect(sent.length).toBeGreaterThan(1)
  const snapshot = await openSource(database).openSnapshot([ref('nans')], never)
  const rows = await readRows(snapshot, tableOf(snapshot, ref('nans')))
  expect(rows.map(({ a, b }) => [a, b])).toEqual([
    ...Array.from({ length: 3 }, () => ['nan', 'nan']),
    ['-inf', '-inf'],
    ['-0.0', '-0.0'],
  ])
})

test('a type of a user that is called like one of the server comes as its own text', async () => {
  await database.query(`CREATE SCHEMA own; CREATE TYPE own.uuid AS ENUM ('not one');
    CREATE TYPE own.int4 AS (a pg_catalog.int4, b pg_catalog.text); CREATE TYPE own.jsonb AS (c bytea);
    CREATE TABLE called (u own.uuid, i own.int4, j own.jsonb);
    INSERT INTO called VALUES ('not one', ROW(7, 'x'), ROW('\\x01')), (NULL, NULL, NULL)`)
  const snapshot = await openSource(database).openSnapshot([ref('called')], never)
  const table = tableOf(snapshot, ref('called'))
  expect(table.columns.map(({ deltaType }) => deltaType)).toEqual(['string', 'string', 'string'])
  expect(await readRows(snapshot, table)).toMatchObject([
    { u: 'not one', i: '(7,x)', j: '("\\\\x01")' },
    { u: null, i: null, j: null },
  ])
})

test('keys of all types come in pieces as they do in rows', async () => {
  await database.query(`CREATE TABLE keyed (a uuid, b numeric(20,3), c bytea, d timestamptz, e text, PRIMARY KEY (a, b, c, d, e));
    INSERT INTO keyed SELECT md5(n::text)::uuid, n * -1.001, decode(md5(n::text), 'hex'), '2026-01-01Z'::timestamptz + n * interval '1.000001 s',
      CASE WHEN n % 3 = 0 THEN '' ELSE repeat('é', n) END FROM generate_series(1, 300) n`)
  const snapshot = await openSource(database).openSnapshot([ref('keyed')], never)
  const table = tableOf(snapshot, ref('keyed'))
  const sorted = (rows: readonly Record<string, string | null>[]): string[] =>
    rows.map(({ a, b, c, d, e }) => JSON.stringify([a, b, c, d, e])).toSorted()
  const keys = await readKeys(snapshot, table, table.columns)
  expect(keys).toHaveLength(300)
  expect(sorted(keys)).toEqual(sorted(await readRows(snapshot, table, { segmentBytes: 3000 })))
})

test('bytes that are no text end the reading aloud, where the database does not know its encoding', async () => {
  const name = `${database.database}_ascii`
  await dropDatabase(database, name)
  const locale = RELEASE < 13 ? `LC_COLLATE 'C' LC_CTYPE 'C'` : `LOCALE 'C'`
  await database.query(`CREATE DATABASE ${name} ENCODING 'SQL_ASCII' ${locale} TEMPLATE template0`)
  try {
    const source = openSource({ ...database, database: name })
    const client = new pg.Client({ ...database, database: name })
    await client.connect()
    await client.query(`CREATE TABLE bent AS SELECT convert_from('\\xff41', 'SQL_ASCII') AS v`)
    await client.query(`CREATE TABLE good AS SELECT 'fine' AS v`)
    const snapshot = await source.openSnapshot([ref('bent'), ref('good')], never)
    expect((await problemOf(copySegments(snapshot, tableOf(snapshot, ref('bent'))))).message).toMatch(/0xff/)
    expect(await readRows(snapshot, tableOf(snapshot, ref('good')))).toMatchObject([{ v: 'fine' }])
    await source.close()
    await client.end()
  } finally {
    await dropDatabase(database, name)
  }
})
