/**
 * A column as SQL Server has it: how the server prints its value, how DuckDB types that text, and which of its values the
 * lake cannot hold.
 */
import { raw, type Sql, sql } from '../../engine/sql.ts'
import { replaceColumns } from '../find-column.ts'
import type { SourceColumn, SourceTable } from '../source.ts'
import { unicode } from './address.ts'

/** `bare` for texts that never hold a quote, comma or line break; `quoted` for any text. */
export type CsvForm = 'bare' | 'quoted'

/** Values of a column that its lake type cannot hold. */
export interface Unfit {
  /** What they are, for the message. */
  values: string
  /** Condition over a value that is not NULL. */
  test: (column: Sql) => Sql
}

/** A text that the server compares in the column's own type. */
export interface Literal {
  /** `datetime2(7)` */
  type: Sql
  value: string
  style: number | undefined
}

export interface SqlServerColumn extends SourceColumn {
  /** Expression that gives the text `decode` reads; the driver never sees another type. */
  select: (column: Sql) => Sql
  /** The same with everything that the value has, for a column carried as text. */
  selectText: (column: Sql) => Sql
  form: CsvForm
  unfit: Unfit | undefined
  /** Undefined when the text is none of the type. */
  literal: (value: string) => Literal | undefined
}

/** The same column with what only this source knows; a column that another source described is a bug. */
export function sqlServerColumn(column: SourceColumn): SqlServerColumn {
  if (!('selectText' in column))
    throw new TypeError(`this is a bug in tidemark: column ${column.name} is not of sqlserver`)
  return column as SqlServerColumn
}

/** The literal itself. @throws by the server when it cannot be read; `isLiteral` says so before */
export function literalSql({ type, value, style }: Literal): Sql {
  return sql`CONVERT(${type}, ${unicode(value)}${styleSql(style)})`
}

/** `1` when the server can read the text, `0` when not. A failed conversion would end the transaction. */
export function isLiteral({ type, value, style }: Literal): Sql {
  return sql`CASE WHEN TRY_CONVERT(${type}, ${unicode(value)}${styleSql(style)}) IS NULL THEN '0' ELSE '1' END`
}

const styleSql = (style: number | undefined): Sql => (style === undefined ? raw('') : raw(`, ${style}`))

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
  return replaceColumns(source, table, names, column => asText(sqlServerColumn(column)))
}

function asText(column: SqlServerColumn): SqlServerColumn {
  if (column.deltaType === 'string') return column
  const note = 'carried as text by as_text'
  const { selectText: select } = column
  return {
    ...column,
    deltaType: 'string',
    orderable: false,
    note,
    select,
    form: 'quoted',
    decode: v => v,
    unfit: undefined,
  }
}
