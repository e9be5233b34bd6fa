import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { findTableName, parseTablePath, splitTableName, tableName, tablePath } from './names.ts'

describe('tablePath', () => {
  test('is the name itself for ordinary names', () => {
    expect(tablePath('bronze.DimUser')).toBe('bronze/DimUser')
  })

  test('encodes every byte outside the safe set, dots of the table part included', () => {
    expect(tablePath("silver.år 1/2's.x")).toBe('silver/%C3%A5r%201%2F2%27s%2Ex')
  })

  test.each(['silver..', 'silver...', 'silver.CON', 'silver.', '.x', 'x', `silver.${'å'.repeat(40)}`])(
    'refuses %s',
    name => {
      expect(() => tablePath(name)).toThrow(expect.objectContaining({ code: 'TABLE_NAME_INVALID' }))
    },
  )

  test('is undone by parseTablePath, so different names never share a folder', () => {
    const part = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(part, table => {
        // A byte takes at most three characters, and more than 200 of them are refused.
        fc.pre(Buffer.byteLength(table) * 3 <= 200)
        fc.pre(!/^(\.{1,2}|con|prn|aux|nul|com\d|lpt\d)$/i.test(table))
        const name = tableName('silver', table)
        expect(parseTablePath(tablePath(name))).toBe(name)
        expect(tablePath(name)).toMatch(/^[a-z]+\/[A-Za-z0-9_=%-]+$/)
      }),
    )
  })
})

test('splitTableName splits at the first dot', () => {
  expect(splitTableName('gold.a.b')).toEqual({ schema: 'gold', table: 'a.b' })
})

describe('findTableName', () => {
  test('prefers the exact spelling and else takes the only one that differs by case', () => {
    expect(findTableName(['silver.A', 'silver.a'], 'silver.a')).toBe('silver.a')
    expect(findTableName(['silver.DimUser'], 'SILVER.dimuser')).toBe('silver.DimUser')
  })

  test('gives nothing when several differ by case alone', () => {
    expect(findTableName(['silver.A', 'silver.a'], 'Silver.A')).toBeUndefined()
  })
})
