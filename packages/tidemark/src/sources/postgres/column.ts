/**
 * A column as PostgreSQL has it: how its value is written into COPY's stream, how DuckDB types what comes of it, and which of
 * its values the lake cannot hold.
 */
import { raw, type Sql, sql } from '../../engine/sql.ts'
import { replaceColumns } from '../find-column.ts'
import type { SourceColumn, SourceTable } from '../source.ts'
import type { Wire } from './wire.ts'

/** Values of a column that its lake type cannot hold. */
export interface Unfit {
  /** What they are, for the message: `NaN`. */
  values: string
  /** Postgres condition over a value that is not NULL. */
  test: (column: Sql) => Sql
  /** DuckDB condition over a decoded value; left out where such a value no longer shows once it is decoded. */
  found?: (decoded: Sql) => Sql
}

export interface PostgresColumn extends SourceColumn {
  /** Postgres expression that writes the value as the text `decode` reads. */
  select: (column: Sql) => Sql
  unfit: Unfit | undefined
  /**
   * The DuckDB type in which a driver of DuckDB's own gives the selected value exactly; undefined for what it would bend or
   * does not know, which it is given as the server's text.
   */
  typed: string | undefined
  /** What is selected to come as that type, and how it is decoded; `select` and `decode` when left out. */
  typedForm?: { select: (column: Sql) => Sql; decode: (given: Sql) => Sql } | undefined
  /** How COPY's binary form holds the selected value; undefined where it is sent as the server's text. */
  wire: Wire | undefined
}

/** The same column with what only this source knows; a column that another source described is a bug. */
export function postgresColumn(column: SourceColumn): PostgresColumn {
  if (!('select' in column)) throw new TypeError(`this is a bug in tidemark: column ${column.name} is not of postgres`)
  return column as PostgresColumn
}

/** How a column is sent: what a mask hides is hashed as the server's text. */
export function wireOf(column: SourceColumn): Wire | undefined {
  return column.masked === true ? undefined : postgresColumn(column).wire
}

/**
 * The table's columns with some of them carried as the database's own text: for values that the lake's type cannot hold.
 *
 * @param names as written in the list; case counts only when it must
 * @throws {SOURCE_COLUMN_MISSING} a name fits no column
 */
export function carryAsText(
  source: string,
  table: Pick<SourceTable, 'schema' | 'table' | 'columns'>,
  names: readonly string[],
): readonly SourceColumn[] {
  return replaceColumns(source, table, names, column => asText(postgresColumn(column)))
}

function asText(column: PostgresColumn): PostgresColumn {
  if (column.deltaType === 'string') return column
  return {
    ...column,
    deltaType: 'string',
    orderable: false,
    note: 'carried as text by as_text',
    select: value => sql`${value}${raw('::text')}`,
    decode: value => value,
    unfit: undefined,
    typed: undefined,
    typedForm: undefined,
    wire: 'text',
  }
}
