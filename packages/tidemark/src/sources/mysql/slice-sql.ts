/** The statements that read a slice, and the look at values that users wrote before they become part of one. */
import { ident, integer, join, raw, type Sql, sql, text } from '../../engine/sql.ts'
import { belongingSlice, countedRows, whereBelongs, wherePassed } from '../belonging.ts'
import type { Slice, SourceColumn, SourceTable } from '../source.ts'
import { mysqlColumn } from './column.ts'
import type { CsvForm } from './text-rows.ts'

type Relation = Pick<SourceTable, 'schema' | 'table' | 'onlyWith' | 'filter'>

const ALWAYS = sql`true`

/** A slice whose values are literals in their column's own type. */
export interface SliceSql {
  condition: Sql
  /** True where the rows may be in the lake already. */
  isOverlap: boolean
}

/** A value that is none of its column's type. */
export interface WrongLiteral {
  column: string
  reason: string
}

/**
 * A slice as a condition, its columns found and spelled as the database does.
 *
 * @param columnOf finds a column of the table by name
 */
export function sliceSql(slice: Slice, columnOf: (name: string) => SourceColumn): SliceSql | WrongLiteral {
  switch (slice.kind) {
    case 'all':
      return { condition: ALWAYS, isOverlap: false }
    case 'since':
    case 'chunk':
      throw new TypeError(`this is a bug in tidemark: rows of this source have no ${slice.kind}`)
    case 'cursor': {
      const column = columnOf(slice.column)
      const from = literalOf(column, slice.from)
      if (!('sql' in from)) return from
      return {
        condition: sql`(${value(column.name)} IS NULL OR ${value(column.name)} >= ${from.sql})`,
        isOverlap: true,
      }
    }
    case 'range':
      return rangeSql(slice, columnOf(slice.column))
    case 'keys':
      return keysSql(slice, slice.columns.map(columnOf))
  }
}

function rangeSql({ from, to }: Slice & { kind: 'range' }, column: SourceColumn): SliceSql | WrongLiteral {
  const name = value(column.name)
  const conditions = [sql`${name} IS NOT NULL`]
  for (const [bound, operator] of [[from, '>='] as const, [to, '<'] as const]) {
    if (bound === undefined) continue
    const literal = literalOf(column, bound)
    if (!('sql' in literal)) return literal
    conditions.push(sql`${name} ${raw(operator)} ${literal.sql}`)
  }
  return { condition: sql`(${join(conditions, ' AND ')})`, isOverlap: true }
}

function keysSql({ keys }: Slice & { kind: 'keys' }, columns: readonly SourceColumn[]): SliceSql | WrongLiteral {
  const each: Sql[] = []
  for (const key of keys) {
    const parts: Sql[] = []
    for (const [n, column] of columns.entries()) {
      const literal = literalOf(column, key[n] ?? '')
      if (!('sql' in literal)) return literal
      parts.push(sql`${value(column.name)} = ${literal.sql}`)
    }
    each.push(sql`(${join(parts, ' AND ')})`)
  }
  return { condition: each.length === 0 ? sql`false` : sql`(${join(each, ' OR ')})`, isOverlap: true }
}

/** The server itself would take what it cannot read for zero, with a warning that nobody sees. */
function literalOf(column: SourceColumn, written: string): { sql: Sql } | WrongLiteral {
  const found = written.includes('\0') ? undefined : mysqlColumn(column).literal(written)
  if (found !== undefined) return { sql: found }
  return { column: column.name, reason: `${JSON.stringify(written)} is no ${column.sourceType}` }
}

/** Texts of a slice that must be moments of the calendar, which only the server can tell. */
export function momentsOf(slice: Slice, columnOf: (name: string) => SourceColumn): WrongLiteral[] {
  const written: [string, string | undefined][] =
    slice.kind === 'range'
      ? [
          [slice.column, slice.from],
          [slice.column, slice.to],
        ]
      : slice.kind === 'keys'
        ? slice.keys.flatMap(key => slice.columns.map((name, n): [string, string | undefined] => [name, key[n]]))
        : []
  return written.flatMap(([name, text]) => {
    const { deltaType } = columnOf(name)
    return text !== undefined && /^(date|timestamp)/.test(deltaType) ? [{ column: name, reason: text }] : []
  })
}

/** NULL for each text that is no moment. */
export function momentsStatement(moments: readonly WrongLiteral[]): Sql {
  const list = moments.map(({ reason }, n) => sql`CAST(${text(reason)} AS DATETIME(6)) AS ${ident(`m${n}`)}`)
  return sql`SELECT ${join(list)}`
}

/** One scan: `total`, `in_slice`, `without_cursor`, and `unfit_<n>` for each column with values that its lake type may not hold. */
export function countStatement(
  table: Relation,
  slice: SliceSql,
  columns: readonly SourceColumn[],
  cursor: string | undefined,
): Sql {
  const condition = belongingSlice(table, slice.condition)
  const unfit = columns.flatMap((column, n) => {
    const { unfit: judged } = mysqlColumn(column)
    if (judged === undefined) return []
    const test = sql`${condition} AND ${value(column.name)} IS NOT NULL AND ${judged.test(value(column.name))}`
    return [sql`, count(CASE WHEN ${test} THEN 1 END) AS ${ident(`unfit_${n}`)}`]
  })
  const withoutCursor = cursor === undefined ? raw('') : sql`, count(*) - count(${value(cursor)}) AS without_cursor`
  return sql`SELECT count(${countedRows(table)}) AS total, count(CASE WHEN ${condition} THEN 1 END) AS in_slice${withoutCursor}${join(unfit, '')} \
FROM ${relation(table)}${wherePassed(table)}`
}

/** Overlap flag, columns. The first column is never text, so a byte order mark in the data stays data. */
export function copyStatement(
  table: Relation,
  { condition, isOverlap }: SliceSql,
  columns: readonly SourceColumn[],
): Sql {
  return sql`${selectList(isOverlap ? 1 : 0, columns)} FROM ${relation(table)}${whereBelongs(table, condition)}`
}

/** A constant, then the keys. Without it a single NULL key would be an empty line, which readers skip. */
export function copyKeysStatement(table: Relation, columns: readonly SourceColumn[]): Sql {
  return sql`${selectList(0, columns)} FROM ${relation(table)}${whereBelongs(table)}`
}

/** How the columns of both are written. */
export function formsOf(columns: readonly SourceColumn[]): CsvForm[] {
  return ['bare', ...columns.map(column => mysqlColumn(column).form)]
}

function selectList(first: number, columns: readonly SourceColumn[]): Sql {
  return sql`SELECT ${join([integer(first), ...columns.map(column => mysqlColumn(column).select(value(column.name)))])}`
}

function relation({ schema, table }: Relation): Sql {
  return sql`${ident(schema, table)} AS t`
}

/** Qualified, so that a column named like one of the server's functions or words is still the column. */
function value(column: string): Sql {
  return sql`t.${ident(column)}`
}
