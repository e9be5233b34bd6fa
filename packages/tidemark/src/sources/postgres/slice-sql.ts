/**
 * The statements that read a slice. A row version is the raw 32-bit transaction id: it is compared by age for the range
 * and by equality for identity, never for order.
 */
import { ident, join, raw, type Sql, sql, text } from '../../engine/sql.ts'
import { segmentColumn } from '../typed-rows.ts'
import { belongingSlice, countedRows, whereBelongs, wherePassed } from '../belonging.ts'
import type { ChunkSlice, Slice, SourceColumn, SourceTable, TableRef } from '../source.ts'
import { type PostgresColumn, postgresColumn, wireOf } from './column.ts'

type Relation = Pick<
  SourceTable,
  'schema' | 'table' | 'hasRowVersion' | 'columns' | 'leadingColumns' | 'onlyWith' | 'filter'
>

/** Transaction ids below 3 are permanent: no row that a horizon speaks of has one. */
const FIRST_NORMAL_XID = 3n
const ALWAYS = sql`true`

/**
 * `total`, `in_slice`, `without_cursor`, and `unfit_<n>` for each column with values that its lake type may not hold: by one
 * scan, and where an index leads to the slice by what that finds, beside a count of all rows that looks at none of them.
 */
export function countStatement(table: Relation, slice: Slice, columns: readonly SourceColumn[], cursor?: string): Sql {
  const condition = sliceCondition(slice, table)
  const inSlice = belongingSlice(table, condition)
  if (isFoundByIndex(table, slice)) return countByIndex(table, inSlice, columns, cursor)
  const unfit = unfitCounts(columns, test => sql`${inSlice} AND ${test}`)
  const withoutCursor = cursor === undefined ? raw('') : sql`, count(*) - count(${value(cursor)}) AS without_cursor`
  const scanned = wherePassed(table, ...(isPart(slice) ? [condition] : []))
  return sql`SELECT count(${countedRows(table)}) AS total, count(*) FILTER (WHERE ${inSlice}) AS in_slice${withoutCursor}${unfit} \
FROM ${relation(placeOf(table, slice))}${scanned}`
}

/** True where an index leads to the slice, and all rows of the table are counted beside it. */
export function isFoundByIndex({ leadingColumns = [] }: Pick<Relation, 'leadingColumns'>, slice: Slice): boolean {
  return slice.kind === 'cursor' && slice.byIndex !== true && leadingColumns.includes(slice.column)
}

/** A scan that tests every row for the slice takes the server three times as long as one that only counts them. */
function countByIndex(
  table: Relation,
  inSlice: Sql,
  columns: readonly SourceColumn[],
  cursor: string | undefined,
): Sql {
  const counts = sql`${ofTable(table, cursor)}, count(*) AS in_slice${unfitCounts(columns, test => test)}`
  return sql`SELECT ${counts} FROM ${relation(table)}${wherePassed(table, inSlice)}`
}

/** `total` and `without_cursor` alone: for a slice whose rows are copied meanwhile. */
export function countTableStatement(table: Relation, cursor?: string): Sql {
  return sql`SELECT ${ofTable(table, cursor)}`
}

/** Each by the cheapest scan for it: rows are counted without a look at them, those without a cursor found by its index. */
function ofTable(table: Relation, cursor: string | undefined): Sql {
  const from = sql`FROM ${relation(table)}`
  const total = sql`(SELECT count(${countedRows(table)}) ${from}${wherePassed(table)}) AS total`
  if (cursor === undefined) return total
  return sql`${total}, (SELECT count(*) ${from}${wherePassed(table, sql`${value(cursor)} IS NULL`)}) AS without_cursor`
}

function unfitCounts(columns: readonly SourceColumn[], where: (test: Sql) => Sql): Sql {
  const counts = columns.flatMap((column, n) => {
    const test = unfitCondition(postgresColumn(column))
    if (test === undefined) return []
    return [sql`, count(*) FILTER (WHERE ${where(test)}) AS ${ident(`unfit_${n}`)}`]
  })
  return join(counts, '')
}

