/**
 * What a change did, counted, and the same in the words of Spark's `operationMetrics`.
 */

/** Rows are disjoint: each is inserted, updated, deleted or copied, once. */
export interface ChangeCounts {
  inserted: bigint
  updated: bigint
  deleted: bigint
  /** Rows that only moved to another file. */
  copied: bigint
  filesAdded: number
  filesRemoved: number
  /** Files that stay, with more of their rows marked as deleted. */
  filesMarked: number
}

type Metric = keyof ChangeCounts

const MERGE: readonly (readonly [string, Metric])[] = [
  ['numTargetRowsInserted', 'inserted'],
  ['numTargetRowsUpdated', 'updated'],
  ['numTargetRowsDeleted', 'deleted'],
  ['numTargetRowsCopied', 'copied'],
  ['numTargetFilesAdded', 'filesAdded'],
  ['numTargetFilesRemoved', 'filesRemoved'],
  ['numTargetDeletionVectorsAdded', 'filesMarked'],
]

const OTHERS: readonly (readonly [string, Metric])[] = [
  ['numDeletedRows', 'deleted'],
  ['numUpdatedRows', 'updated'],
  ['numCopiedRows', 'copied'],
  ['numAddedFiles', 'filesAdded'],
  ['numRemovedFiles', 'filesRemoved'],
  ['numDeletionVectorsAdded', 'filesMarked'],
]

/** Metrics as text, by Spark's names for the operation. */
export function operationMetrics(operation: string, counts: ChangeCounts): Record<string, string> {
  const names = operation === 'MERGE' ? MERGE : OTHERS
  return Object.fromEntries(names.map(([name, metric]) => [name, String(counts[metric])]))
}
