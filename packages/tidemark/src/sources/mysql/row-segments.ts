/**
 * Segments of MySQL: how rows of a statement become files. It follows from the columns that were read, so that a file needs no
 * description beside it.
 */
import { SOURCE_VALUE_UNFIT } from '../../errors/source-table.ts'
import { hashedColumns, keyColumns } from '../parquet/hashed-rows.ts'
import { parquetForm, type ParquetType, type RowGroup } from '../parquet/segment-layout.ts'
import type { SegmentForm } from '../segments.ts'
import type { SourceColumn } from '../source.ts'
import { formOf, mysqlColumn } from './column.ts'
import { parquetType } from './text-form.ts'
import { TextRows } from './text-rows.ts'

type Named = { source: string; table: string }

/** What gathers the rows of `copyStatement`, or the keys of `copyKeysStatement`. */
export function textRows(columns: readonly SourceColumn[], of: 'rows' | 'keys', named: Named): TextRows {
  const taken = columns.map(column => ({
    form: formOf(column),
    masked: column.masked === true,
    unfit: (count: number) => unfit(column, count, named),
  }))
  return new TextRows(taken, { ...named, isVersioned: of === 'rows' })
}

/** How their files are written. */
export function segmentForm(columns: readonly SourceColumn[], of: 'rows' | 'keys'): SegmentForm<RowGroup> {
  const types = columns.map(column => parquetType(formOf(column)))
  const typeOf = (index: number): ParquetType => types[index] ?? 'text'
  const described = of === 'rows' ? hashedColumns(columns, typeOf) : keyColumns(columns.length, typeOf)
  return parquetForm(described)
}

/** True when each value that a count would refuse is refused as it comes; what is carried as text holds anything. */
export function refusesUnfit(columns: readonly SourceColumn[]): boolean {
  return columns.every(column => mysqlColumn(column).unfit === undefined || column.masked !== true)
}

function unfit(column: SourceColumn, count: number, named: Named): Error {
  const { name, sourceType, deltaType } = column
  const values = mysqlColumn(column).unfit?.values ?? 'in a form that is not known'
  return SOURCE_VALUE_UNFIT({
    ...named,
    columns: [{ column: name, sourceType, deltaType, values, count: BigInt(count) }],
  })
}
