import type { DataFile } from '@tidemark/delta'
import { expect, test } from 'vitest'
import type { SourceColumn } from '../sources/source.ts'
import { oneForOne } from './lake-columns.ts'
import { leftToCount } from './left-to-count.ts'

const column = { name: 'n', deltaType: 'decimal(10,2)' } as SourceColumn
const file = (stats: object): DataFile =>
  ({ stats: JSON.stringify({ numRecords: 9, ...stats }), numRecords: 9n }) as DataFile
const between = (min: number, max: number): DataFile =>
  file({ minValues: { n: min }, maxValues: { n: max }, nullCount: { n: 0 } })
const isLeft = (files: readonly DataFile[], asZero = true, lake = oneForOne([column])): boolean =>
  leftToCount([{ column, asZero }], files, lake).length > 0

test.each([
  ['all above 0', [between(0.01, 5), between(1, 2)], false],
  ['all below 0', [between(-3, -0.01)], false],
  ['NULL alone', [file({ minValues: {}, maxValues: {}, nullCount: { n: 9 } })], false],
  ['no file', [], false],
  ['a 0 at the lower end', [between(1, 2), between(0, 5)], true],
  ['a 0 at the upper end', [between(-5, 0)], true],
  ['0 in between', [between(-5, 5)], true],
  ['no bounds', [file({})], true],
  ['no statistics', [{ numRecords: 9n } as DataFile], true],
])('whether a value that would arrive as 0 is to be counted is told by the bounds: %s', (_, files, expected) => {
  expect(isLeft(files)).toBe(expected)
})

test('bounds say nothing of values that arrive otherwise, or are carried as another type', () => {
  expect(isLeft([between(1, 2)], false)).toBe(true)
  expect(isLeft([between(1, 2)], true, oneForOne([{ ...column, deltaType: 'string' }]))).toBe(true)
})
