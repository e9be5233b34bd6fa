/** Rows taken apart, beside what SQLite was given. */
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { INTEGER, Lines, NULL, TEXT } from './lines.ts'

const database = new DatabaseSync(':memory:')
const print = database.prepare('SELECT CAST(json_array(?, ?, ?) AS blob) AS line')
const character = fc.oneof(
  fc.constantFrom('"', '\\', '\0', '\n', '\r', '\t', '\b', '\f', '\u{1}', '\u{1f}', '/', "'", '[', ']', ',', 'é', '😀'),
  fc.string({ minLength: 1, maxLength: 1, unit: 'binary' }),
)
const text = fc.array(character, { maxLength: 30 }).map(all => all.join(''))
const value = fc.oneof(text, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.constant(null))

test('each value is found as it was, whatever characters a text has', () => {
  const lines = new Lines(3)
  fc.assert(
    fc.property(fc.array(fc.tuple(value, value, value), { maxLength: 20 }), rows => {
      const printed = rows.map(row => Buffer.from(print.get(...row)?.['line'] as Uint8Array).toString('latin1'))
      lines.read(Buffer.from(printed.join('\n'), 'latin1'), rows.length)
      expect(valuesOf(lines)).toEqual(rows.flat())
    }),
  )
})

test('a row of several arrays is one row, and its line may have an end', () => {
  const lines = new Lines(4)
  lines.read(Buffer.from('[1,"a"][null,2.5]\n[-3,""][7,9.0e+999]\n'), 2)
  expect(valuesOf(lines)).toEqual([1n, 'a', null, 2.5, -3n, '', 7n, Number.POSITIVE_INFINITY])
})

test.each([
  ['no array', '7', 1],
  ['fewer values', '[1]', 1],
  ['more values', '[1,2,3]', 1],
  ['fewer rows than were counted', '[1,2]', 2],
  ['more rows than were counted', '[1,2]\n[3,4]', 1],
  ['an open text', '[1,"a', 1],
  ['an open text with a backslash', '[1,"a\\"', 1],
  ['something behind a row', '[1,2]x', 1],
])('%s end the reading', (_what, line, rows) => {
  expect(() => new Lines(2).read(Buffer.from(line), rows)).toThrow('this is a bug in tidemark')
})

function valuesOf({ bytes, starts, ends, kinds, rows, width }: Lines): unknown[] {
  return Array.from({ length: rows * width }, (_, i) => {
    const found = Buffer.from(bytes.subarray(starts[i], ends[i])).toString()
    if (kinds[i] === NULL) return null
    if (kinds[i] === INTEGER) return BigInt(found)
    return kinds[i] === TEXT ? found : Number(found.replace('9.0e+999', 'Infinity'))
  })
}