/** Rows outside are of no interest, not even to be counted. */
function isPart(slice: Slice): boolean {
  if (slice.kind === 'cursor') return slice.byIndex === true
  return slice.kind === 'keys' || stretchOf(slice) !== undefined
}

function unfitCondition({ name, unfit }: PostgresColumn): Sql | undefined {
  if (unfit === undefined) return undefined
  // CASE keeps the order of evaluation: a test may convert what is not NULL.
  return sql`CASE WHEN ${value(name)} IS NULL THEN false ELSE ${unfit.test(value(name))} END`
}

/**
 * The rows of `copyStatement` as a query with columns `c0`, `c1` …: values of the columns in `typed` as they are, all others
 * as COPY writes them, and a version that rows carry as its age, which is a number for every driver.
 */
export function readStatement(
  table: Relation,
  slice: Slice,
  columns: readonly SourceColumn[],
  typed: ReadonlySet<SourceColumn>,
): Sql {
  const values = columns.map(column => (typed.has(column) ? typedColumn(column) : outputText(column)))
  const list = [outputVersion(table, columns), ...values]
  const named = list.map((one, i) => sql`${one} AS ${ident(segmentColumn(i))}`)
  return sql`SELECT ${join(named)} FROM ${relation(placeOf(table, slice))}${whereBelongs(table, sliceCondition(slice, table))}`
}

function typedColumn(column: SourceColumn): Sql {
  const { select, typedForm = { select } } = postgresColumn(column)
  return typedForm.select(value(column.name))
}

/** By the type's output function, as COPY does: a cast would trim `char(n)` and add the mask of an `inet`. */
function outputText(column: SourceColumn): Sql {
  // Of a composite value with NULLs in it IS NOT NULL is false.
  return sql`CASE WHEN ${value(column.name)} IS DISTINCT FROM NULL THEN pg_catalog.concat(${selectColumn(column)}) END`
}

function outputVersion(table: Relation, columns: readonly SourceColumn[]): Sql {
  return table.hasRowVersion ? sql`pg_catalog.age(t.xmin)` : rowVersion(table, columns)
}

/** Row version, columns. */
export function copyStatement(table: Relation, slice: Slice, columns: readonly SourceColumn[]): Sql {
  const list = join([rowVersion(table, columns), ...columns.map(sentColumn)])
  return copyOut(
    sql`SELECT ${list} FROM ${relation(placeOf(table, slice))}${whereBelongs(table, sliceCondition(slice, table))}`,
  )
}

function rowVersion(table: Relation, columns: readonly SourceColumn[]): Sql {
  if (table.hasRowVersion) return sql`t.xmin`
  return sql`md5(ROW(${join(columns.filter(({ masked }) => masked !== true).map(selectColumn))})::text)`
}

/** The keys of all rows. */
export function copyKeysStatement(table: Relation, columns: readonly SourceColumn[]): Sql {
  return copyOut(sql`SELECT ${join(columns.map(sentColumn))} FROM ${relation(table)}${whereBelongs(table)}`)
}

/** The same for keys that are given, whether or not a row has them. */
export function copyGivenKeysStatement(
  table: Relation,
  columns: readonly SourceColumn[],
  keys: readonly (readonly string[])[],
): Sql {
  const names = columns.map(({ name }) => name)
  const list = join(columns.map(sentColumn))
  return copyOut(sql`SELECT ${list} FROM (${givenKeys(table, names, keys)}) AS t`)
}

function copyOut(query: Sql): Sql {
  return sql`COPY (${query}) TO STDOUT (FORMAT binary)`
}

/** A value in the form that its column is taken in. */
function sentColumn(column: SourceColumn): Sql {
  return wireOf(column) === undefined ? outputText(column) : selectColumn(column)
}

