/**
 * Values of MySQL and MariaDB by the bytes of the protocol into Parquet, against the same texts that DuckDB parses itself from
 * CSV: rows of values at random and at the edges of every type, cut into segments of every size, with their versions.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import mysql from 'mysql2/promise'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { ident, type Sql, sql } from '../../packages/tidemark/src/engine/sql.ts'
import { mysqlColumn } from '../../packages/tidemark/src/sources/mysql/column.ts'
import { readCsvHashed } from '../../packages/tidemark/src/sources/read-csv.ts'
import type { Source, SourceColumn, SourceTable } from '../../packages/tidemark/src/sources/source.ts'
import { createMysqlDatabase, hasMariadb, type MysqlDatabase } from '../support/mariadb.ts'
import {
  copySegments,
  never,
  openMysqlSource,
  problemOf,
  queryDuckdb,
  readRows,
  ref,
  tableOf,
  temporaryFolder,
} from '../support/source.ts'

const wholes = (bits: number, signed = true): fc.Arbitrary<string> => {
  const [low, high] = signed
    ? [-(1n << BigInt(bits - 1)), (1n << BigInt(bits - 1)) - 1n]
    : [0n, (1n << BigInt(bits)) - 1n]
  const short = fc.bigInt({ min: signed ? -999n : 0n, max: 999n }).filter(one => one >= low && one <= high)
  return fc.oneof(fc.constantFrom(low, high, 0n), short, fc.bigInt({ min: low, max: high })).map(String)
}

/** Numbers of so many digits, a few of them behind the point; short and long ones alike. */
function decimals(precision: number, scale: number, signed = true): fc.Arbitrary<string> {
  return fc
    .integer({ min: 0, max: precision })
    .chain(digits => {
      const most = 10n ** BigInt(digits) - 1n
      return fc.oneof(fc.constant(most), fc.bigInt({ min: signed ? -most : 0n, max: most }))
    })
    .map(unscaled => {
      const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
      const at = digits.length - scale
      return `${unscaled < 0n ? '-' : ''}${digits.slice(0, at)}.${digits.slice(at)}`
    })
}

function moments(first: string, last: string, digits: number): fc.Arbitrary<string> {
  const edges = fc.constantFrom(new Date(first), new Date(last), new Date('2024-02-29T23:59:59Z'))
  const dates = fc.oneof(edges, fc.date({ min: new Date(first), max: new Date(last), noInvalidDate: true }))
  return fc.tuple(dates, fc.integer({ min: 0, max: 999_999 })).map(([date, micros]) => {
    const fraction = digits === 0 ? '' : `.${String(micros).padStart(6, '0').slice(0, digits)}`
    return `'${date.toISOString().slice(0, 19).replace('T', ' ')}${fraction}'`
  })
}

const hex = (bytes: Uint8Array): string => `x'${Buffer.from(bytes).toString('hex')}'`
const texts = (maxLength: number): fc.Arbitrary<string> =>
  fc
    .oneof(
      fc.string({ unit: 'grapheme', maxLength }),
      fc.string({ unit: 'binary', maxLength }).map(one => one.toWellFormed()),
      fc.constantFrom('', '-', '0:', '"', '""', ',', '\n', '\r\n', '\0', 'NULL', '\u{feff}', 'ä'.repeat(maxLength)),
    )
    // A character is one or two in JavaScript and one there.
    .map(one => `_utf8mb4 ${hex(Buffer.from([...one].slice(0, maxLength).join('')))}`)
const bytes = (maxLength: number): fc.Arbitrary<string> => fc.uint8Array({ maxLength }).map(hex)
const bits = (width: number): fc.Arbitrary<string> => wholes(width, false).map(one => `b'${BigInt(one).toString(2)}'`)

