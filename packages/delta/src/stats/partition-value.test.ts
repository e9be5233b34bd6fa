import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type PartitionValue, parsePartitionValue, printPartitionValue } from './partition-value.ts'

const bytes = (...values: number[]): PartitionValue => ({ kind: 'bytes', bytes: Uint8Array.from(values) })
const days = (value: number): PartitionValue => ({ kind: 'days', days: value })
const micros = (value: bigint): PartitionValue => ({ kind: 'micros', micros: value })
const text = (value: string): PartitionValue => ({ kind: 'text', text: value })

test.each<[type: string, text: string, PartitionValue]>([
  ['string', ' a b ', text(' a b ')],
  ['long', '-9223372036854775808', text('-9223372036854775808')],
  ['decimal(10,5)', '-2342342.23423', text('-2342342.23423')],
  ['decimal(20,10)', '4E-7', text('4E-7')],
  ['double', '4.9E-324', text('4.9E-324')],
  ['float', '-Infinity', text('-Infinity')],
  ['boolean', 'True', text('true')],
  ['date', '2021-09-08', days(18_878)],
  ['date', '2021-09-08 00:00:00', days(18_878)],
  ['date', '+12024-01-01', days(3_672_148)],
  ['timestamp', '1970-01-01T00:00:00.123456Z', micros(123_456n)],
  ['timestamp', '1970-01-01 00:00:00.123456', micros(123_456n)],
  ['timestamp', '1970-01-01 01:00:00+01:00', micros(0n)],
  ['timestamp_ntz', '1969-12-31 23:59:59', micros(-1_000_000n)],
  ['binary', 'a\u0001é', bytes(0x61, 1, 0xc3, 0xa9)],
])('%s %j is read as a value of its type', (type, spelling, value) => {
  expect(parsePartitionValue(type, spelling)).toEqual(value)
})

test('null, the empty text and a missing value are NULL, whatever the type', () => {
  for (const type of ['string', 'binary', 'long', 'date', 'timestamp', 'boolean']) {
    for (const none of [null, '', undefined]) expect(parsePartitionValue(type, none)).toBeUndefined()
    expect(printPartitionValue(type, undefined)).toBeNull()
  }
  expect(printPartitionValue('string', text(''))).toBeNull()
  expect(printPartitionValue('binary', bytes())).toBeNull()
})

test.each([
  ['long', '1.5'],
  ['boolean', '1'],
  ['date', '2023-02-29'],
  ['date', '2023-02-28 12:00:00'],
  ['timestamp', 'yesterday'],
  ['decimal(10,2)', '1.005'],
  ['double', 'x'],
])('a %s cannot be %j', (type, spelling) => {
  expect(() => parsePartitionValue(type, spelling)).toThrow(TypeError)
})

test('what is printed is read back', () => {
  const printed = (type: string, value: PartitionValue): unknown =>
    parsePartitionValue(type, printPartitionValue(type, value))
  fc.assert(
    fc.property(
      fc.bigInt({ min: -(10n ** 17n), max: 10n ** 17n }),
      fc.integer({ min: -1_000_000, max: 1_000_000 }),
      (t, d) => {
        expect(printed('timestamp', micros(t))).toEqual(micros(t))
        expect(printed('timestamp_ntz', micros(t))).toEqual(micros(t))
        expect(printed('date', days(d))).toEqual(days(d))
      },
    ),
  )
  const strings = fc.string({ unit: 'grapheme', minLength: 1 }).filter(s => s.isWellFormed())
  fc.assert(
    fc.property(strings, string => {
      expect(printed('string', text(string))).toEqual(text(string))
      const encoded = bytes(...new TextEncoder().encode(string))
      expect(printed('binary', encoded)).toEqual(encoded)
    }),
  )
})

test('a timestamp is written in UTC and says so, one without zone with a blank and nothing else', () => {
  expect(printPartitionValue('timestamp', micros(123_456n))).toBe('1970-01-01T00:00:00.123456Z')
  expect(printPartitionValue('timestamp_ntz', micros(-1n))).toBe('1969-12-31 23:59:59.999999')
})

test('special numbers get the names that other readers know', () => {
  const names = ['nan', 'inf', '-inf', '1e+20'].map(name => printPartitionValue('double', text(name)))
  expect(names).toEqual(['NaN', 'Infinity', '-Infinity', '1e+20'])
})

test('bytes that are no text are refused', () => {
  expect(() => printPartitionValue('binary', bytes(0xff))).toThrow(expect.objectContaining({ code: 'STAGE_INVALID' }))
})
