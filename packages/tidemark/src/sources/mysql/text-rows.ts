/**
 * Rows of a text result as row groups of Parquet. Each chunk is gone through twice: row by row for where values begin and end,
 * then column by column. Whatever is not as the protocol says ends the reading; nothing is guessed.
 */
import { SOURCE_ROW_TOO_LONG } from '../../errors/source-table.ts'
import { ColumnValues } from '../parquet/column-values.ts'
import { FillingGroup } from '../parquet/filling-group.ts'
import type { GatheredRows } from '../parquet/gather-groups.ts'
import { MAX_ROW_BYTES } from '../row-limit.ts'
import type { CopyChunk } from '../segments.ts'
import { findValues, PART, type Part, type ValuePlan } from './find-values.ts'
import type { Places } from './places.ts'
import { type TextForm, takeTexts } from './text-form.ts'

/**
 * A group is written when its chunks hold this much. In a file it is twice as long, and what a reader takes at once: larger ones
 * stay in no processor's memory, and cost more of it and of time.
 */
export const GROUP_BYTES: number = 2 * 1024 * 1024
/** Places of values that are looked up before they are taken: as many as fit into a processor's near memory. */
const PLACES = 16_384

/** One column of the result behind its first. */
export interface TextColumn {
  form: TextForm
  /** True where the engine hashes what it makes of the value. */
  masked: boolean
  /** What is thrown for values that the column cannot hold. */
  unfit: (count: number) => Error
}

export interface TextRowsOptions {
  source: string
  /** For messages. */
  table: string
  /** True when rows have a version, false for keys. */
  isVersioned: boolean
}

interface TakenColumn extends TextColumn {
  values: ColumnValues
}

/** Gathers rows whose first value is a constant; in its place stands how long a row is that is too long. */
export class TextRows implements GatheredRows {
  readonly group: FillingGroup
  readonly #options: TextRowsOptions
  readonly #columns: readonly TakenColumn[]
  /** For each value of a row, the first among them, where those of a batch of rows begin and end. */
  readonly #places: Places
  readonly #plan: ValuePlan

  constructor(columns: readonly TextColumn[], options: TextRowsOptions) {
    this.#options = options
    this.#columns = columns.map(column => ({ ...column, values: new ColumnValues() }))
    const width = columns.length + 1
    const batch = Math.max(1, Math.min(4096, Math.floor(PLACES / width)))
    this.#places = { starts: new Int32Array(batch * width), ends: new Int32Array(batch * width) }
    const parts = [PART.none, ...columns.map(column => (options.isVersioned ? partOf(column) : PART.none))]
    const texts = options.isVersioned ? 1 + columns.filter(({ masked }) => masked).length : 0
    this.#plan = { parts, texts: Array.from({ length: texts }, () => new ColumnValues()), batch }
    this.group = new FillingGroup([...this.#columns.map(({ values }) => values), ...this.#plan.texts])
  }

  take({ bytes, longestRow }: CopyChunk): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    let rows = 0
    for (let at = 0; at < bytes.length; ) {
      const found = findValues({ view, at }, this.#places, this.#plan)
      this.#judgeLengths(view, found.rows)
      if (found.longestText > MAX_ROW_BYTES) throw this.#tooLong(found.longestText)
      this.#takeColumns(view, found.rows)
      rows += found.rows
      at = found.at
    }
    this.group.count(rows, bytes.length, longestRow)
  }

  /** The first value is one digit, but for a row that is too long. */
  #judgeLengths(view: DataView, rows: number): void {
    for (let i = 0; i < rows; i++) {
      const start = this.#places.starts[i] ?? 0
      const end = this.#places.ends[i] ?? 0
      if (end - start !== 1) throw this.#tooLong(lengthIn(view, start, end))
    }
  }

  #takeColumns(view: DataView, rows: number): void {
    const { starts, ends } = this.#places
    this.#columns.forEach(({ form, unfit, values }, n) => {
      const start = (n + 1) * this.#plan.batch
      const places = { starts: starts.subarray(start, start + rows), ends: ends.subarray(start, start + rows) }
      const count = takeTexts(form, view, places, values)
      if (count > 0) throw unfit(count)
      values.rows += rows
    })
  }

  #tooLong(bytes: number): Error {
    const { source, table } = this.#options
    return SOURCE_ROW_TOO_LONG({ source, table, bytes, limit: MAX_ROW_BYTES })
  }
}

function partOf({ form, masked }: TextColumn): Part {
  if (masked) return PART.end
  return form === 'bytes' || form === 'hex' ? PART.hex : PART.text
}

/** The number that stands in place of the constant. */
function lengthIn(view: DataView, start: number, end: number): number {
  return Number(Buffer.from(view.buffer, view.byteOffset + start, end - start).toString('latin1'))
}
