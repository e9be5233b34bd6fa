/**
 * What happens to each file with a hit: removed as a whole, its rows marked in a deletion vector, or rewritten.
 */
import type { FileHits } from '../engine/relations.ts'
import type { AddFile } from '../log/actions.ts'
import { isActive } from '../snapshot/protocol.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import { findRowCount } from '../stats/stats-text.ts'

/**
 * Up to this share of a file's rows are marked rather than rewritten. A marked row costs every reader until the file is
 * compacted, a rewritten one costs the writer once.
 */
const MARKED_SHARE = 0.2

export interface HitFiles {
  /** Every row goes: nothing is left to write. */
  readonly emptied: readonly AddFile[]
  /** Stays with a larger deletion vector; updated rows are written elsewhere. */
  readonly marked: readonly AddFile[]
  readonly rewritten: readonly AddFile[]
}

/** Decide for the files of the snapshot, in its order. A file without a row count is rewritten. */
export function splitHits(snapshot: Snapshot, hits: readonly FileHits[]): HitFiles {
  const hitOf = new Map(hits.map(hit => [hit.path, hit]))
  const mayMark = isActive('deletionVectors', snapshot)
  const result: Record<keyof HitFiles, AddFile[]> = { emptied: [], marked: [], rewritten: [] }
  for (const file of snapshot.files.values()) {
    const hit = hitOf.get(file.path)
    if (hit !== undefined) result[fateOf(file, hit, mayMark)].push(file)
  }
  return result
}

function fateOf(file: AddFile, { updateCount, deleteCount }: FileHits, mayMark: boolean): keyof HitFiles {
  const rowCount = findRowCount(file.stats)
  if (rowCount === undefined) return 'rewritten'
  const gone = file.deletionVector?.cardinality ?? 0n
  if (updateCount === 0n && deleteCount === rowCount - gone) return 'emptied'
  const marked = Number(gone + updateCount + deleteCount)
  return mayMark && marked <= Number(rowCount) * MARKED_SHARE ? 'marked' : 'rewritten'
}
