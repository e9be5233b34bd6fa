/**
 * A column as SQLite has it: what its type says of its values, and how one is written into the lines of JSON by which rows
 * leave SQLite.
 */
import { ident, type Sql, sql } from '../../engine/sql.ts'
import { replaceColumns } from '../find-column.ts'
import type { SourceColumn, SourceTable } from '../source.ts'
import { asText, type Carried } from './types.ts'

export interface SqliteColumn extends SourceColumn {
  carried: Carried
  /** False where an expression makes the values, which may give JSON's own texts. */
  isStored: boolean
}

/** The same column with what only this source knows; a column that another source described is a bug. */
export function sqliteColumn(column: SourceColumn): SqliteColumn {
  if (!('carried' in column)) throw new TypeError(`this is a bug in tidemark: column ${column.name} is not of sqlite`)
  return column as SqliteColumn
}

/** A column of a table, typed by a rule. */
export function toColumn(
  named: { name: string; sourceType: string; nullable: boolean; isStored: boolean },
  carried: Carried,
): SqliteColumn {
  const { deltaType, orderable, mayCoincide, note, decode } = carried
  return { ...named, deltaType, orderable, ...(mayCoincide === true ? { mayCoincide } : {}), note, decode, carried }
}

/**
 * The table's columns with some of them carried as SQLite's own text: for values that the lake's type cannot hold. Bytes
 * become hex digits.
 *
 * @param names as written in the list; case counts only when it must
 * @throws {SOURCE_COLUMN_MISSING} a name fits no column
 */
export function carryAsText(
  source: string,
  table: Pick<SourceTable, 'schema' | 'table' | 'columns'>,
  names: readonly string[],
): readonly SourceColumn[] {
  return replaceColumns(source, table, names, column => {
    const { name, sourceType, nullable, isStored } = sqliteColumn(column)
    return toColumn({ name, sourceType, nullable, isStored }, asText)
  })
}

/** Qualified, so that a name that is no column of the table is an error. */
export function valueOf(column: Pick<SourceColumn, 'name'>): Sql {
  return sql`t.${ident(column.name)}`
}

/**
 * What a value is carried as, judged by SQLite: NULL, an integer or a text. A value that does not fit fails here: its JSON
 * reader stops at it aloud, and a count has the words for it.
 */
export function judgedValue(column: SourceColumn): Sql {
  const value = valueOf(column)
  const { fits, print } = sqliteColumn(column).carried
  return sql`CASE WHEN ${value} IS NULL THEN NULL WHEN ${fits(value)} THEN ${print(value)} ELSE json(concat('{', hex(${value}))) END`
}

/** Whether the reader can judge values of the column as they stand in the database. */
export function isJudgedByReader(column: SourceColumn): boolean {
  const { carried, isStored } = sqliteColumn(column)
  return isStored && carried.form.kind !== 'hex'
}
