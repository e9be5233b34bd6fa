import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isoInstant } from './instant.ts'

test('an instant is printed as every calendar library prints it', () => {
  const last = Date.UTC(9999, 11, 31, 23, 59, 59, 999)
  fc.assert(
    fc.property(fc.integer({ min: 0, max: last }), ms => {
      expect(isoInstant(ms)).toBe(new Date(ms).toISOString())
    }),
  )
  for (const ms of [0, last, Date.UTC(2000, 1, 29), Date.UTC(2024, 1, 29, 23, 59), Date.UTC(2100, 2, 1) - 1]) {
    expect(isoInstant(ms)).toBe(new Date(ms).toISOString())
  }
})

test.each([-1, Number.NaN, Number.POSITIVE_INFINITY, Date.UTC(9999, 11, 31) + 86_400_000])('%s is no instant', ms => {
  expect(() => isoInstant(ms)).toThrow(RangeError)
})
