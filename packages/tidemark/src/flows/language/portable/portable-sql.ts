/**
 * Portable SQL: one text, one meaning on DuckDB and Spark. `check` judges a text without knowing any column, `emit`
 * gives the DuckDB query once the tables are there, with Spark's types and errors.
 */
import type { Place, Problem } from '../../../errors/problem.ts'
import type { Sql } from '../../../engine/sql.ts'
import type { Query, TableName } from '../../../model/flow.ts'
import { checkQuery } from './check.ts'
import { emitDuckdb, emitExpression, emitPortable } from './emit.ts'
import type { OutputColumn } from './output.ts'
import type { ParserSession } from './parse.ts'
import type { TableAt } from './time-travel.ts'
import { checkUserQuery } from './user-query.ts'

export type { OutputColumn, ParserSession }

export type QueryUse = 'stream' | 'view' | 'expression'

/** A table in a query's text: offsets are UTF-16 units of `Query.text`, with STREAM( ) where it is written. */
export interface Reference {
  name: TableName
  start: number
  end: number
  streamed: boolean
  hasAlias: boolean
  place: Place
}

/** What a text reads, before its names are resolved. */
export interface Checked {
  /** Tables read in full, as written or in the schema of the file, each once. */
  reads: TableName[]
  streams: TableName | undefined
  volatile: boolean
  references: Reference[]
}

export interface Emitted {
  sql: Sql
  columns: OutputColumn[]
}

/** A column given to an expression; without a type (Delta's name) nothing is known about it but its name. */
export type ExpressionColumn = string | { name: string; type: string }

export interface PortableSql {
  /** Judge a query. `compiled` is there exactly when there is no problem. Column names are not known here. */
  check(query: Query, use: QueryUse): Promise<{ compiled?: Checked; problems: Problem[] }>
  /**
   * The DuckDB query. `relation` gives what may stand behind FROM for a table; it must exist in the session.
   * @throws Problems when columns, types or output do not fit
   */
  emit(query: Query, from: { relation: (table: TableName) => Sql }): Promise<Emitted>
  /**
   * One expression over one row, for rules, derived columns and APPLY AS DELETE WHEN. With typed columns the meaning
   * is exact; with names alone only names are judged, and implicit conversions are DuckDB's.
   * @throws Problems with the place of the part that is wrong
   */
  emitExpression(text: string, place: Place, options?: ExpressionOptions): Promise<Sql>
  /** The gate for `tidemark query`: one SELECT in DuckDB's dialect over tables of the lake. @throws Problems */
  checkUserQuery(text: string): Promise<UserQuery>
}

export interface ExpressionOptions {
  columns?: readonly ExpressionColumn[]
  /** `condition` must be boolean, as rules are. */
  result?: 'condition' | 'value'
  /** Called when the expression depends on the time at which it is computed. */
  onVolatile?: () => void
}

/** A query a person typed, let through the gate. */
export interface UserQuery {
  /** Tables it names, as written, each once: `schema.table`, or `table` where no schema is written. */
  tables: readonly string[]
  /** Tables at a version, by the name that stands for them in `tables`. */
  moments: ReadonlyMap<string, TableAt>
  references: readonly { name: string; place: Place }[]
  /** The query with each table replaced by what `relation` gives. */
  replaced(relation: (table: string) => Sql): Sql
}

export function createPortableSql(session: ParserSession): PortableSql {
  return {
    check: (query, use) => checkQuery(session, query, use),
    emit: (query, from) =>
      query.dialect === 'duckdb' ? emitDuckdb(session, query, from) : emitPortable(session, query, from),
    emitExpression: (text, place, options) => emitExpression(session, { text, place }, options),
    checkUserQuery: text => checkUserQuery(session, text),
  }
}
