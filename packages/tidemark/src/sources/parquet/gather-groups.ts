/**
 * Row groups from a stream of chunks: rows are gathered until there are enough of them, whatever they are made of. Memory is that
 * of one group, because the next is begun when the last was written.
 */
import { MAX_ROW_BYTES } from '../row-limit.ts'
import type { CopyChunk } from '../segments.ts'
import type { FillingGroup } from './filling-group.ts'
import { type RowGroup, tooLongGroup } from './segment-layout.ts'

/** Rows on their way into a group. */
export interface GatheredRows {
  readonly group: FillingGroup
  take(chunk: CopyChunk): void
}

/**
 * The groups. A row that is too long to be carried is passed on as a group without rows.
 *
 * @param groupBytes a group is complete when its chunks hold this much
 * @returns the number of rows that the server counted
 */
export async function* gatherGroups(
  chunks: AsyncGenerator<CopyChunk, bigint, undefined>,
  rows: GatheredRows,
  groupBytes: number,
): AsyncGenerator<RowGroup, bigint, undefined> {
  try {
    for (;;) {
      const { value, done } = await chunks.next()
      if (done) {
        if (!rows.group.isEmpty) yield rows.group.finish()
        return value
      }
      if (value.longestRow > MAX_ROW_BYTES) yield tooLongGroup(value.longestRow)
      rows.take(value)
      value.release?.()
      if (rows.group.isFull(groupBytes)) {
        yield rows.group.finish()
        rows.group.clear()
      }
    }
  } finally {
    await chunks.return(0n)
  }
}
