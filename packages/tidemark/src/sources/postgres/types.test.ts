import fc from 'fast-check'
import { expect, test } from 'vitest'
import { carryType, postgresTypes } from './types.ts'

/** As numeric's input function packs it: precision above, an 11-bit scale below, four bytes of header. */
function numericModifier(precision: number, scale: number): number {
  return ((precision << 16) | (scale & 0x7ff)) + 4
}

test('a numeric type is carried in as many digits as its values can have, or as text', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: -1000, max: 1000 }), (precision, scale) => {
      const carried = carryType({ name: 'numeric', modifier: numericModifier(precision, scale), isArray: false }, 'UTC')
      const before = Math.max(precision - scale, 0)
      const after = Math.max(scale, 0)
      const digits = Math.max(before + after, 1)
      expect(carried.deltaType).toBe(digits > 38 ? 'string' : `decimal(${digits},${after})`)
    }),
  )
})

test('an array of any type is an array first', () => {
  const carried = carryType({ name: '_numeric', modifier: numericModifier(10, 2), isArray: true }, 'UTC')
  expect([carried.deltaType, carried.note]).toEqual(['string', 'array, carried as JSON text'])
})

test('a type nobody has heard of is text, and says so', () => {
  expect(carryType({ name: 'geometry', modifier: -1, isArray: false }, 'UTC')).toMatchObject({
    deltaType: 'string',
    note: "geometry, carried as the server's text",
    unfit: undefined,
  })
})

test('every rule can be printed, and no name is claimed twice', () => {
  const names = postgresTypes.flatMap(rule => rule.names)
  expect(new Set(names).size).toBe(names.length)
  for (const rule of postgresTypes) expect(rule.postgres && rule.lake).toBeTruthy()
})
