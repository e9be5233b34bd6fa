/**
 * Which rows belong to a table at all, as its entry means it: part of every statement that counts, reads or lists rows, so
 * that no two of them can speak of different rows. Statements call the table `t`.
 */
import { ident, join, type Sql, sql } from '../engine/sql.ts'
import type { SourceTable } from './source.ts'

type Belonging = Pick<SourceTable, 'onlyWith' | 'filter'>

/** ` WHERE` what belongs to the table and meets the other conditions; nothing where there is none. */
export function whereBelongs(table: Belonging, ...conditions: readonly Sql[]): Sql {
  return where([...filtered(table), ...conditions, ...withValue(table)])
}

/** The same for a scan that counts the rows without a value, too: only the filter and the other conditions. */
export function wherePassed(table: Belonging, ...conditions: readonly Sql[]): Sql {
  return where([...filtered(table), ...conditions])
}

/** A slice of what belongs to the table, in a scan of `wherePassed`. */
export function belongingSlice(table: Belonging, slice: Sql): Sql {
  return join([slice, ...withValue(table)], ' AND ')
}

/** The argument of `count` for all rows of the table, in a scan of `wherePassed`. */
export function countedRows({ onlyWith }: Belonging): Sql {
  return onlyWith === undefined ? sql`*` : sql`t.${ident(onlyWith)}`
}

/** True when a row may stay in the source and no longer be one of the table. */
export function isPartOfRows({ onlyWith, filter }: Belonging): boolean {
  return onlyWith !== undefined || filter !== undefined
}

function where(all: readonly Sql[]): Sql {
  return all.length === 0 ? sql`` : sql` WHERE ${join(all, ' AND ')}`
}

function filtered({ filter }: Belonging): Sql[] {
  return filter === undefined ? [] : [filter]
}

function withValue({ onlyWith }: Belonging): Sql[] {
  return onlyWith === undefined ? [] : [sql`t.${ident(onlyWith)} IS NOT NULL`]
}