function selectColumn(column: SourceColumn): Sql {
  return postgresColumn(column).select(value(column.name))
}

/** Where the rows of a slice lie: a partition has blocks of its own. */
export function placeOf(table: TableRef, slice: Slice): TableRef {
  return stretchOf(slice)?.partition ?? table
}

/** The stretch of storage that a slice lies in. */
function stretchOf(slice: Slice): ChunkSlice | undefined {
  return slice.kind === 'chunk' ? slice : slice.kind === 'range' ? slice.within : undefined
}

function relation({ schema, table }: TableRef): Sql {
  return sql`${ident(schema, table)} AS t`
}

/** Qualified, so that a column named like one of the server's functions or words is still the column. */
function value(column: string): Sql {
  return sql`t.${ident(column)}`
}

/**
 * Rows whose transaction was not decided at the horizon. A frozen row keeps the id it was written with, which may by now
 * look like one of the future: its age is negative, and it is old.
 */
function sliceCondition(slice: Slice, table: Relation): Sql {
  switch (slice.kind) {
    case 'all':
      return ALWAYS
    case 'since':
      return sql`(age(t.xmin) >= 0 AND age(t.xmin) <= age(${xid(slice.horizon)}))`
    case 'chunk': {
      const to = slice.to === undefined ? ALWAYS : sql`t.ctid < ${block(slice.to)}`
      return sql`(t.ctid >= ${block(slice.from ?? 0n)} AND ${to})`
    }
    case 'cursor': {
      const column = value(slice.column)
      return sql`(${column} IS NULL OR ${column} >= ${text(slice.from)})`
    }
    case 'range': {
      const column = value(slice.column)
      // Bare literals take the column's own type, by the database's own rules.
      const from = slice.from === undefined ? ALWAYS : sql`${column} >= ${text(slice.from)}`
      const to = slice.to === undefined ? ALWAYS : sql`${column} < ${text(slice.to)}`
      const within = slice.within === undefined ? [] : [sliceCondition(slice.within, table)]
      return sql`(${join([...within, sql`${column} IS NOT NULL`, from, to], ' AND ')})`
    }
    case 'keys':
      return keysCondition(slice, table)
  }
}

/** A semi-join, so that an index on the key is of use and a row comes once however often its key is named. */
function keysCondition({ columns, keys }: Slice & { kind: 'keys' }, table: Relation): Sql {
  if (keys.length === 0) return sql`false`
  const list = join(columns.map(value))
  return sql`(${list}) IN (SELECT ${join(columns.map(column => sql`g.${ident(column)}`))} FROM (${givenKeys(table, columns, keys)}) AS g)`
}

/** Keys given as text, as rows of the columns' own types. */
function givenKeys(
  { columns: known }: Relation,
  columns: readonly string[],
  keys: readonly (readonly string[])[],
): Sql {
  const lists = columns.map((_, n) => sql`ARRAY[${join(keys.map(key => text(key[n] ?? '')))}]::text[]`)
  const typed = columns.map((column, n) => {
    const type = known.find(({ name }) => name === column)?.sourceType
    if (type === undefined) throw new TypeError(`this is a bug in tidemark: key column ${column} was not described`)
    return sql`CAST(u.${ident(`k${n}`)} AS ${raw(type)}) AS ${ident(column)}`
  })
  const names = columns.map((_, n) => ident(`k${n}`))
  return sql`SELECT ${join(typed)} FROM unnest(${join(lists)}) AS u (${join(names)})`
}

/** The first place of a block. */
const block = (number: bigint): Sql => sql`${text(`(${number},0)`)}::tid`

/** The 32 bits that a row header keeps of a transaction id. */
function xid(transaction: bigint): Sql {
  const low = transaction & 0xffff_ffffn
  return sql`'${raw(String(low < FIRST_NORMAL_XID ? FIRST_NORMAL_XID : low))}'::xid`
}
