/**
 * A list that the server keeps of the keys that changed, from a position on. It only says where to look: the rows are
 * read in the snapshot. Positions are of one server and compared with each other alone.
 */
import type { CopyRequest, Segment, SourceTable } from './source.ts'

export interface ChangeLog {
  /** For people: `slot tidemark_shop`. */
  readonly name: string
  /** Where the list began before the snapshot was taken; undefined with the reason when it cannot be used at all. */
  readonly begins: { at: bigint } | { missing: string }
  /** Bytes of log that the server holds back for it. */
  readonly heldBytes: bigint
  /**
   * What proves, when it is the same twice, that every change of the table's rows in between was listed; or why that
   * cannot be said of this table.
   */
  coverage(table: SourceTable): { proof: string } | { missing: string }
  /** The list up to the snapshot, or why it cannot be read; read once, however often it is asked for. */
  read(signal: AbortSignal): Promise<LogReading | { missing: string }>
  /** The given keys as `copyKeys` would write them, whether or not a row has them. */
  copyGivenKeys(request: Omit<CopyRequest, 'slice'>, keys: readonly (readonly string[])[]): AsyncIterable<Segment>
  /** Let the server forget what lies before a position. Nothing happens when it has forgotten that already. */
  release(position: bigint, signal: AbortSignal): Promise<void>
}

export interface LogReading {
  /** Every listed change before it is in the snapshot: where the next reading has to begin. */
  through: bigint
  /** Above every transaction that had begun to write when the snapshot was taken, whether or not it has ended since. */
  nextTransaction: bigint
  /**
   * Keys of rows that were written or deleted, each once, a text for each column of the primary key; or why they are not
   * all known. Keys changed after the snapshot may be among them.
   */
  changedKeys(table: SourceTable): { keys: readonly (readonly string[])[] } | { missing: string }
}
