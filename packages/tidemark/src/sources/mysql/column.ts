/**
 * A column as MySQL has it: how its value is selected, in which form it is carried, and which of its values the lake cannot
 * hold.
 */
import type { Sql } from '../../engine/sql.ts'
import { replaceColumns } from '../find-column.ts'
import type { SourceColumn, SourceTable } from '../source.ts'
import type { TextForm } from './text-form.ts'

/** Values of a column that its lake type cannot hold. */
export interface Unfit {
  /** What they are, for the message: `zero dates`. */
  values: string
  /** Condition over a value that is not NULL. */
  test: (column: Sql) => Sql
}

export interface MysqlColumn extends SourceColumn {
  /** Expression whose printed value has this form. */
  select: (column: Sql) => Sql
  form: TextForm
  unfit: Unfit | undefined
  /** A literal that the server compares in the column's own type; undefined when the text is none. */
  literal: (value: string) => Sql | undefined
}

/** The same column with what only this source knows; a column that another source described is a bug. */
export function mysqlColumn(column: SourceColumn): MysqlColumn {
  if (!('form' in column)) throw new TypeError(`this is a bug in tidemark: column ${column.name} is not of mysql`)
  return column as MysqlColumn
}

/** How a column is carried: what a mask hides is hashed as text. */
export function formOf(column: SourceColumn): TextForm {
  return column.masked === true ? textFormOf(mysqlColumn(column)) : mysqlColumn(column).form
}

function textFormOf({ form }: MysqlColumn): TextForm {
  return form === 'bytes' || form === 'hex' ? 'hex' : 'text'
}

/**
 * The table's columns with some of them carried as the database's own text: for values that the lake's type cannot hold.
 * Bytes become hex digits.
 *
 * @param names as written in the list; case counts only when it must
 * @throws {SOURCE_COLUMN_MISSING} a name fits no column
 */
export function carryAsText(
  source: string,
  table: Pick<SourceTable, 'schema' | 'table' | 'columns'>,
  names: readonly string[],
): readonly SourceColumn[] {
  return replaceColumns(source, table, names, column => asText(mysqlColumn(column)))
}

function asText(column: MysqlColumn): MysqlColumn {
  // Of a letter that it does not know the server's own text is a question mark.
  if (column.form === 'known text') return { ...column, select: value => value, form: 'text', unfit: undefined }
  if (column.deltaType === 'string') return column
  const note = 'carried as text by as_text'
  const form = textFormOf(column)
  return { ...column, deltaType: 'string', orderable: false, note, form, decode: value => value, unfit: undefined }
}
