/**
 * From a file the log names to one that a commit may name again: with another deletion vector, or back in the table.
 */
import { findRowCount } from '../stats/stats-text.ts'
import { type AddFile, type DataFile, NO_STATS } from '../log/actions.ts'

/** The file as it is. Its rows are counted by its statistics; 0 when they do not tell. */
export function dataFileOf(file: AddFile): DataFile {
  const { stats = NO_STATS, partitionValues } = file
  return { ...file, partitionValues: { ...partitionValues }, stats, numRecords: findRowCount(stats) ?? 0n }
}
