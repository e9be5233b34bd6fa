/**
 * A row group while it fills: the values of its columns, and how many rows and bytes they were taken from. Its memory is used
 * again for the next.
 */
import type { ColumnValues } from './column-values.ts'
import { type RowGroup, rowGroup } from './segment-layout.ts'

/** The most rows of a group. */
const GROUP_ROWS = 122_880

export class FillingGroup {
  readonly #columns: readonly ColumnValues[]
  #rows = 0
  #bytes = 0
  #longestRow = 0

  constructor(columns: readonly ColumnValues[]) {
    this.#columns = columns
  }

  get isEmpty(): boolean {
    return this.#rows === 0
  }

  /**
   * Count a chunk whose values the columns have.
   *
   * @param bytes that it came in
   * @param longestRow bytes of its longest row
   */
  count(rows: number, bytes: number, longestRow: number): void {
    this.#rows += rows
    this.#bytes += bytes
    this.#longestRow = Math.max(this.#longestRow, longestRow)
  }

  /** True when it is to be written: its chunks had so many bytes, or it has as many rows as a group may have. */
  isFull(groupBytes: number): boolean {
    return !this.isEmpty && (this.#bytes >= groupBytes || this.#rows >= GROUP_ROWS)
  }

  /** All of it, in memory that is used again after `clear`. */
  finish(): RowGroup {
    return rowGroup(this.#columns, this.#longestRow)
  }

  clear(): void {
    for (const values of this.#columns) values.clear()
    this.#rows = 0
    this.#bytes = 0
    this.#longestRow = 0
  }
}
