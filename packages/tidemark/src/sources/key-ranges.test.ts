import { expect, test } from 'vitest'
import type { ChunkSlice } from './source.ts'
import { cutKeys } from './key-ranges.ts'

const cut = (low: bigint, high: bigint, sizeBytes: bigint): readonly ChunkSlice[] =>
  cutKeys({ sizeBytes }, { name: 'id' }, { low, high, bytes: 100n }).chunks

test.each([
  [0n, 0n, 5000n],
  [1n, 3n, 5000n],
  [-7n, 12n, 1000n],
  [-(2n ** 63n), 2n ** 64n - 1n, 12_345n],
])('stretches from %s to %s meet without a gap and have no end on either side', (low, high, bytes) => {
  const chunks = cut(low, high, bytes)
  expect([chunks[0]?.from, chunks.at(-1)?.to]).toEqual([undefined, undefined])
  for (const [n, { from, to }] of chunks.entries()) {
    if (n > 0) expect(from).toBe(chunks[n - 1]?.to)
    if (from !== undefined && to !== undefined) expect(to > from).toBe(true)
  }
})

test('there are no more stretches than values, and about as many as the size asks for', () => {
  expect(cut(1n, 3n, 5000n)).toHaveLength(3)
  expect(cut(1n, 1_000_000n, 950n)).toHaveLength(10)
})