/** Values as literals. Each type is a column, and each value of it may be NULL. */
const TYPES: Readonly<Record<string, fc.Arbitrary<string>>> = {
  tinyint: wholes(8),
  'tinyint unsigned': wholes(8, false),
  smallint: wholes(16),
  'smallint unsigned': wholes(16, false),
  mediumint: wholes(24),
  'mediumint unsigned': wholes(24, false),
  int: wholes(32),
  'int unsigned': wholes(32, false),
  'int(30) zerofill': wholes(32, false),
  bigint: wholes(64),
  'bigint unsigned': wholes(64, false),
  'bigint(40) zerofill': wholes(64, false),
  boolean: fc.constantFrom('TRUE', 'FALSE'),
  'decimal(1,0)': decimals(1, 0),
  'decimal(4,4)': decimals(4, 4),
  'decimal(15,2)': decimals(15, 2),
  'decimal(16,3)': decimals(16, 3),
  'decimal(18,0)': decimals(18, 0),
  'decimal(18,18)': decimals(18, 18),
  'decimal(18,5) unsigned zerofill': decimals(18, 5, false),
  'decimal(19,1)': decimals(19, 1),
  'decimal(20,7)': decimals(20, 7),
  'decimal(38,0)': decimals(38, 0),
  'decimal(38,30)': decimals(38, 30),
  'decimal(38,10) zerofill': decimals(38, 10, false),
  'decimal(65,30)': decimals(65, 30),
  float: fc.float({ noNaN: true, noDefaultInfinity: true }).map(String),
  double: fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  'bit(1)': bits(1),
  'bit(7)': bits(7),
  'bit(63)': bits(63),
  'bit(64)': bits(64),
  year: fc.constantFrom('0', '1901', '1970', '2026', '2155'),
  date: moments('0001-01-01T00:00:00Z', '9999-12-31T23:59:59Z', 0).map(one => `${one.slice(0, 11)}'`),
  datetime: moments('0001-01-01T00:00:00Z', '9999-12-31T23:59:59Z', 0),
  'datetime(3)': moments('1960-01-01T00:00:00Z', '1980-01-01T00:00:00Z', 3),
  'datetime(6)': moments('0001-01-01T00:00:00Z', '9999-12-31T23:59:59Z', 6),
  'timestamp(6) NULL': moments('1970-01-01T00:00:01Z', '2038-01-19T03:14:06Z', 6),
  'time(6)': fc.constantFrom("'-838:59:59'", "'00:00:00'", "'838:59:58.999999'", "'12:34:56.5'"),
  'char(9)': texts(9),
  'varchar(300)': texts(300),
  'varchar(9) CHARACTER SET latin1': fc.constantFrom("'ä'", "''", "'plain'"),
  'varchar(9) CHARACTER SET cp1251': fc.constantFrom("'д'", "''", "'?д?'"),
  'text CHARACTER SET cp932': fc.constantFrom("x'8790'", "'plain'", "x'8341'"),
  text: texts(200),
  longtext: fc.oneof(texts(100), fc.constantFrom("REPEAT('long, ', 20000)", "REPEAT('x', 65536)", "REPEAT('y', 251)")),
  json: fc.json({ noUnicodeString: true }).map(one => `_utf8mb4 ${hex(Buffer.from(one))}`),
  "enum('a', 'so, \"so')": fc.constantFrom("'a'", "'so, \"so'"),
  "set('x', 'y')": fc.constantFrom("''", "'x,y'", "'y'"),
  'binary(4)': bytes(4),
  'varbinary(300)': bytes(300),
  longblob: fc.oneof(bytes(100), fc.constantFrom("REPEAT(x'00ff22', 30000)", "''")),
  point: fc.constantFrom('POINT(1, 2)', 'POINT(-0.5, 1e300)'),
}
const COLUMNS = Object.keys(TYPES).map((type, n) => `c${n} ${type}`)
const SERIES = Object.values(TYPES).map(literals => fc.option(literals, { freq: 8, nil: 'NULL' }))

