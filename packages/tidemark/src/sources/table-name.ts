/** Names of tables for people, and the Problem of one that is not there: the same for every database. */
import { suggest } from '../config/suggest.ts'
import type { Problem } from '../errors/problem.ts'
import { SOURCE_TABLE_MISSING } from '../errors/source-table.ts'
import type { TableRef } from './source.ts'

/** The same table in another schema is the likeliest mistake, a typing error the next. */
export function missing(source: string, ref: TableRef, visible: readonly TableRef[]): Problem {
  const elsewhere = visible.filter(one => one.table.toLowerCase() === ref.table.toLowerCase()).slice(0, 3)
  const guess = suggest(printName(ref), visible.map(printName))
  const suggestions = elsewhere.length > 0 ? elsewhere.map(printName) : guess === undefined ? [] : [guess]
  return SOURCE_TABLE_MISSING({ source, table: printName(ref), suggestions })
}

/** `schema.table`, for people. */
export function printName(ref: TableRef): string {
  return `${ref.schema}.${ref.table}`
}
