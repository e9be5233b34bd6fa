/**
 * The statements that read a slice. A row version is the raw 32-bit transaction id: it is compared by age for the range
 * and by equality for identity, never for order.
 */
import { ident, integer, join, raw, type Sql, sql, text } from '../../engine/sql.ts'
import { segmentColumn } from '../read-csv.ts'
import { belongingSlice, countedRows, whereBelongs, wherePassed } from '../belonging.ts'
import type { ChunkSlice, Slice, SourceColumn, SourceTable, TableRef } from '../source.ts'
import { type PostgresColumn, postgresColumn, wireOf } from './column.ts'

type Relation = Pick<SourceTable, 'schema' | 'table' | 'hasRowVersion' | 'columns' | 'onlyWith' | 'filter'>

/** Transaction ids below 3 are permanent: no row that a horizon speaks of has one. */
const FIRST_NORMAL_XID = 3n
const ALWAYS = sql`true`

/** One scan: `total`, `in_slice`, `without_cursor`, and `unfit_<n>` for each column with values that its lake type may not hold. */
export function countStatement(table: Relation, slice: Slice, columns: readonly SourceColumn[], cursor?: string): Sql {
  const condition = sliceCondition(slice, table)
  const inSlice = belongingSlice(table, condition)
  const unfit = columns.flatMap((column, n) => {
    const condition = unfitCondition(postgresColumn(column))
    if (condition === undefined) return []
    return [sql`, count(*) FILTER (WHERE ${inSlice} AND ${condition}) AS ${ident(`unfit_${n}`)}`]
  })
  const withoutCursor = cursor === undefined ? raw('') : sql`, count(*) - count(${value(cursor)}) AS without_cursor`
  const scanned = wherePassed(table, ...(isPart(slice) ? [condition] : []))
  return sql`SELECT count(${countedRows(table)}) AS total, count(*) FILTER (WHERE ${inSlice}) AS in_slice${withoutCursor}${join(unfit, '')} \
FROM ${relation(placeOf(table, slice))}${scanned}`
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
 * as COPY writes them.
 */
export function readStatement(
  table: Relation,
  slice: Slice,
  columns: readonly SourceColumn[],
  typed: ReadonlySet<SourceColumn>,
): Sql {
  const values = columns.map(column => (typed.has(column) ? selectColumn(column) : outputText(column)))
  const list = [overlapFlag(slice), outputVersion(table, columns), ...values]
  const named = list.map((one, i) => sql`${one} AS ${ident(segmentColumn(i))}`)
  return sql`SELECT ${join(named)} FROM ${relation(placeOf(table, slice))}${whereBelongs(table, sliceCondition(slice, table))}`
}

/** By the type's output function, as COPY does: a cast would trim `char(n)` and add the mask of an `inet`. */
function outputText(column: SourceColumn): Sql {
  // Of a composite value with NULLs in it IS NOT NULL is false.
  return sql`CASE WHEN ${value(column.name)} IS DISTINCT FROM NULL THEN pg_catalog.concat(${selectColumn(column)}) END`
}

function outputVersion(table: Relation, columns: readonly SourceColumn[]): Sql {
  return table.hasRowVersion ? sql`pg_catalog.concat(t.xmin)` : rowVersion(table, columns)
}

/** Overlap flag, row version, columns. */
export function copyStatement(table: Relation, slice: Slice, columns: readonly SourceColumn[]): Sql {
  const list = join([overlapFlag(slice), rowVersion(table, columns), ...columns.map(sentColumn)])
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
function placeOf(table: TableRef, slice: Slice): TableRef {
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

/** `seen` is the first transaction that the earlier snapshot did not know: rows of older ones may be in the lake. */
function overlapFlag(slice: Slice): Sql {
  if (slice.kind === 'all' || slice.kind === 'chunk') return integer(0)
  // Any row of a backfill, of a key or at a cursor may have come before.
  if (slice.kind !== 'since') return integer(1)
  return sql`CASE WHEN age(t.xmin) > age(${xid(slice.seen)}) THEN 1 ELSE 0 END`
}

/** The first place of a block. */
const block = (number: bigint): Sql => sql`${text(`(${number},0)`)}::tid`

/** The 32 bits that a row header keeps of a transaction id. */
function xid(transaction: bigint): Sql {
  const low = transaction & 0xffff_ffffn
  return sql`'${raw(String(low < FIRST_NORMAL_XID ? FIRST_NORMAL_XID : low))}'::xid`
}
