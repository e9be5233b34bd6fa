/**
 * Two columns that may be carried in different types, brought to one in which equal values are equal: a number is a
 * number in any width, a text that holds a value is that value, and one that does not is no value at all.
 */
import { raw, type Sql, sql } from '../../engine/sql.ts'

export interface Aligned {
  source: (column: Sql) => Sql
  target: (column: Sql) => Sql
}

const INTEGER = /^U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)$/
const DECIMAL = /^DECIMAL\((\d+),(\d+)\)$/
const TIME = /^(DATE|TIMESTAMP(_S|_MS|_NS)?|TIMESTAMP WITH TIME ZONE)$/
const NESTED = /\[|\bSTRUCT\b|\bMAP\b|\bUNION\b/

const cast = (type: Sql) => (column: Sql) => sql`CAST(${column} AS ${type})`
const both = (work: (column: Sql) => Sql): Aligned => ({ source: work, target: work })

/**
 * How to compare a source's column with a column of a copy, both given by their types in the engine; undefined when the
 * types have nothing to do with one another.
 *
 * @param options.isJson the source's column holds JSON: it is the same whatever its blanks
 * @param options.isPlain a text that holds no value is NULL: for keys and cursors, which are shown and ordered
 */
export function align(
  source: string,
  target: string,
  { isJson = false, isPlain = false }: { isJson?: boolean; isPlain?: boolean } = {},
): Aligned | undefined {
  if (NESTED.test(source) || NESTED.test(target)) return undefined
  if (isJson && isText(target)) return both(jsonText)
  if (source === target) return both(column => column)
  if (isText(source) && isText(target)) return both(cast(sql`VARCHAR`))
  if (source === 'BLOB' || target === 'BLOB') return undefined
  if (isText(source)) return { source: asValue(raw(target), isPlain), target: wrapped(isPlain) }
  if (isText(target)) return { source: wrapped(isPlain), target: asValue(raw(source), isPlain) }
  if (TIME.test(source) && TIME.test(target)) return both(cast(sql`TIMESTAMP WITH TIME ZONE`))
  const type = numberType(source, target)
  return type === undefined ? undefined : both(cast(type))
}

function isText(type: string): boolean {
  return type === 'VARCHAR' || type === 'JSON'
}

/** The value that a text holds, and whether there is one where the text is not NULL. */
function asValue(type: Sql, isPlain: boolean): (column: Sql) => Sql {
  const value = (column: Sql): Sql => sql`TRY_CAST(${column} AS ${type})`
  if (isPlain) return value
  return column => sql`{value: ${value(column)}, unreadable: ${column} IS NOT NULL AND ${value(column)} IS NULL}`
}

function wrapped(isPlain: boolean): (column: Sql) => Sql {
  return column => (isPlain ? column : sql`{value: ${column}, unreadable: false}`)
}

/** JSON without blanks; text that is none stays as it is. */
function jsonText(column: Sql): Sql {
  return sql`CASE WHEN json_valid(CAST(${column} AS VARCHAR)) THEN CAST(json(CAST(${column} AS VARCHAR)) AS VARCHAR) \
ELSE CAST(${column} AS VARCHAR) END`
}

/** A type that holds the numbers of both exactly; floating point where one of them is. */
function numberType(a: string, b: string): Sql | undefined {
  if ([a, b].every(type => INTEGER.test(type) || type === 'BOOLEAN')) return sql`HUGEINT`
  if ([a, b].some(type => !isNumber(type))) return undefined
  if (a === 'FLOAT' || b === 'FLOAT') return sql`FLOAT`
  if (a === 'DOUBLE' || b === 'DOUBLE') return sql`DOUBLE`
  const [first, second] = [digits(a), digits(b)]
  const scale = Math.max(first.scale, second.scale)
  const before = Math.max(first.before, second.before)
  return before + scale > 38 ? sql`DOUBLE` : raw(`DECIMAL(${before + scale},${scale})`)
}

function isNumber(type: string): boolean {
  return INTEGER.test(type) || DECIMAL.test(type) || type === 'DOUBLE' || type === 'FLOAT'
}

/** Digits before and after the point. */
function digits(type: string): { before: number; scale: number } {
  const [, precision, scale] = DECIMAL.exec(type) ?? []
  if (precision === undefined)
    return { before: type.endsWith('BIGINT') ? 20 : type.endsWith('HUGEINT') ? 38 : 10, scale: 0 }
  return { before: Number(precision) - Number(scale), scale: Number(scale) }
}
