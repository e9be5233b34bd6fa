import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseDays, parseTime, printDays, printMicros } from './civil-time.ts'

test('days are those of the proleptic Gregorian calendar, in any year', () => {
  fc.assert(
    fc.property(fc.integer({ min: -100_000_000, max: 100_000_000 }), days => {
      const iso = new Date(days * 86_400_000).toISOString()
      const text = iso
        .slice(0, iso.indexOf('T'))
        .replace(/^([+-])0*(\d{4})/, (_, sign, year) => (sign === '-' ? '-' : '') + year)
      expect(parseDays(text)).toBe(days)
    }),
  )
})

test.each([
  ['1970-01-01', 0],
  ['+12024-01-01', 3_672_148],
  ['12024-01-01', 3_672_148],
  ['0001-12-31 (BC)', -719_163],
  ['0000-12-31', -719_163],
  ['-0043-03-15', -735_160],
  ['0044-03-15 (BC)', -735_160],
])('%s is day %i', (text, days) => {
  expect(parseDays(text)).toBe(days)
})

test.each([
  '2023-02-29',
  '1900-02-29',
  '2024-13-01',
  '2024-00-01',
  '2024-01-00',
  '2024-1-1',
  'infinity',
  '',
  '0000-01-01 (BC)',
])('%s is no day', text => {
  expect(parseDays(text)).toBeUndefined()
})

test.each([
  ['1970-01-01T00:00:00.000Z', 0n],
  ['1970-01-01 00:00:00', 0n],
  ['1970-01-01 00:00:00+00', 0n],
  ['1969-12-31T23:59:59.999999Z', -1n],
  ['1970-01-01T01:00:00.5+01:00', 500_000n],
  ['1969-12-31T16:30:00-07:30', 0n],
  ['0044-03-15 (BC) 00:00:01+00', -735_160n * 86_400_000_000n + 1_000_000n],
  ['2024-02-29', 19_782n * 86_400_000_000n],
])('%s is microsecond %i', (text, micros) => {
  expect(parseTime(text)?.micros).toBe(micros)
})

test.each([
  '2024-01-01T24:00:00Z',
  '2024-01-01T00:60:00Z',
  '2024-01-01T00:00Z',
  '2024-01-01 00:00:00 UTC',
  'infinity',
  '',
])('%s is no time', text => {
  expect(parseTime(text)).toBeUndefined()
})

test('a time says whether it named an offset, and whether digits were cut off', () => {
  expect(parseTime('2024-01-01T00:00:00.1234567Z')).toMatchObject({ hasZone: true, isCut: true })
  expect(parseTime('2024-01-01T00:00:00.123456000')).toMatchObject({ hasZone: false, isCut: false })
})

test('what is printed is parsed back: any day, any microsecond', () => {
  const micros = fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n })
  fc.assert(
    fc.property(fc.integer({ min: -9_000_000, max: 9_000_000 }), micros, (days, time) => {
      expect(parseDays(printDays(days))).toBe(days)
      expect(parseTime(printMicros(time, 'Z'))).toEqual({ micros: time, hasZone: true, isCut: false })
      expect(parseTime(printMicros(time, ''))?.hasZone).toBe(false)
    }),
  )
  expect([printDays(3_672_148), printDays(-735_160)]).toEqual(['+12024-01-01', '-0043-03-15'])
  expect(printMicros(-1n, 'Z')).toBe('1969-12-31T23:59:59.999999Z')
})
