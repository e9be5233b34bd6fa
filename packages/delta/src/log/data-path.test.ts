import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalDataPath, encodeDataPath } from './data-path.ts'

test('a relative path survives encoding and decoding, whatever its characters', () => {
  const segment = fc
    .string({ unit: 'grapheme', minLength: 1 })
    .filter(s => s.isWellFormed() && !/^\.\.?$|[/\0]/.test(s))
  fc.assert(
    fc.property(fc.array(segment, { minLength: 1, maxLength: 4 }), segments => {
      const path = segments.join('/')
      expect(canonicalDataPath(encodeDataPath(path))).toBe(path)
    }),
  )
})

test('the spellings of one absolute path are one key', () => {
  for (const spelling of ['/lake/t/a%20b', 'file:/lake/t/a%20b', 'file:///lake/t/a%20b', 'FILE:/lake/t/a%20b']) {
    expect(canonicalDataPath(spelling)).toBe('/lake/t/a b')
  }
})

test('a folder that DuckDB named with an encoded space is encoded on top of that', () => {
  expect(encodeDataPath('s=a%20b/part-0')).toBe('s=a%2520b/part-0')
  expect(canonicalDataPath('s=a%2520b/part-0')).toBe('s=a%20b/part-0')
})

test('a relative path stays relative, and other schemes stay as they are', () => {
  expect(canonicalDataPath('./part-0')).toBe('part-0')
  expect(canonicalDataPath('s3://bucket/t/part-0')).toBe('s3://bucket/t/part-0')
})

test.each(['../other/part-0', 'a/../../part-0', 'a/%2E%2E/part-0', 'broken%2'])('%s is refused', spelling => {
  expect(() => canonicalDataPath(spelling)).toThrow(expect.objectContaining({ code: 'PATH_INVALID' }))
})
