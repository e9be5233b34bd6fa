/**
 * Lines of JSON as row groups of Parquet: the columns, and beside rows the texts whose hash is their version, in
 * which each value is as SQLite prints it.
 */
import { ColumnValues } from '../parquet/column-values.ts'
import { FillingGroup } from '../parquet/filling-group.ts'
import { hashedColumns, keyColumns, versionTexts } from '../parquet/hashed-rows.ts'
import type { ParquetColumn } from '../parquet/segment-layout.ts'
import type { SourceColumn } from '../source.ts'
import { sqliteColumn } from './column.ts'
import type { Lines } from './lines.ts'
import { takeColumn } from './take-values.ts'
import { takeVersionText } from './version-text.ts'
import { parquetType, type ValueForm } from './value-form.ts'

/** A group is written when its lines hold this much, or as many rows as groups have at most. */
export const GROUP_BYTES: number = 4 * 1024 * 1024

interface VersionText {
  values: ColumnValues
  /** The first of its columns. */
  from: number
  /** The first behind them: a masked one, whose value is hashed where it is masked. */
  to: number
}

function versionTextsOf(columns: readonly SourceColumn[]): VersionText[] {
  const borders = columns.flatMap((column, n) => (column.masked === true ? [n] : []))
  return Array.from({ length: versionTexts(columns) }, (_, k) => ({
    values: new ColumnValues(),
    from: k === 0 ? 0 : (borders[k - 1] ?? 0) + 1,
    to: borders[k] ?? columns.length,
  }))
}

export class SegmentRows {
  /** The columns as the files have them. */
  readonly described: readonly ParquetColumn[]
  readonly group: FillingGroup
  readonly #forms: readonly ValueForm[]
  readonly #columns: readonly ColumnValues[]
  readonly #texts: readonly VersionText[]

  /** @param of rows have versions, keys none */
  constructor(columns: readonly SourceColumn[], of: 'rows' | 'keys') {
    this.#forms = columns.map(column => sqliteColumn(column).carried.form)
    this.#columns = columns.map(() => new ColumnValues())
    this.#texts = of === 'rows' ? versionTextsOf(columns) : []
    this.group = new FillingGroup([...this.#columns, ...this.#texts.map(({ values }) => values)])
    const typeOf = (n: number): ReturnType<typeof parquetType> => parquetType(this.#forms[n] ?? { kind: 'text' })
    this.described = of === 'rows' ? hashedColumns(columns, typeOf) : keyColumns(columns.length, typeOf)
  }

  take(lines: Lines, longestRow: number): void {
    const { rows, bytes } = lines
    this.#columns.forEach((values, n) => {
      takeColumn(lines, n, this.#forms[n] ?? { kind: 'text' }, values)
      values.rows += rows
    })
    for (const { values, from, to } of this.#texts) {
      takeVersionText(lines, { from, to }, values)
      values.rows += rows
    }
    this.group.count(rows, bytes.length, longestRow)
  }
}
