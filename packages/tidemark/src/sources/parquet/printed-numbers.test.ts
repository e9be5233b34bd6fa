import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ColumnValues } from './column-values.ts'
import { LONGS, type NumberRange, putDecimal, putLong, rangeOf } from './printed-numbers.ts'

/** What the bytes say of a text that lies among others; undefined when its column cannot hold it. */
function written(text: string, range: NumberRange, put: typeof putLong): bigint | undefined {
  const bytes = Buffer.from(`9${text}9`)
  const to = new ColumnValues()
  const from = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (!put(from, 1, bytes.length - 1, range, to)) return undefined
  const found = Buffer.from(to.written())
  return found.length === 8 ? found.readBigInt64LE() : (found.readBigInt64BE() << 64n) | found.readBigUInt64BE(8)
}

test('digits of all lengths are the integer that they say', () => {
  const integers = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
  fc.assert(
    fc.property(integers, fc.nat(18), (n, cut) => {
      const short = n / 10n ** BigInt(cut)
      expect(written(String(short), LONGS, putLong)).toBe(short)
    }),
  )
  for (const n of [0n, 10n ** 15n - 1n, 10n ** 15n, 2n ** 32n, -(2n ** 32n), 2n ** 63n - 1n, -(2n ** 63n)]) {
    expect(written(String(n), LONGS, putLong)).toBe(n)
  }
})

test('a decimal has all digits of its scale, written or not', () => {
  const shapes = [
    { put: putLong, precision: 18 },
    { put: putDecimal, precision: 38 },
  ]
  for (const { put, precision } of shapes) {
    const most = 10n ** BigInt(precision) - 1n
    const numbers = fc.tuple(fc.bigInt({ min: -most, max: most }), fc.nat(precision), fc.nat(precision - 1))
    fc.assert(
      fc.property(numbers, ([long, cut, scale]) => {
        const unscaled = long / 10n ** BigInt(cut)
        const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
        const [whole, after] = [digits.slice(0, digits.length - scale), digits.slice(digits.length - scale)]
        const shown = after.replace(/0+$/, '')
        const sign = unscaled < 0n ? '-' : ''
        const range = rangeOf({ precision, scale })
        for (const decimals of new Set([after, shown])) {
          const text = `${sign}${whole}${decimals === '' ? '' : `.${decimals}`}`
          expect(written(text, range, put)).toBe(unscaled)
        }
      }),
    )
  }
})

test('what is no number, or too high or low for its column, is told', () => {
  const faults = ['', '-', '.', '-.', '1e3', 'x', '1 ', '1.2.3', '1.2', '1.0']
  for (const text of faults) expect([text, written(text, LONGS, putLong)]).toEqual([text, undefined])
  for (const n of [2n ** 63n, -(2n ** 63n) - 1n, 10n ** 30n]) {
    expect(written(String(n), LONGS, putLong)).toBeUndefined()
  }
  const range = rangeOf({ precision: 4, scale: 2 })
  const answers = ['99.99', '-99.99', '100.00', '-100.00', '1.234', '7'].map(text => written(text, range, putLong))
  expect(answers).toEqual([9999n, -9999n, undefined, undefined, undefined, 700n])
})
