/**
 * The statements that give rows as lines of JSON, an array for each row, and where it can be, many lines at once: a page of
 * rows by their number. To take one row after another from SQLite costs more than to print it.
 */
import { integer, join, raw, type Sql, sql, text } from '../../engine/sql.ts'
import { whereBelongs } from '../belonging.ts'
import { MAX_ROW_BYTES } from '../row-limit.ts'
import { EVERY_ROW } from '../slice.ts'
import type { SourceColumn, SourceTable } from '../source.ts'
import { isJudgedByReader, judgedValue, sqliteColumn, valueOf } from './column.ts'
import { type LineStatements, OF_OTHER_CLASS, type PageStatements, type RowNumber, TOO_LONG } from './messages.ts'
import { countStatement, relation, type SqliteSlice, type Stretch } from './slice-sql.ts'

export interface SqliteTable extends SourceTable {
  /** What tells rows apart as integers, and finds them in its order; undefined where nothing does. */
  rowKey: RowKey | undefined
}

/** A name for the numbers that SQLite gives rows; of a table without them, its only key. */
export type RowKey = { readonly number: string } | { readonly column: string }

/** How rows are read: in one statement, or page by page. */
export interface RowReading {
  columns: readonly SourceColumn[]
  /** Every row, each value judged. A row that is too long is its length in place of a line. */
  rows: Sql
  pages: Pages | undefined
  /** Counts the values that SQLite has stopped at, and all others of their kind. */
  count: Sql
}

export interface Pages {
  /** A number before those of all rows; undefined before the first there can be. */
  after: RowNumber | undefined
  /** The statements, in which SQLite judges these columns; it judges all where a page is to be read with care. */
  statements: (judged: ReadonlySet<number>) => PageStatements
}

/** How the rows of a slice are read. */
export function readRows(table: SourceTable, slice: SqliteSlice, columns: readonly SourceColumn[]): RowReading {
  const condition = slice.condition
  const rows = sql`SELECT ${rowLine(columns)} FROM ${relation(table)}${whereBelongs(table, condition)}`
  const pages = slice.stretch === undefined ? undefined : pagesOf(table, slice.stretch, columns)
  return { columns, rows, pages, count: countStatement(table, slice, columns, undefined) }
}

/** How the keys of all rows are read. */
export function readKeys(table: SourceTable, columns: readonly SourceColumn[]): RowReading {
  const rows = sql`SELECT ${rowLine(columns)} FROM ${relation(table)}${whereBelongs(table)}`
  const whole = { column: undefined, from: undefined, to: undefined }
  const count = countStatement(table, { condition: EVERY_ROW }, columns, undefined)
  return { columns, rows, pages: pagesOf(table, whole, columns), count }
}

/** A filter may have an index of its own, by which fewer rows are looked at than by their numbers. */
function pagesOf(
  table: SourceTable,
  { column, from, to }: Stretch,
  columns: readonly SourceColumn[],
): Pages | undefined {
  const key = column === undefined ? rowKeyOf(table, columns) : isOnlyKey(table, column) ? valueOf(column) : undefined
  if (key === undefined || table.filter !== undefined) return undefined
  // The lower end is where the first page begins. As a condition it would make SQLite look for every page from there on.
  const stretch = [sql`${key} > :after`, ...(to === undefined ? [] : [sql`${key} < ${integer(to)}`])]
  // No index but the key's own may be used.
  const rows = sql`FROM ${relation(table)}${column === undefined ? raw(' NOT INDEXED') : raw('')}`
  const rest = sql`${rows}${whereBelongs(table, ...stretch)}`
  const upTo = sql`${rows}${whereBelongs(table, sql`${key} > :after`, sql`${key} <= :last`)}`
  const lines = (judged: ReadonlySet<number>): LineStatements => {
    const found = sql`SELECT CAST(group_concat(${pageLine(columns, judged)}, char(10)) AS BLOB), count(*)`
    return { upTo: sql`${found} ${upTo}`.text, rest: sql`${found} ${rest}`.text }
  }
  const fixed = {
    judged: lines(new Set(columns.keys())),
    end: sql`SELECT ${key} ${rest} ORDER BY ${key} LIMIT 1 OFFSET :skipped`.text,
    row: sql`SELECT ${rowLine(columns)}, ${key} ${rest} ORDER BY ${key} LIMIT 1`.text,
  }
  return {
    after: from === undefined || from === LOWEST ? undefined : from - 1n,
    statements: judged => ({ ...fixed, lines: lines(judged) }),
  }
}

