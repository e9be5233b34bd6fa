/**
 * Which columns of a table are read: all, those of `columns`, or all but those of `exclude_columns`. A column that is left
 * out is in no statement that reads rows, so none of its values leaves the source.
 */
import { COLUMN_LEFT_OUT } from '../errors/ingest.ts'
import type { TableEntry } from '../model/project.ts'
import { findColumn } from '../sources/find-column.ts'
import type { SourceColumn, SourceTable } from '../sources/source.ts'
import { matchesPattern } from './pattern.ts'
import { lakeColumnName } from './system-columns.ts'

export interface Selection {
  columns: readonly SourceColumn[]
  /** Columns of the source that are not read. */
  leftOut: readonly string[]
  /** True for a column of the lake that is not missed when the source no longer gives it. */
  isLeftOut: (lakeName: string) => boolean
}

/** A column that the table cannot be read without. */
export interface Needed {
  column: string
  as: 'key' | 'cdc_col'
}

type Lists = Pick<TableEntry, 'source' | 'columns' | 'excludeColumns' | 'places' | 'place'>

/**
 * The columns that an entry reads, in the table's order. Names without `*` must exist.
 *
 * @throws {SOURCE_COLUMN_MISSING} a listed name fits no column
 */
export function selectColumns(entry: Lists, table: SourceTable, all: readonly SourceColumn[]): Selection {
  const { columns, excludeColumns } = entry
  const listed = columns && namesOf(entry, table, columns, 'columns')
  const excluded = namesOf(entry, table, excludeColumns, 'exclude_columns')
  const isRead = ({ name }: SourceColumn): boolean => (listed === undefined || listed.has(name)) && !excluded.has(name)
  const read = all.filter(isRead)
  const kept = new Set(read.map(({ name }) => lakeColumnName(name).toLowerCase()))
  const away = new Set([...excluded].map(name => lakeColumnName(name).toLowerCase()))
  const isAway = (name: string): boolean => away.has(name) || excludeColumns.some(one => matchesPattern(one, name))
  return {
    columns: read,
    leftOut: all.filter(column => !isRead(column)).map(({ name }) => name),
    isLeftOut: name => !kept.has(name.toLowerCase()) && (listed !== undefined || isAway(name.toLowerCase())),
  }
}

/**
 * Refuse a list that leaves out what the table is read by.
 *
 * @throws {COLUMN_LEFT_OUT}
 */
export function assertSelected(
  entry: Lists,
  table: SourceTable,
  { leftOut }: Selection,
  needed: readonly Needed[],
): void {
  const missing = needed.find(({ column }) => leftOut.includes(column))
  if (missing === undefined) return
  const list = entry.columns === undefined ? 'exclude_columns' : 'columns'
  const params = { table: `${table.schema}.${table.table}`, ...missing, list }
  throw COLUMN_LEFT_OUT(params, { place: entry.places[list] ?? entry.place })
}

/** The table's own names that a list means. */
function namesOf(
  entry: Lists,
  table: SourceTable,
  written: readonly string[],
  list: 'columns' | 'exclude_columns',
): ReadonlySet<string> {
  const place = entry.places[list] ?? entry.place
  return new Set(
    written.flatMap(one => {
      if (!one.includes('*')) return [findColumn(entry.source, table, one, { place, list }).name]
      return table.columns.map(({ name }) => name).filter(name => matchesPattern(one, name))
    }),
  )
}
