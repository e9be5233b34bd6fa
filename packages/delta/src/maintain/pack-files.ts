/**
 * Which files OPTIMIZE puts together: small ones of one partition, in the order they came, and files that carry many
 * deleted rows.
 */
import type { AddFile } from '../log/actions.ts'
import { findRowCount } from '../stats/stats-text.ts'

/** A file this large beside its target is left alone: rewriting it would gain nothing. */
const LARGE_SHARE = 0.75
/** With more of its rows deleted than this, a file is rewritten by itself. */
const DELETED_SHARE = 0.05

/**
 * Groups of files to rewrite, each into about one file of the target size; a file that gains nothing is in none. The
 * order of the files is kept, because files of one time often hold neighbouring keys.
 *
 * @param targetBytes a positive size
 */
export function packFiles(files: Iterable<AddFile>, targetBytes: bigint): AddFile[][] {
  const open = new Map<string, { files: AddFile[]; bytes: bigint }>()
  const groups: AddFile[][] = []
  for (const file of files) {
    const isWorn = deletedShare(file) > DELETED_SHARE
    if (!isWorn && Number(file.size) >= Number(targetBytes) * LARGE_SHARE) continue
    const partition = partitionOf(file)
    let bin = open.get(partition)
    if (bin === undefined || bin.bytes + file.size > targetBytes) {
      bin = { files: [], bytes: 0n }
      open.set(partition, bin)
      groups.push(bin.files)
    }
    bin.files.push(file)
    bin.bytes += file.size
  }
  return groups.filter(group => group.length > 1 || group.some(file => deletedShare(file) > DELETED_SHARE))
}

/** One text for each partition, whatever the order of the columns in the log. */
export function partitionOf({ partitionValues }: AddFile): string {
  const values = Object.entries(partitionValues).map(entry => JSON.stringify(entry))
  return values.toSorted().join()
}

function deletedShare({ deletionVector, stats }: AddFile): number {
  if (deletionVector === undefined) return 0
  const rowCount = findRowCount(stats)
  return rowCount === undefined || rowCount === 0n ? 1 : Number(deletionVector.cardinality) / Number(rowCount)
}