const LOWEST = -(2n ** 63n)

/** That a key holds integers alone is found out by reading it, so it has to be among the columns. */
function rowKeyOf(table: SourceTable, columns: readonly SourceColumn[]): Sql | undefined {
  const { rowKey } = table as Partial<SqliteTable>
  if (rowKey === undefined) return undefined
  if ('number' in rowKey) return sql`t.${raw(rowKey.number)}`
  const key = columns.find(({ name }) => name === rowKey.column)
  return key !== undefined && sqliteColumn(key).carried.form.kind === 'long' ? valueOf(key) : undefined
}

function isOnlyKey({ primaryKey }: SourceTable, { name, nullable }: SourceColumn): boolean {
  return primaryKey.length === 1 && primaryKey[0] === name && !nullable
}

/** A line as bytes, or how long the row is where that is too much. SQLite knows the length without reading the values. */
function rowLine(columns: readonly SourceColumn[]): Sql {
  const line = sql`CAST(${array(columns.map(judgedValue))} AS BLOB)`
  const long = columns.filter(({ deltaType }) => deltaType === 'string' || deltaType === 'binary')
  if (long.length === 0) return line
  return sql`CASE WHEN ${bytesOf(long)} > ${integer(MAX_ROW_BYTES)} THEN ${bytesOf(long)} ELSE ${line} END`
}

/**
 * A line, whose values are judged by the reader where they can be; a mark for a row that would make a page too large, or holds
 * bytes among these values: JSON would take them for what they are not.
 */
function pageLine(columns: readonly SourceColumn[], judged: ReadonlySet<number>): Sql {
  const isPlain = (column: SourceColumn, n: number): boolean => !judged.has(n) && isJudgedByReader(column)
  const line = array(columns.map((column, n) => (isPlain(column, n) ? valueOf(column) : judgedValue(column))))
  const long = columns.filter(column => !isNumber(column))
  const others = columns.filter(isPlain).map(column => {
    // Numbers are below all texts, and texts below all bytes. A long text among numbers would be held, too.
    const bound = raw(isNumber(column) ? "''" : "x''")
    return sql`${valueOf(column)} COLLATE BINARY >= ${bound}`
  })
  const length = long.length === 0 ? integer(0) : bytesOf(long)
  const other = others.length === 0 ? sql`` : sql` WHEN ${grouped(others, ' OR ')} THEN ${text(OF_OTHER_CLASS)}`
  return sql`CASE WHEN ${length} > :most THEN ${text(TOO_LONG)}${other} ELSE ${line} END`
}

function isNumber(column: SourceColumn): boolean {
  return /^(long|boolean|double|decimal)$/.test(sqliteColumn(column).carried.form.kind)
}

/** The most arguments that one call takes. */
const ARGUMENTS = 900

/** Some thousand columns are several arrays, one behind the other. */
function array(values: readonly Sql[]): Sql {
  return join(
    inGroups(values, ARGUMENTS).map(group => sql`json_array(${join(group)})`),
    ' || ',
  )
}

/** How many terms stand in one pair of parentheses: a statement may only be so deep. */
const TERMS = 500

function bytesOf(columns: readonly SourceColumn[]): Sql {
  return grouped(
    columns.map(column => sql`ifnull(octet_length(${valueOf(column)}), 0)`),
    ' + ',
  )
}

function grouped(terms: readonly Sql[], operator: string): Sql {
  const groups = inGroups(terms, TERMS).map(group => sql`(${join(group, operator)})`)
  return join(groups, operator)
}

function inGroups(all: readonly Sql[], size: number): (readonly Sql[])[] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, n) => all.slice(n * size, (n + 1) * size))
}
