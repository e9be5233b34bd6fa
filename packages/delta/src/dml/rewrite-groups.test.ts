import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { AddFile } from '../log/actions.ts'
import { groupForRewrite } from './rewrite-groups.ts'

const MIB = 1024n * 1024n

const file = (path: string, size: bigint): AddFile => ({
  path,
  uri: path,
  partitionValues: {},
  size,
  modificationTime: 0,
  dataChange: true,
})

test('every file is in exactly one group, in its order', () => {
  const sizes = fc.array(fc.bigInt(0n, 200n * MIB), { maxLength: 40 })
  fc.assert(
    fc.property(sizes, list => {
      const files = list.map((size, i) => file(String(i), size))
      const groups = groupForRewrite(files)
      expect(groups.flat().toSorted((a, b) => Number(a.path) - Number(b.path))).toEqual(files)
      expect(groups.every(group => group.length > 0)).toBe(true)
    }),
  )
})

test('a file of some size is rewritten alone, so that its range of keys stays its own', () => {
  const groups = groupForRewrite([file('a', 8n * MIB), file('b', 1n), file('c', 9n * MIB), file('d', 2n)])
  expect(groups.map(group => group.map(f => f.path))).toEqual([['a'], ['b', 'd'], ['c']])
})

test('small files are put together only up to a size that memory and readers bear', () => {
  const groups = groupForRewrite(Array.from({ length: 40 }, (_, i) => file(String(i), 7n * MIB)))
  expect(groups.map(group => group.length)).toEqual([9, 9, 9, 9, 4])
})