describe.runIf(hasMariadb)('values of MySQL and MariaDB', () => {
  let database: MysqlDatabase
  beforeAll(async () => {
    database = await createMysqlDatabase(import.meta.url)
  })
  afterAll(() => database?.drop())

  const own = (table: string): ReturnType<typeof ref> => ref(table, database.database)

  /** The rows as the server prints them, parsed by DuckDB. */
  async function byCsv(
    client: mysql.Connection,
    table: SourceTable,
    columns: readonly SourceColumn[],
  ): Promise<unknown> {
    const list = columns.map(column => mysqlColumn(column).select(sql`t.${ident(column.name)}`).text)
    const [rows] = await client.query<mysql.RowDataPacket[][]>({
      sql: `SELECT ${list.join(', ')} FROM ${ident(table.schema, table.table).text} AS t`,
      rowsAsArray: true,
      typeCast: (field: { buffer(): Buffer | null }) => field.buffer(),
    })
    const isBytes = columns.map(column => ['bytes', 'hex'].includes(String(mysqlColumn(column).form)))
    const cell = (value: Buffer | null, n: number): string =>
      value === null ? '' : `"${isBytes[n] ? value.toString('hex') : value.toString().replaceAll('"', '""')}"`
    const lines = rows.map(row => `0,${(row as unknown as (Buffer | null)[]).map(cell).join(',')}\n`)
    const file = join(await temporaryFolder(), 'rows.csv')
    await writeFile(file, lines.join(''))
    const parsed = columns.map(column =>
      mysqlColumn(column).form === 'bytes' ? { ...column, decode: (value: Sql) => sql`unhex(${value})` } : column,
    )
    return await queryDuckdb(sql`SELECT * FROM (${readCsvHashed([file], parsed)}) ORDER BY _row_version`)
  }

  async function reader(): Promise<mysql.Connection> {
    const { host, port, user, password } = database
    const client = await mysql.createConnection({ host, port, user, password, charset: 'utf8mb4' })
    onTestFinished(() => client.end())
    await client.query("SET time_zone = '+00:00', sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'")
    return client
  }

  /** Every third column as text, every fifth masked. */
  function changed(source: Source, table: SourceTable): readonly SourceColumn[] {
    const names = table.columns.filter((_, n) => n % 3 === 0 || n % 5 === 0).map(({ name }) => name)
    const mask = (value: Sql): Sql => sql`('***' || right(${value}, 2))`
    return source
      .carryAsText(table, names)
      .map((column, n) => (n % 5 === 0 ? { ...column, masked: true as const, decode: mask } : column))
  }

  test('are what DuckDB makes of the texts, with the same version, in segments of every size', async () => {
    await database.query(`CREATE TABLE every (${COLUMNS.join(', ')})`)
    const [client, source] = [await reader(), openMysqlSource(database)]
    const writer = await database.connect()
    await writer.query("SET sql_mode = '', time_zone = '+00:00'")
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(...SERIES), { maxLength: 40 }),
        fc.constantFrom(1, 700, 5000, 1024 * 1024),
        fc.boolean(),
        async (rows, segmentBytes, isChanged) => {
          await writer.query('TRUNCATE every')
          for (const row of rows) await writer.query(`INSERT INTO every VALUES (${row.join(', ')})`)
          const snapshot = await source.openSnapshot([own('every')], never)
          const table = tableOf(snapshot, own('every'))
          const columns = isChanged ? changed(source, table) : table.columns
          const through = (all: Sql): Sql => sql`SELECT * FROM (${all}) ORDER BY _row_version`
          const found = await readRows(snapshot, table, { columns, segmentBytes, through })
          await snapshot.close()
          expect(found).toHaveLength(rows.length)
          expect(found).toEqual(await byCsv(client, table, columns))
        },
      ),
      { numRuns: 40 },
    )
  })

  test.each([
    ['date', "'0000-00-00'", 'UTC'],
    ['date', "'2026-02-30'", 'UTC'],
    ['date', "'2026-00-10'", 'UTC'],
    ['date', "'2026-10-00'", 'UTC'],
    ['date', "'2100-02-29'", 'UTC'],
    ['date', "'0000-01-01'", 'UTC'],
    ['datetime', "'2026-04-31 10:00:00'", 'UTC'],
    ['datetime(6)', "'0000-00-00 00:00:00'", 'Europe/Berlin'],
    ['datetime', "'0001-01-01 23:59:59'", 'Europe/Berlin'],
    ['datetime', "'9999-12-31 00:00:00'", 'Europe/Berlin'],
    ['timestamp NULL', "'0000-00-00 00:00:00'", 'UTC'],
  ])(
    'that the lake cannot hold are refused by the copy and by the count: %s %s, %s',
    async (type, literal, timezone) => {
      const writer = await database.connect()
      await writer.query(`SET sql_mode = 'ALLOW_INVALID_DATES'; DROP TABLE IF EXISTS unfit; CREATE TABLE unfit (id int, v ${type});
      INSERT INTO unfit VALUES (1, '2024-02-29'), (2, ${literal}), (3, NULL)`)
      const snapshot = await openMysqlSource(database, { timezone }).openSnapshot([own('unfit')], never)
      const table = tableOf(snapshot, own('unfit'))
      expect(snapshot.copyRefusesUnfit?.(table.columns)).toBe(true)
      const counted = await problemOf(
        snapshot.count({ table, columns: table.columns, slice: { kind: 'all' }, signal: never }),
      )
      const copied = await problemOf(copySegments(snapshot, table))
      expect(copied.code).toBe('SOURCE_VALUE_UNFIT')
      expect(copied.message).toBe(counted.message)
    },
  )

  test.for([
    ['varchar(9) CHARACTER SET cp1251', "x'983f'", '??'],
    ['char(9) CHARACTER SET ascii', "x'706ce4696e'", 'pl?in'],
    ['longtext CHARACTER SET gbk', "x'a2a0'", '?'],
  ])(
    'letters that the server finds none of Unicode for are refused, and are its question marks only as_text: %s',
    async ([type, literal, text], { skip }) => {
      const writer = await database.connect()
      await writer.query(`DROP TABLE IF EXISTS letters; CREATE TABLE letters (v ${type}); INSERT IGNORE INTO letters
        VALUES ('plain?'), (${literal}), (''), (NULL)`)
      const [kept] = await writer.query(`SELECT count(*) AS n FROM letters WHERE binary v = ${literal}`)
      if (kept?.['n'] === '0') skip('this server lets no such letters in')
      const source = openMysqlSource(database)
      const snapshot = await source.openSnapshot([own('letters')], never)
      const table = tableOf(snapshot, own('letters'))
      const counted = await problemOf(
        snapshot.count({ table, columns: table.columns, slice: { kind: 'all' }, signal: never }),
      )
      const copied = await problemOf(copySegments(snapshot, table))
      expect([copied.code, copied.message]).toEqual(['SOURCE_VALUE_UNFIT', counted.message])
      const columns = source.carryAsText(table, ['v'])
      const rows = await readRows(snapshot, table, { columns, through: all => sql`SELECT v FROM (${all}) ORDER BY v` })
      expect(rows.map(({ v }) => v)).toEqual(['', text, 'plain?', null])
    },
  )

  test.each([
    ["'0001-01-02 00:00:00'", '0001-01-01 23:06:32+00'],
    ["'9999-12-30 23:59:59'", '9999-12-30 22:59:59+00'],
    ["'2026-07-01 02:00:00'", '2026-07-01 00:00:00+00'],
  ])('that a zone moves stay in the years that there are: %s', async (literal, expected) => {
    await database.query(
      `DROP TABLE IF EXISTS zoned; CREATE TABLE zoned (v datetime); INSERT INTO zoned VALUES (${literal})`,
    )
    const snapshot = await openMysqlSource(database, { timezone: 'Europe/Berlin' }).openSnapshot([own('zoned')], never)
    expect((await readRows(snapshot, tableOf(snapshot, own('zoned')))).map(({ v }) => v)).toEqual([expected])
  })
})
