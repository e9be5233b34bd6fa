/** What fits a column and what does not, decided by the engine: nothing is rounded, cut or guessed, and nothing else is kept away. */
import { DuckDBInstance } from '@duckdb/node-api'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ident, join, type Sql, sql, text } from '../engine/sql.ts'
import { rescuedColumn } from './rescue.ts'
import { strictly } from './strict-read.ts'

let ask: (query: { text: string }) => Promise<Record<string, unknown>>
let close: () => void
beforeAll(async () => {
  const instance = await DuckDBInstance.create(':memory:', { autoload_known_extensions: 'false' })
  const connection = await instance.connect()
  await connection.run("SET TimeZone = 'UTC'")
  ask = async query => (await connection.runAndReadAll(query.text)).getRowObjectsJson()[0] ?? {}
  close = () => connection.closeSync()
})
afterAll(() => close())

async function read(value: string, from: string, to: string, timezone = 'UTC'): Promise<unknown> {
  const row = await ask(
    sql`SELECT CAST(${strictly(ident('x'), { from, timezone }, to)} AS VARCHAR) AS v FROM (SELECT ${text(value)} AS x)`,
  )
  return row['v']
}

test.each([
  ['integer', 'string', ['0', '12', '-7'], ['007', '+1', '1.0', '', ' 1', '-0', '99999999999', '1e3', 'x', '1_000']],
  ['integer', 'decimal(10,2)', ['12.00', '12', '-7.0'], ['12.50', '99999999999.00', '']],
  ['decimal(6,2)', 'string', ['1.5', '1.50', '0', '-9999.99'], ['1.505', '01.5', '10000', '1.', '.5', 'NaN']],
  ['decimal(6,2)', 'decimal(12,4)', ['1.5000', '9999.9900'], ['1.5050', '10000.0000']],
  ['decimal(6,0)', 'double', ['5', '5.0'], ['5.5', '1e+20', 'Infinity']],
  ['double', 'string', ['0.1', '-12.5'], ['0.12345678901234567', '1e5', 'NaN', '007']],
  ['double', 'double', ['0.1234567890123456', '1e+20', '5'], ['NaN', '0.12345678901234567']],
  ['float', 'double', ['0.5', '123456', '0.1234567'], ['0.12345678901', '1e-7']],
  ['boolean', 'string', ['true', 'false'], ['t', '1', 'TRUE', 'yes', '']],
  ['boolean', 'boolean', ['true', 'f', '1', '0'], ['2', '']],
  [
    'date',
    'string',
    ['2026-02-28', '0001-01-01'],
    ['2026-02-30', '0000-01-01', '2026-2-1', '2026-02-28 00:00:00', 'infinity'],
  ],
  [
    'timestamp',
    'string',
    ['2026-01-01 10:00:00+02', '2026-01-01T10:00:00.123456Z', '2026-01-01 10:00:00.1234560'],
    ['2026-01-01', '2026-01-01 10:00:00.1234567Z', '9999-12-31 23:59:59-05', '2026-13-01 00:00:00Z', 'now'],
  ],
  ['binary', 'string', [], ['', '00', 'x']],
])('of %s, read from %s, exactly these values fit', async (to, from, fit, others) => {
  for (const value of fit) expect(await read(value, from, to), value).not.toBeNull()
  for (const value of others) expect(await read(value, from, to), value).toBeNull()
})

test('a time without a zone is read in the zone of the source, and one with a zone as it says', async () => {
  const oslo = (value: string): Promise<unknown> => read(value, 'timestamp', 'timestamp', 'Europe/Oslo')
  expect(await oslo('2026-07-01 12:00:00')).toBe('2026-07-01 10:00:00+00')
  expect(await oslo('2026-07-01T12:00:00.5')).toBe('2026-07-01 10:00:00.5+00')
  expect(await oslo('2026-07-01 12:00:00Z')).toBe('2026-07-01 12:00:00+00')
  expect(await read('2026-07-01 12:00:00', 'timestamp', 'timestamp')).toBe('2026-07-01 12:00:00+00')
})

test('a value that fits is the same number as its text', async () => {
  const whole = fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }).map(String)
  const number = fc.tuple(whole, fc.stringMatching(/^\d{0,6}$/)).map(([n, rest]) => (rest === '' ? n : `${n}.${rest}`))
  await fc.assert(
    fc.asyncProperty(number, fc.constantFrom('integer', 'long', 'decimal(18,3)'), async (value, to) => {
      const found = await read(value, 'decimal(38,6)', to)
      if (found !== null) expect(await same(String(found), value)).toBe(true)
    }),
    { numRuns: 50 },
  )
})

async function same(a: string, b: string): Promise<unknown> {
  const row = await ask(sql`SELECT CAST(${text(a)} AS DECIMAL(38,6)) = CAST(${text(b)} AS DECIMAL(38,6)) AS same`)
  return row['same']
}

test('what is rescued is JSON that gives back every text of the source, by its own column', async () => {
  const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }).filter(one => !one.includes('\0'))
  const names = fc.uniqueArray(name, { minLength: 1, maxLength: 4, selector: one => one.toLowerCase() })
  const value = fc.option(fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' })))
  const row = names.chain(columns =>
    fc.tuple(fc.constant(columns), fc.array(value, { minLength: columns.length, maxLength: columns.length })),
  )
  await fc.assert(
    fc.asyncProperty(row, async ([columns, values]) => {
      const rescued = rescuedColumn(columns.map((column, n) => ({ column, value: ident(`c${n}`), unless: undefined })))
      const given = columns.map((_, n) => {
        const one = values[n]
        return sql`${typeof one === 'string' ? literal(one) : sql`CAST(NULL AS VARCHAR)`} AS ${ident(`c${n}`)}`
      })
      const made = await ask(sql`SELECT ${rescued.value} AS v FROM (SELECT ${join(given)})`)
      const kept = columns.flatMap((column, n) => (typeof values[n] === 'string' ? [[column, values[n]]] : []))
      const parsed: unknown = made['v'] === null ? {} : JSON.parse(String(made['v']))
      expect(parsed).toEqual(Object.fromEntries(kept))
      expect(made['v'] === null).toBe(kept.length === 0)
    }),
    { numRuns: 50 },
  )
})

/** NUL has no literal, and SQLite and MySQL have texts with it. */
function literal(value: string): Sql {
  return join(value.split('\0').map(text), ' || chr(0) || ')
}
