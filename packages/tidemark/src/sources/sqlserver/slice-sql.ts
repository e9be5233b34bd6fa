/** The statements that read a slice. Names are always qualified and quoted, values are literals in their column's type. */
import { ident, integer, join, raw, type Sql, sql, text } from '../../engine/sql.ts'
import { belongingSlice, countedRows, whereBelongs, wherePassed } from '../belonging.ts'
import { EVERY_ROW, noLiteral, type SliceSql, sliceSql, type WrongLiteral } from '../slice.ts'
import type { Slice, SourceColumn } from '../source.ts'
import { type CsvForm, isLiteral, type Literal, literalSql, sqlServerColumn } from './column.ts'
import type { SqlServerTable } from './to-table.ts'

type Relation = Pick<SqlServerTable, 'schema' | 'table' | 'primaryKey' | 'versions' | 'onlyWith' | 'filter'>

export interface SqlServerSlice extends SliceSql {
  /** Set when the rows are those that the server has tracked: joined, so that nobody scans for them. */
  changedAfter?: bigint
  /** The literals in it, to be asked about before it is used. */
  literals: readonly WrittenLiteral[]
}

export interface WrittenLiteral {
  column: SourceColumn
  literal: Literal
}

/**
 * A slice as a condition, its columns found and spelled as the database does.
 *
 * @param columnOf finds a column of the table by name
 */
export function sqlServerSlice(
  slice: Slice,
  table: Pick<Relation, 'versions'>,
  columnOf: (name: string) => SourceColumn,
): SqlServerSlice | WrongLiteral {
  if (slice.kind === 'since') return sinceSql(slice.horizon, table)
  const literals: WrittenLiteral[] = []
  const exact = sliceSql(slice, columnOf, {
    value: ({ name }) => value(name),
    literal: (column, written) => {
      const literal = sqlServerColumn(column).literal(written)
      if (literal === undefined) return noLiteral(column, written)
      literals.push({ column, literal })
      return literalSql(literal)
    },
  })
  return 'reason' in exact ? exact : { ...exact, literals }
}

function sinceSql(horizon: bigint, { versions }: Pick<Relation, 'versions'>): SqlServerSlice {
  if (versions === undefined) throw new TypeError('this is a bug in tidemark: rows of this table have no versions')
  const slice = { literals: [] }
  if (versions.kind === 'change tracking') return { ...slice, condition: EVERY_ROW, changedAfter: horizon - 1n }
  const condition = sql`${value(versions.column)} >= CONVERT(binary(8), CONVERT(bigint, ${integer(horizon)}))`
  return { ...slice, condition }
}

/** `l0`, `l1` …: `0` for each literal that the server cannot read. */
export function literalsStatement(literals: readonly WrittenLiteral[]): Sql {
  return sql`SELECT ${join(literals.map(({ literal }, n) => sql`${isLiteral(literal)} AS ${ident(`l${n}`)}`))}`
}

/** `total`, `in_slice`, `without_cursor`, and `unfit_<n>` for each column with values that its lake type may not hold. */
export function countStatement(
  table: Relation,
  slice: SqlServerSlice,
  columns: readonly SourceColumn[],
  cursor: string | undefined,
): Sql {
  const { changedAfter } = slice
  const condition = belongingSlice(table, slice.condition)
  const unfit = columns.flatMap((column, n) => {
    const { unfit: judged } = sqlServerColumn(column)
    if (judged === undefined) return []
    const name = value(column.name)
    const test = sql`${condition} AND ${name} IS NOT NULL AND ${judged.test(name)}`
    return [sql`, ${count(sql`CASE WHEN ${test} THEN 1 END`)} AS ${ident(`unfit_${n}`)}`]
  })
  const nulls = (name: string): Sql => count(sql`CASE WHEN ${value(name)} IS NULL THEN 1 END`)
  // The changed rows are a few: the whole is counted beside them.
  const whole = (counted: Sql): Sql =>
    changedAfter === undefined ? counted : sql`(SELECT ${counted} FROM ${relation(table)}${wherePassed(table)})`
  const inSlice = changedAfter === undefined ? count(sql`CASE WHEN ${condition} THEN 1 END`) : count(countedRows(table))
  const withoutCursor = cursor === undefined ? raw('') : sql`, ${whole(nulls(cursor))} AS without_cursor`
  return sql`SELECT ${whole(count(countedRows(table)))} AS total, ${inSlice} AS in_slice${withoutCursor}${join(unfit, '')} FROM ${from(table, slice)}${wherePassed(table)}`
}

const count = (what: Sql): Sql => sql`CONVERT(varchar(20), count_big(${what}))`

/** A constant, then the columns. It is never text, so a byte order mark in the data stays data. */
export function copyStatement(table: Relation, slice: SqlServerSlice, columns: readonly SourceColumn[]): Sql {
  return sql`${selectList(columns)} FROM ${from(table, slice)}${whereBelongs(table, slice.condition)}`
}

/** A constant, then the keys. Without it a single NULL key would be an empty line, which readers skip. */
export function copyKeysStatement(table: Relation, columns: readonly SourceColumn[]): Sql {
  return sql`${selectList(columns)} FROM ${relation(table)}${whereBelongs(table)}`
}

/** The same for the keys that the server has seen going away; their rows are no more, only what was tracked is. */
export function copyDeletedStatement(table: Relation, columns: readonly SourceColumn[], horizon: bigint): Sql {
  return sql`${selectList(columns)} FROM ${changes(table, horizon - 1n)} AS t WHERE t.SYS_CHANGE_OPERATION = 'D'`
}

/** How the columns of all three are written. */
export function formsOf(columns: readonly SourceColumn[]): CsvForm[] {
  return ['bare', ...columns.map(column => sqlServerColumn(column).form)]
}

function selectList(columns: readonly SourceColumn[]): Sql {
  const values = columns.map(column => sqlServerColumn(column).select(value(column.name)))
  // Unnamed columns are no error of a SELECT; the driver tells them by their place.
  return sql`SELECT ${join([text('0'), ...values])}`
}

function from(table: Relation, { changedAfter }: SqlServerSlice): Sql {
  if (changedAfter === undefined) return relation(table)
  const same = table.primaryKey.map(key => sql`c.${ident(key)} = ${value(key)}`)
  return sql`${changes(table, changedAfter)} AS c JOIN ${relation(table)} ON ${join(same, ' AND ')}`
}

/** A key that went away and came back is told once, as it is now. */
function changes({ schema, table }: Relation, after: bigint): Sql {
  return sql`CHANGETABLE(CHANGES ${ident(schema, table)}, ${integer(after)})`
}

function relation({ schema, table }: Relation): Sql {
  return sql`${ident(schema, table)} AS t`
}

/** Qualified, so that a column named like one of the server's functions or words is still the column. */
function value(column: string): Sql {
  return sql`t.${ident(column)}`
}
