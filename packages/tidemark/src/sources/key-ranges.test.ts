import { expect, test } from 'vitest'
import type { ChunkSlice } from './source.ts'
import { cutKeys, type KeyRange } from './key-ranges.ts'

const cut = async (low: bigint, high: bigint, sizeBytes: bigint): Promise<readonly ChunkSlice[]> =>
  (await cutKeys({ sizeBytes }, { name: 'id' }, { low, high, bytes: 100n })).chunks

/** Parts that meet without a gap and have no end on either side hold every key there can be, once. */
function expectWhole(chunks: readonly ChunkSlice[]): void {
  expect([chunks[0]?.from, chunks.at(-1)?.to]).toEqual([undefined, undefined])
  for (const [n, { from, to }] of chunks.entries()) {
    if (n > 0) expect(from).toBe(chunks[n - 1]?.to)
    if (from !== undefined && to !== undefined) expect(to > from).toBe(true)
  }
}

test.each([
  [0n, 0n, 5000n],
  [1n, 3n, 5000n],
  [-7n, 12n, 1000n],
  [-(2n ** 63n), 2n ** 64n - 1n, 12_345n],
])('stretches from %s to %s meet without a gap and have no end on either side', async (low, high, bytes) => {
  expectWhole(await cut(low, high, bytes))
})

test('there are no more stretches than values, and about as many as the size asks for', async () => {
  expect(await cut(1n, 3n, 5000n)).toHaveLength(3)
  expect(await cut(1n, 1_000_000n, 950n)).toHaveLength(10)
})

const series = (count: number, key: (n: bigint) => bigint): bigint[] =>
  Array.from({ length: count }, (_, n) => key(BigInt(n)))
const EDGE = 2n ** 63n

/** A hundred rows a part, so a hundred parts. */
test.each<[string, bigint[]]>([
  ['one after the other', series(10_000, n => n)],
  ['99 % within 1 % of the range', [...series(9900, n => 500_000n + n), ...series(100, n => n * 10_000n)]],
  ['negative, most of them far below', [...series(9999, n => n - 10_000_000n), -1n]],
  ['a cluster at either edge of 64 bits', [...series(5000, n => -EDGE + n), ...series(5000, n => EDGE - 1n - n)]],
  ['one at each edge, the others together', [-EDGE, EDGE - 1n, ...series(9998, n => 77n + n)]],
  ['with gaps', series(10_000, n => n + (n / 1000n) * 5_000_000_000n)],
  ['ever further apart', series(10_000, n => n * n * n)],
  ['ever closer', series(10_000, n => EDGE / (n + 1n))],
])('keys %s are cut into parts of about the planned size', async (_how, keys) => {
  const sorted = keys.toSorted((a, b) => (a < b ? -1 : 1))
  const countIn = ({ from, to }: { from: bigint | undefined; to: bigint | undefined }): number =>
    sorted.filter(key => (from === undefined || key >= from) && (to === undefined || key < to)).length
  let questions = 0
  const rowsIn = (range: KeyRange): Promise<bigint> => {
    questions += 1
    return Promise.resolve(BigInt(countIn(range)))
  }
  const [low = 0n, high = 0n] = [sorted[0], sorted.at(-1)]
  const { chunks } = await cutKeys({ sizeBytes: 9_999n }, { name: 'id' }, { low, high, bytes: 100n, rowsIn })
  expectWhole(chunks)
  const rows = chunks.map(countIn)
  expect(rows.reduce((sum, one) => sum + one, 0)).toBe(sorted.length)
  expect(Math.max(...rows)).toBeLessThanOrEqual(202)
  expect(chunks.length).toBeLessThanOrEqual(200)
  expect(questions).toBeLessThanOrEqual(5 * 100 + 512)
})

test('a single key with more rows than a part is one part; what cannot be told is left as it is', async () => {
  const all = (range: KeyRange): Promise<bigint> => Promise.resolve(range.from <= 5n && range.to > 5n ? 1_000_000n : 0n)
  const { chunks } = await cutKeys(
    { sizeBytes: 999n },
    { name: 'id' },
    { low: 0n, high: 1_000_000n, bytes: 100n, rowsIn: all },
  )
  expectWhole(chunks)
  expect(chunks.some(({ from = 0n, to = 0n }) => from === 5n && to === 6n)).toBe(true)
})
