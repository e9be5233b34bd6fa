import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { AddFile } from '../log/actions.ts'
import { packFiles } from './pack-files.ts'

const file = (path: string, size: number, more: Partial<AddFile> = {}): AddFile => ({
  path,
  uri: path,
  partitionValues: {},
  size: BigInt(size),
  modificationTime: 0,
  dataChange: true,
  stats: '{"numRecords":100}',
  ...more,
})
const deleting = (count: bigint): Partial<AddFile> => ({
  deletionVector: { storageType: 'i', pathOrInlineDv: 'x', sizeInBytes: 1, cardinality: count },
})
const paths = (groups: readonly (readonly AddFile[])[]): string[][] => groups.map(group => group.map(f => f.path))

test('no file is in two groups, no group holds two partitions or grows over the target, and each is worth its work', () => {
  const any = fc.record({
    size: fc.integer({ min: 1, max: 300 }),
    p: fc.option(fc.constantFrom('a', 'b')),
    deleted: fc.option(fc.bigInt(1n, 100n)),
  })
  fc.assert(
    fc.property(fc.array(any, { maxLength: 40 }), list => {
      const files = list.map(({ size, p, deleted }, i) =>
        file(String(i), size, { partitionValues: { p }, ...(deleted === null ? {} : deleting(deleted)) }),
      )
      const groups = packFiles(files, 200n)
      const packed = groups.flat()
      expect(new Set(packed).size).toBe(packed.length)
      for (const group of groups) {
        expect(new Set(group.map(f => f.partitionValues['p'])).size).toBe(1)
        const bytes = group.reduce((sum, f) => sum + f.size, 0n)
        expect(group.length === 1 || bytes <= 200n).toBe(true)
        expect(group.length > 1 || group[0]?.deletionVector !== undefined).toBe(true)
      }
    }),
  )
})

test('small files are put together in their order, and large ones stay', () => {
  const groups = packFiles([file('a', 60), file('large', 160), file('b', 60), file('c', 90), file('d', 90)], 200n)
  expect(paths(groups)).toEqual([
    ['a', 'b'],
    ['c', 'd'],
  ])
})

test('a file with many deleted rows is rewritten even alone, one with few is not', () => {
  const worn = file('worn', 190, deleting(6n))
  expect(paths(packFiles([worn, file('fresh', 190, deleting(5n)), file('alone', 20)], 200n))).toEqual([['worn']])
})
