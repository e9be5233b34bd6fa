/**
 * Which rows belong to a table at all, as its entry means it: part of every statement that counts, reads or lists rows, so
 * that no two of them can speak of different rows. Statements call the table `t`.
 */
import { ident, join, type Sql, sql } from '../engine/sql.ts'
import type { SourceTable } from './source.ts'

type Belonging = Pick<SourceTable, 'onlyWith'>

/** ` WHERE` what belongs to the table and meets the other conditions; nothing where there is none. */
export function whereBelongs(table: Belonging, ...conditions: readonly Sql[]): Sql {
  const all = [...conditions, ...withValue(table)]
  return all.length === 0 ? sql`` : sql` WHERE ${join(all, ' AND ')}`
}

/** A slice of what belongs to the table. */
export function belongingSlice(table: Belonging, slice: Sql): Sql {
  return join([slice, ...withValue(table)], ' AND ')
}

/** The argument of `count` for all rows of the table, in a scan that also counts those that are left out. */
export function countedRows({ onlyWith }: Belonging): Sql {
  return onlyWith === undefined ? sql`*` : sql`t.${ident(onlyWith)}`
}

function withValue({ onlyWith }: Belonging): Sql[] {
  return onlyWith === undefined ? [] : [sql`t.${ident(onlyWith)} IS NOT NULL`]
}
