/**
 * How the columns of a source become those of the lake: one for one, or by an expression where a value may not fit. What
 * rows carry on their way into bronze is said here, once, for every path they take.
 */
import { ident, type Sql, sql } from '../engine/sql.ts'
import type { Source, SourceColumn, SourceTable } from '../sources/source.ts'
import { lakeColumnName } from './system-columns.ts'

export interface LakeColumn {
  /** Name in the lake. */
  name: string
  /** Delta type. */
  type: string
  /** Value over the source's columns, under their own names, as its segments are read. */
  value: Sql
}

/** Each column under its lake name, typed as it is read. */
export function oneForOne(columns: readonly SourceColumn[]): LakeColumn[] {
  return columns.map(({ name, deltaType }) => ({ name: lakeColumnName(name), type: deltaType, value: ident(name) }))
}

/** A column carried as the database's own text, whatever it was before; of a masked one as the text of the masked value. */
export function textColumn(
  source: Pick<Source, 'carryAsText'>,
  table: SourceTable,
  column: SourceColumn,
): SourceColumn {
  if (column.masked === true) {
    return { ...column, deltaType: 'string', decode: csv => sql`CAST(${column.decode(csv)} AS VARCHAR)` }
  }
  const found = source.carryAsText(table, [column.name]).find(({ name }) => name === column.name)
  if (found === undefined) throw new TypeError(`this is a bug in tidemark: column ${column.name} is not of its table`)
  return found
}
