import { expect, test } from 'vitest'
import type { DeletionVectorDescriptor } from './actions.ts'
import { deletionVectorId, fileKey, isSameFile } from './file-key.ts'

const vector: DeletionVectorDescriptor = { storageType: 'u', pathOrInlineDv: 'ab', sizeInBytes: 1, cardinality: 1n }

test('a deletion vector is known by its storage, its path and its offset', () => {
  expect(deletionVectorId(undefined)).toBeUndefined()
  expect(deletionVectorId(vector)).toBe('uab')
  expect(deletionVectorId({ ...vector, offset: 1 })).toBe('uab@1')
})

test('a file without a deletion vector is known by its path alone', () => {
  expect(fileKey({ path: 'p' })).toBe('p')
})

test('the same path with another deletion vector is another file', () => {
  const files = [{ path: 'p' }, { path: 'p', deletionVector: vector }, { path: 'q', deletionVector: vector }]
  for (const [i, a] of files.entries()) {
    for (const [j, b] of files.entries()) {
      expect(isSameFile(a, b)).toBe(i === j)
      expect(fileKey(a) === fileKey(b)).toBe(i === j)
    }
  }
})
