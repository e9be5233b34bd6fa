/**
 * COPY's binary form as row groups of Parquet. Each chunk is gone through twice: row by row for where values begin, then
 * column by column. Whatever is not as the form says ends the reading; nothing is guessed.
 */
import { ColumnValues } from '../parquet/column-values.ts'
import { FillingGroup } from '../parquet/filling-group.ts'
import { gatherGroups, type GatheredRows } from '../parquet/gather-groups.ts'
import type { ParquetColumn, RowGroup } from '../parquet/segment-layout.ts'
import type { CopyChunk } from '../segments.ts'
import { NULL_PLACE, type TakeValues } from './take-values.ts'
import { type Wire, wireForm } from './wire.ts'

/** A group is written when its chunks hold this much. */
export const GROUP_BYTES: number = 8 * 1024 * 1024
/** Places of values that are looked up before they are taken: as many as fit into a processor's near memory. */
const PLACES = 65_536
const SIGNATURE = Buffer.from('PGCOPY\n\u{ff}\r\n\0', 'latin1')
/** Signature, flags, and length of what else stands in the head. */
const HEAD_BYTES = SIGNATURE.length + 8

/** One column of the stream. */
export interface BinaryColumn {
  wire: Wire
  /** What is thrown for values that the column cannot hold. */
  unfit: (count: number) => Error
}

/** The columns as the files have them. */
export function parquetColumns(columns: readonly BinaryColumn[], name: (index: number) => string): ParquetColumn[] {
  return columns.map(({ wire }, n) => ({ name: name(n), type: wireForm(wire).type }))
}

/**
 * Row groups of a stream of chunks.
 *
 * @returns the number of rows that the server counted
 */
export function rowGroups(
  chunks: AsyncGenerator<CopyChunk, bigint, undefined>,
  columns: readonly BinaryColumn[],
  groupBytes: number,
): AsyncGenerator<RowGroup, bigint, undefined> {
  return gatherGroups(chunks, new BinaryRows(columns), groupBytes)
}

interface TakenColumn extends BinaryColumn {
  bytes: number
  take: TakeValues
  values: ColumnValues
}

class BinaryRows implements GatheredRows {
  readonly group: FillingGroup
  readonly #columns: readonly TakenColumn[]
  /** Rows whose places are known at once. */
  readonly #batch: number
  /** For each column, where the values of a batch begin. */
  readonly #places: Int32Array
  /** Length of every value of a column; 0 where they differ. */
  readonly #lengths: Int32Array
  #hasBegun = false
  #hasEnded = false

  constructor(columns: readonly BinaryColumn[]) {
    this.#columns = columns.map(column => ({ ...column, ...wireForm(column.wire), values: new ColumnValues() }))
    this.group = new FillingGroup(this.#columns.map(({ values }) => values))
    this.#batch = Math.max(1, Math.min(4096, Math.floor(PLACES / columns.length)))
    this.#places = new Int32Array(this.#batch * columns.length)
    this.#lengths = Int32Array.from(this.#columns, ({ bytes }) => bytes)
  }

  take({ bytes, longestRow }: CopyChunk): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    let at = this.#hasBegun ? 0 : this.#begin(bytes)
    let rows = 0
    while (at < bytes.length) {
      const found = this.#find(view, at)
      this.#takeColumns(view, found.rows)
      at = found.at
      rows += found.rows
    }
    this.group.count(rows, bytes.length, longestRow)
  }

  #begin(bytes: Buffer): number {
    const isKnown = bytes.length >= HEAD_BYTES && bytes.subarray(0, SIGNATURE.length).equals(SIGNATURE)
    // Flags that change the form are in the upper half.
    if (!isKnown || bytes.readUInt16BE(SIGNATURE.length) !== 0) throw malformed('does not begin as it should')
    this.#hasBegun = true
    return HEAD_BYTES + bytes.readUInt32BE(SIGNATURE.length + 4)
  }

  /** Find the values of a batch of rows. */
  #find(view: DataView, start: number): { rows: number; at: number } {
    const [places, lengths, batch] = [this.#places, this.#lengths, this.#batch]
    const width = lengths.length
    const end = view.byteLength
    let at = start
    let rows = 0
    for (; at < end && rows < batch; rows++) {
      const count = view.getInt16(at)
      at += 2
      if (count !== width || this.#hasEnded) {
        if (count !== -1 || at !== end) throw malformed(`has a row of ${count} values in place of ${width}`)
        this.#hasEnded = true
        break
      }
      for (let n = 0, place = rows; n < width; n++, place += batch) {
        const length = view.getInt32(at)
        at += 4
        if (length < 0) places[place] = NULL_PLACE
        else {
          const fixed = lengths[n] ?? 0
          if (fixed !== 0 && length !== fixed) throw malformed(`has ${length} bytes for a value of ${fixed}`)
          places[place] = at
          at += length
        }
      }
    }
    if (at > end) throw malformed('breaks off in a row')
    return { rows, at }
  }

  #takeColumns(view: DataView, rows: number): void {
    this.#columns.forEach(({ take, values, unfit }, n) => {
      const start = n * this.#batch
      const count = take(view, this.#places.subarray(start, start + rows), values)
      if (count > 0) throw unfit(count)
      values.rows += rows
    })
  }
}

function malformed(what: string): TypeError {
  return new TypeError(`this is a bug in tidemark: COPY's binary form ${what}`)
}
