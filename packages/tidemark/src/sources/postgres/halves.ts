/**
 * Cutting a table into two halves of about as many blocks, for two reads side by side in one snapshot: together they hold each
 * of its rows once.
 */
import type { ChunkSlice, SourceTable } from '../source.ts'
import { findPieces, type Piece } from './chunks.ts'
import type { PostgresSession } from './session.ts'

/** Stretches of storage, read as one. */
export type Half = readonly [ChunkSlice, ...ChunkSlice[]]

/** The halves of a table; undefined where it cannot be cut. */
export async function cutIntoHalves(
  session: PostgresSession,
  table: SourceTable,
  signal: AbortSignal,
): Promise<readonly [Half, Half] | undefined> {
  const pieces = await findPieces(session, table, signal)
  return pieces && halve(pieces)
}

/** The halves of a table's pieces, in their order; undefined where there is not a block for each. */
export function halve(pieces: readonly Piece[]): readonly [Half, Half] | undefined {
  const middle = (pieces.reduce((sum, { blocks }) => sum + blocks, 0n) + 1n) / 2n
  const [before, behind]: [ChunkSlice[], ChunkSlice[]] = [[], []]
  let passed = 0n
  for (const { blocks, partition } of pieces) {
    const cut = smaller(middle - passed, blocks)
    const of = { kind: 'chunk' as const, ...(partition === undefined ? {} : { partition }) }
    // The last stretch of each has no end: a block may be added at any time, and none of its rows is of this snapshot.
    if (cut > 0n) before.push({ ...of, from: 0n, to: cut < blocks ? cut : undefined })
    if (cut < blocks) behind.push({ ...of, from: cut, to: undefined })
    passed += cut
  }
  return isHalf(before) && isHalf(behind) ? [before, behind] : undefined
}

const isHalf = (stretches: readonly ChunkSlice[]): stretches is Half => stretches.length > 0
const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b)
