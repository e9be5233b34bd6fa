/** The statements that read a slice, and the look at values that users wrote before they become part of one. */
import { ident, integer, join, raw, type Sql, sql } from '../../engine/sql.ts'
import { belongingSlice, countedRows, whereBelongs, wherePassed } from '../belonging.ts'
import type { KeyRange } from '../key-ranges.ts'
import { MAX_ROW_BYTES } from '../read-csv.ts'
import { noDay, noLiteral, type SliceSql, sliceSql, type WrongLiteral } from '../slice.ts'
import type { Slice, SourceColumn, SourceTable } from '../source.ts'
import { printColumn, sqliteColumn, valueOf } from './column.ts'

type Relation = Pick<SourceTable, 'schema' | 'table' | 'onlyWith' | 'filter'>

/** A slice as a condition, its columns found and spelled as the database does. */
export function sqliteSlice(slice: Slice, columnOf: (name: string) => SourceColumn): SliceSql | WrongLiteral {
  return sliceSql(slice, columnOf, {
    value: valueOf,
    order: orderOf,
    unordered: column => sql`NOT ${sqliteColumn(column).carried.fits(valueOf(column))}`,
    literal: literalOf,
  })
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

/** Lines of overlap flag and columns. The first column is never text, so a byte order mark in the data stays data. */
export function copyStatement(
  table: Relation,
  { condition, isOverlap }: SliceSql,
  columns: readonly SourceColumn[],
): Sql {
  return sql`SELECT ${line(isOverlap ? 1 : 0, columns)} FROM ${relation(table)}${whereBelongs(table, condition)}`
}

/** Lines of a constant and the keys. Without it a single NULL key would be an empty line, which readers skip. */
export function copyKeysStatement(table: Relation, columns: readonly SourceColumn[]): Sql {
  return sql`SELECT ${line(0, columns)} FROM ${relation(table)}${whereBelongs(table)}`
}

/** The greatest cursor, as a literal of a later slice. */
export function newestStatement(table: Relation, column: SourceColumn): Sql {
  return sql`SELECT max(${orderOf(column)}) FROM ${relation(table)}${wherePassed(table)}`
}

/** The most arguments that one call takes, with room for the rest of the line. */
const ARGUMENTS = 900

/** A whole line of CSV as bytes: SQLite's text is handed over as it is stored, without being decoded. */
function line(first: number, columns: readonly SourceColumn[]): Sql {
  const parts = [integer(first), ...columns.flatMap(column => [raw("','"), printColumn(column)]), raw('char(10)')]
  const groups: Sql[] = []
  for (let i = 0; i < parts.length; i += ARGUMENTS) groups.push(sql`concat(${join(parts.slice(i, i + ARGUMENTS))})`)
  const text = sql`CAST(${join(groups, ' || ')} AS BLOB)`
  const long = columns.filter(({ deltaType }) => deltaType === 'string' || deltaType === 'binary')
  if (long.length === 0) return text
  return sql`CASE WHEN ${bytesOf(long)} > ${integer(MAX_ROW_BYTES)} THEN ${bytesOf(long)} ELSE ${text} END`
}

/** How many terms of a sum stand in one pair of parentheses: a statement may only be so deep. */
const TERMS = 500

/** How long the values are, which SQLite knows without reading them. A row that is too long is this number in place of a line. */
function bytesOf(columns: readonly SourceColumn[]): Sql {
  const lengths = columns.map(column => sql`ifnull(octet_length(${valueOf(column)}), 0)`)
  const groups: Sql[] = []
  for (let i = 0; i < lengths.length; i += TERMS) groups.push(sql`(${join(lengths.slice(i, i + TERMS), ' + ')})`)
  return join(groups, ' + ')
}

function relation({ schema, table }: Relation): Sql {
  return sql`${ident(schema, table)} AS t`
}
