/** A column of a description by a name as people write it: case counts only when it must. */
import { SOURCE_COLUMN_MISSING } from '../errors/source-table.ts'
import type { Place } from '../errors/problem.ts'
import { suggest } from '../config/suggest.ts'
import type { SourceColumn, SourceTable } from './source.ts'

/**
 * The column of this exact name, else the only one that differs in case.
 *
 * @throws {SOURCE_COLUMN_MISSING} none fits, or several do
 */
export function findColumn(
  source: string,
  table: Pick<SourceTable, 'schema' | 'table' | 'columns'>,
  name: string,
  at: { place?: Place; list?: 'columns' | 'exclude_columns' } = {},
): SourceColumn {
  const exact = table.columns.find(column => column.name === name)
  if (exact) return exact
  const similar = table.columns.filter(column => column.name.toLowerCase() === name.toLowerCase())
  if (similar.length === 1 && similar[0]) return similar[0]
  const known = table.columns.map(column => column.name)
  const guess = suggest(name, known)
  const suggestions = similar.length > 1 ? similar.map(column => column.name) : guess === undefined ? [] : [guess]
  const params = { source, table: `${table.schema}.${table.table}`, column: name, suggestions, list: at.list }
  throw SOURCE_COLUMN_MISSING(params, { place: at.place })
}

/** The table's columns, those of the given names as `asText` carries them. @throws {SOURCE_COLUMN_MISSING} as `findColumn` */
export function replaceColumns(
  source: string,
  table: Pick<SourceTable, 'schema' | 'table' | 'columns'>,
  names: readonly string[],
  asText: (column: SourceColumn) => SourceColumn,
): readonly SourceColumn[] {
  const chosen = new Set(names.map(name => findColumn(source, table, name).name))
  return table.columns.map(column => (chosen.has(column.name) ? asText(column) : column))
}
