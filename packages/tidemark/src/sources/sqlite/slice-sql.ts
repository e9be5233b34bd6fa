/** The statements that read a slice, and the look at values that users wrote before they become part of one. */
import { ident, integer, join, raw, type Sql, sql } from '../../engine/sql.ts'
import { belongingSlice, countedRows, wherePassed } from '../belonging.ts'
import type { KeyRange } from '../key-ranges.ts'
import { noDay, noLiteral, type SliceSql, sliceSql, type WrongLiteral } from '../slice.ts'
import type { Slice, SourceColumn, SourceTable } from '../source.ts'
import { sqliteColumn, valueOf } from './column.ts'

type Relation = Pick<SourceTable, 'schema' | 'table' | 'onlyWith' | 'filter'>

/** A slice with what can be said of it beyond the condition. */
export interface SqliteSlice extends SliceSql {
  /** Where it is the whole table, or a stretch of it by a column, as the number of its rows is found. */
  stretch: Stretch | undefined
}

export interface Stretch {
  /** Left out for the number of the row. */
  column: SourceColumn | undefined
  /** In. */
  from: bigint | undefined
  /** Out. */
  to: bigint | undefined
}

/** A slice as a condition, its columns found and spelled as the database does. */
export function sqliteSlice(slice: Slice, columnOf: (name: string) => SourceColumn): SqliteSlice | WrongLiteral {
  const found = sliceSql(slice, columnOf, {
    value: valueOf,
    order: orderOf,
    unordered: column => sql`NOT ${sqliteColumn(column).carried.fits(valueOf(column))}`,
    literal: literalOf,
  })
  return 'reason' in found ? found : { ...found, stretch: stretchOf(slice, columnOf) }
}

function stretchOf(slice: Slice, columnOf: (name: string) => SourceColumn): Stretch | undefined {
  if (slice.kind === 'all') return { column: undefined, from: undefined, to: undefined }
  if (slice.kind !== 'chunk' || slice.column === undefined) return undefined
  return { column: columnOf(slice.column), from: slice.from, to: slice.to }
}

function orderOf(column: SourceColumn): Sql {
  return sqliteColumn(column).carried.order(valueOf(column))
}

/** SQLite itself would compare anything with anything, and carries the 31st of February over into March. */
function literalOf(column: SourceColumn, written: string): Sql | WrongLiteral {
  const found = written.includes('\0') ? undefined : sqliteColumn(column).carried.literal(written)
  if (found === undefined) return noLiteral(column, written)
  const isOfCalendar = !/^(date|timestamp)$/.test(column.deltaType) || isDayOfCalendar(written.slice(0, 10))
  return isOfCalendar ? found : noDay(column.name, written)
}

function isDayOfCalendar(day: string): boolean {
  const [year = 0, month = 0, dayOfMonth = 0] = day.split('-').map(Number)
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  const days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
  return dayOfMonth >= 1 && dayOfMonth <= (days[month - 1] ?? 0)
}

/** One scan: `total`, `in_slice`, `without_cursor`, and `unfit_<n>`, the values in the slice that are not of the column's type. */
export function countStatement(
  table: Relation,
  slice: SliceSql,
  columns: readonly SourceColumn[],
  cursor: SourceColumn | undefined,
): Sql {
  const condition = belongingSlice(table, slice.condition)
  const unfit = columns.map(column => {
    const value = valueOf(column)
    const fits = sqliteColumn(column).carried.fits(value)
    return sql`count(CASE WHEN ${value} IS NOT NULL AND ${condition} AND NOT ${fits} THEN 1 END)`
  })
  const withoutCursor = cursor === undefined ? raw('0') : sql`count(*) - count(${valueOf(cursor)})`
  const counts = [
    sql`count(${countedRows(table)})`,
    sql`count(CASE WHEN ${condition} THEN 1 END)`,
    withoutCursor,
    ...unfit,
  ]
  return sql`SELECT ${join(counts)} FROM ${relation(table)}${wherePassed(table, ...(slice.isPart === true ? [slice.condition] : []))}`
}

/** The ends of a column that leads an index: two look-ups, since SQLite finds only one of them at once. */
export function boundsStatement(table: Relation, column: SourceColumn): Sql {
  const end = (name: 'min' | 'max'): Sql => sql`(SELECT ${raw(name)}(${valueOf(column)}) FROM ${relation(table)})`
  return sql`SELECT ${end('min')}, ${end('max')}`
}

/** Counted by the key's own tree, in which texts and blobs of long rows are not opened. */
export function rowsInStatement(table: Relation, column: SourceColumn, { from, to }: KeyRange): Sql {
  const value = valueOf(column)
  return sql`SELECT count(*) FROM ${relation(table)} WHERE ${value} >= ${integer(from)} AND ${value} < ${integer(to)}`
}

/** The greatest cursor, as a literal of a later slice. */
export function newestStatement(table: Relation, column: SourceColumn): Sql {
  return sql`SELECT max(${orderOf(column)}) FROM ${relation(table)}${wherePassed(table)}`
}

/** The table, as all statements call it. */
export function relation({ schema, table }: Relation): Sql {
  return sql`${ident(schema, table)} AS t`
}
