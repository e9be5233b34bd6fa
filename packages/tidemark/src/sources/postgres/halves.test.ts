/** Halves of tables and partitions: each block in one of them, about as many in both. */
import { expect, test } from 'vitest'
import type { Piece } from './chunks.ts'
import { halve } from './halves.ts'

const piece = (blocks: bigint, table?: string): Piece => ({
  storage: '1:1',
  blocks,
  blockBytes: 8192n,
  ...(table === undefined ? {} : { partition: { schema: 'public', table } }),
})

/** `a[0-3)` for blocks 0 to 2 of partition a; without an end where it has none. */
const printed = (...pieces: Piece[]): string[] | undefined =>
  halve(pieces)?.map(half =>
    half.map(({ from, to, partition }) => `${partition?.table ?? ''}[${from}-${to ?? ''})`).join(' '),
  )

test('a table is cut in the middle, and the last stretch has no end', () => {
  expect(printed(piece(10n))).toEqual(['[0-5)', '[5-)'])
  expect(printed(piece(11n))).toEqual(['[0-6)', '[6-)'])
  expect(printed(piece(2n))).toEqual(['[0-1)', '[1-)'])
})

test('partitions stay whole but for the one in the middle', () => {
  expect(printed(piece(4n, 'a'), piece(10n, 'b'), piece(2n, 'c'))).toEqual(['a[0-) b[0-4)', 'b[4-) c[0-)'])
  expect(printed(piece(3n, 'a'), piece(3n, 'b'))).toEqual(['a[0-)', 'b[0-)'])
  expect(printed(piece(0n, 'a'), piece(3n, 'b'), piece(0n, 'c'), piece(3n, 'd'))).toEqual(['b[0-)', 'd[0-)'])
})

test('what has no block for each half is not cut', () => {
  expect(printed(piece(0n))).toBeUndefined()
  expect(printed(piece(1n))).toBeUndefined()
  expect(printed(piece(0n, 'a'), piece(1n, 'b'))).toBeUndefined()
})
