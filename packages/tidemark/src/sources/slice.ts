/**
 * A slice as a condition of a statement, for databases whose values become literals of their column's own type here: what
 * a user wrote is looked at before it is part of a statement, and means the same in each of them.
 */
import { SOURCE_KEY_INVALID, SOURCE_RANGE_INVALID } from '../errors/source-table.ts'
import type { Problem } from '../errors/problem.ts'
import { join, raw, type Sql, sql } from '../engine/sql.ts'
import type { Slice, SourceColumn } from './source.ts'

export interface SliceSql {
  condition: Sql
  /** True where rows outside are of no interest, not even to be counted. */
  isPart?: boolean
}

/** A value that is none of its column's type. */
export interface WrongLiteral {
  column: string
  reason: string
}

/** How one database compares. */
export interface Comparison {
  /** The value as it is stored. */
  value: (column: SourceColumn) => Sql
  /** What is compared with a literal; the value itself when left out. */
  order?: (column: SourceColumn) => Sql
  /** Holds for values that have no order, where there can be such: they belong to every slice by the cursor. */
  unordered?: (column: SourceColumn) => Sql
  literal: (column: SourceColumn, written: string) => Sql | WrongLiteral
}

/** Every row; the words are the same in all databases. */
export const EVERY_ROW: Sql = sql`1 = 1`
const NO_ROW = sql`1 = 0`

/**
 * A slice as a condition, its columns found and spelled as the database does.
 *
 * @param columnOf finds a column of the table by name
 */
export function sliceSql(
  slice: Slice,
  columnOf: (name: string) => SourceColumn,
  by: Comparison,
): SliceSql | WrongLiteral {
  switch (slice.kind) {
    case 'all':
      return { condition: EVERY_ROW }
    case 'chunk': {
      const { from, to } = slice
      if (slice.column === undefined) throw new TypeError('this is a bug in tidemark: this source has no stretches')
      const column = columnOf(slice.column)
      const range = allOf([
        ...(from === undefined ? [] : [compare(column, '>=', String(from), by)]),
        ...(to === undefined ? [] : [compare(column, '<', String(to), by)]),
      ])
      return 'reason' in range ? range : { condition: range, isPart: true }
    }
    case 'since':
      throw new TypeError(`this is a bug in tidemark: rows of this table have no ${slice.kind}`)
    case 'cursor': {
      const column = columnOf(slice.column)
      const compared = compare(column, '>=', slice.from, by)
      if ('reason' in compared) return compared
      const unordered = by.unordered === undefined ? [] : [by.unordered(column)]
      const found = anyOf([sql`${by.value(column)} IS NULL`, ...unordered, compared])
      return slice.byIndex === true ? { ...found, isPart: true } : found
    }
    case 'range': {
      const column = columnOf(slice.column)
      const from = slice.from === undefined ? [] : [compare(column, '>=', slice.from, by)]
      const to = slice.to === undefined ? [] : [compare(column, '<', slice.to, by)]
      const within = slice.within === undefined ? undefined : sliceSql(slice.within, columnOf, by)
      if (within !== undefined && 'reason' in within) return within
      const stretch = within === undefined ? [] : [within.condition]
      const conditions = allOf([...stretch, sql`${by.value(column)} IS NOT NULL`, ...from, ...to])
      if ('reason' in conditions) return conditions
      return { condition: conditions, ...(within === undefined ? {} : { isPart: true }) }
    }
    case 'keys': {
      const columns = slice.columns.map(columnOf)
      const each: Sql[] = []
      for (const key of slice.keys) {
        const same = allOf(columns.map((column, n) => compare(column, '=', key[n] ?? '', by)))
        if ('reason' in same) return same
        each.push(same)
      }
      return each.length === 0 ? { condition: NO_ROW } : anyOf(each)
    }
  }
}

function compare(column: SourceColumn, operator: string, written: string, by: Comparison): Sql | WrongLiteral {
  const literal = by.literal(column, written)
  if ('reason' in literal) return literal
  return sql`${(by.order ?? by.value)(column)} ${raw(operator)} ${literal}`
}

function allOf(conditions: readonly (Sql | WrongLiteral)[]): Sql | WrongLiteral {
  const good: Sql[] = []
  for (const one of conditions) {
    if ('reason' in one) return one
    good.push(one)
  }
  return sql`(${join(good, ' AND ')})`
}

const anyOf = (conditions: readonly Sql[]): SliceSql => ({
  condition: sql`(${join(conditions, ' OR ')})`,
})

/** A text that the column's type does not know. */
export function noLiteral({ name, sourceType }: SourceColumn, written: string): WrongLiteral {
  return { column: name, reason: `${JSON.stringify(written)} is no ${sourceType || 'value'}` }
}

/** A text that looks like a moment and is none. */
export function noDay(column: string, written: string): WrongLiteral {
  return { column, reason: `${JSON.stringify(written)} is no day of the calendar` }
}

/** The Problem of a slice with such a value. */
export function invalidSlice(
  named: { source: string; table: string },
  slice: Slice,
  { column, reason }: WrongLiteral,
  at?: { cause: unknown },
): Problem {
  if (slice.kind !== 'keys') return SOURCE_RANGE_INVALID({ ...named, column, reason }, at)
  return SOURCE_KEY_INVALID({ ...named, columns: slice.columns.join(', '), reason }, at)
}
