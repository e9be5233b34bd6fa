/** The last projection of a query: every column under its name in a type that a Delta table has, or an error that names it. */
import type { Place, Problem } from '../../../errors/problem.ts'
import { FLOW_COLUMN_TYPE } from '../../../errors/flow.ts'
import { ident, join, type Sql, sql } from '../../../engine/sql.ts'
import type { Column } from './scope.ts'
import { duckdbType, type LakeType, printType, simple, typeOfDuckdb } from './type.ts'

export interface OutputColumn {
  name: string
  /** Delta's name: string, long, decimal(10,2) … */
  type: string
}

/**
 * Wrap a query so that its columns have the types given.
 *
 * A column whose type Delta lacks, or which is only ever NULL, is a problem; the query is then not usable.
 */
export function projectOutput(
  query: Sql,
  columns: readonly Column[],
  place: Place,
): { sql: Sql; columns: OutputColumn[]; problems: Problem[] } {
  const problems = columns
    .filter(c => c.type.kind === 'other' || c.type.kind === 'null' || c.type.kind === 'unknown')
    .map(c => {
      const type = c.type.kind === 'other' ? printType(c.type) : 'always NULL, of no type'
      return FLOW_COLUMN_TYPE({ column: c.name, type }, { place })
    })
  const casts = columns.map(c => sql`CAST(${ident(c.name)} AS ${duckdbType(c.type)}) AS ${ident(c.name)}`)
  return {
    sql: sql`SELECT ${join(casts)} FROM (${query})`,
    columns: columns.map(c => ({ name: c.name, type: printType(c.type) })),
    problems,
  }
}

/** What a column of a DuckDB-dialect query becomes: the Delta type that holds all its values, or an overflow error. */
export function lakeTypeOf(duckdb: string): LakeType {
  switch (duckdb) {
    case 'HUGEINT':
    case 'UINTEGER':
      return simple('long')
    case 'USMALLINT':
      return simple('integer')
    case 'UTINYINT':
      return simple('short')
    case 'TIMESTAMP':
      return simple('timestamp')
    default:
      return typeOfDuckdb(duckdb)
  }
}
