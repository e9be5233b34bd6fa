/** Printed values in Parquet's bytes, beside the same reckoned with whole numbers of any length. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ColumnValues } from '../parquet/column-values.ts'
import { type TextForm, takeTexts } from './text-form.ts'

/** Bytes of the column, NULLs and unfit values, for values that lie one behind another. */
function taken(form: TextForm, values: readonly (string | null)[]): { bytes: Buffer; nulls: number; unfit: number } {
  const all = Buffer.from(values.map(value => value ?? '').join(''))
  const lengths = values.map(value => Buffer.byteLength(value ?? ''))
  const starts = lengths.map((_, n) => lengths.slice(0, n).reduce((sum, one) => sum + one, 0))
  const places = {
    starts: Int32Array.from(starts, (start, n) => (values[n] === null ? -1 : start)),
    ends: Int32Array.from(starts, (start, n) => start + (lengths[n] ?? 0)),
  }
  const to = new ColumnValues()
  const unfit = takeTexts(form, new DataView(all.buffer, all.byteOffset, all.length), places, to)
  to.rows += values.length
  return { bytes: Buffer.from(to.written()), nulls: to.nulls, unfit }
}

const unscaled = (text: string): bigint => BigInt(text.replace('.', ''))

test('numbers of every length are their digits', () => {
  const digits = fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength: 18 })
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom('', '-'), digits, fc.boolean())), rows => {
      const values = rows.flatMap(([sign, text, isNull]) => (isNull ? [null, sign + text] : [sign + text]))
      const { bytes, nulls, unfit } = taken('int64', values)
      const found = Array.from({ length: bytes.length / 8 }, (_, n) => bytes.readBigInt64LE(n * 8))
      expect(found).toEqual(values.filter(value => value !== null).map(unscaled))
      expect([nulls, unfit]).toEqual([values.filter(value => value === null).length, 0])
    }),
  )
})

test('decimals are their digits without the point, padded to the scale', () => {
  const digits = fc.string({ unit: fc.constantFrom(...'0123456789'), maxLength: 28 })
  fc.assert(
    fc.property(fc.constantFrom('', '-'), digits, fc.integer({ min: 0, max: 10 }), (sign, whole, decimals) => {
      const text = `${sign}${whole || '0'}.${'9876543210'.slice(0, decimals)}`
      const { bytes, unfit } = taken({ precision: 38, scale: 10 }, [text])
      const value = (bytes.readBigInt64BE(0) << 64n) | bytes.readBigUInt64BE(8)
      expect([value, unfit]).toEqual([unscaled(text) * 10n ** BigInt(10 - decimals), 0])
    }),
  )
})

test('moments of all the years are microseconds from 1970', () => {
  const ends = { min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z') }
  const dates = fc.date({ ...ends, noInvalidDate: true })
  fc.assert(
    fc.property(dates, fc.integer({ min: 0, max: 999_999 }), (date, micros) => {
      const text = `${date.toISOString().slice(0, 19).replace('T', ' ')}.${String(micros).padStart(6, '0')}`
      const seconds = BigInt(Math.floor(date.getTime() / 1000))
      const { bytes, unfit } = taken('moment', [text])
      expect([bytes.readBigInt64LE(0), unfit]).toEqual([seconds * 1_000_000n + BigInt(micros), 0])
      expect(taken('date', [text.slice(0, 10)]).bytes.readInt32LE(0)).toBe(
        Number(seconds - (((seconds % 86_400n) + 86_400n) % 86_400n)) / 86_400,
      )
    }),
  )
})

test.each<[TextForm, string[]]>([
  ['boolean', ['2', '', '01']],
  ['int16', ['32768', '-32769', '', '-', '1.0', '1e3']],
  ['int32', ['2147483648', '-2147483649', '99999999999999999999', ' 1']],
  ['int64', ['9223372036854775808', '-9223372036854775809', '18446744073709551616', '', '-', '1.5', '1e3']],
  [{ precision: 3, scale: 1 }, ['100.0', '-100.0', '1.00', '1.2.3', '.', 'x']],
  [{ precision: 20, scale: 0 }, ['100000000000000000000', '340282366920938463463374607431768211456', '1.5']],
  ['date', ['2026-1-01', '2026-01-01 ', '2026/01/01', '0000-00-00', '2026-13-01', '2023-02-29', '1900-02-29', 'ab-cd']],
  [
    'moment',
    [
      '2026-01-01',
      '2026-01-01 24:00:00',
      '2026-01-01 00:60:00',
      '2026-01-01T00:00:00',
      '2026-01-01 00:00:00.',
      '2026-01-01 00:00:00.1234567',
    ],
  ],
  ['local moment', ['0001-01-01 12:00:00', '9999-12-31 00:00:00']],
])('what %j cannot hold is told, and nothing else', (form, wrong) => {
  for (const value of wrong) expect([value, taken(form, [value]).unfit > 0]).toEqual([value, true])
  expect(taken(form, [null, null])).toEqual({ bytes: Buffer.alloc(0), nulls: 2, unfit: 0 })
})

test.each<[TextForm, string[]]>([
  ['int16', ['32767', '-32768', '-0', '00032767']],
  ['int32', ['2147483647', '-2147483648', '000000000000000000000000000042']],
  ['int64', ['9223372036854775807', '-9223372036854775808', '-1', '000000000000000000000000000000000042']],
  [{ precision: 3, scale: 1 }, ['99.9', '-99.9', '0.5', '.5', '7', '000000000000000000012.3']],
  ['local moment', ['0001-01-02 00:00:00', '9999-12-30 23:59:59.999999']],
])('the last that %j can hold is none too many', (form, right) => {
  for (const value of right) expect([value, taken(form, [value]).unfit]).toEqual([value, 0])
})
