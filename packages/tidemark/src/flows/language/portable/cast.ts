/**
 * Casts with the meaning of Spark 4 in ANSI mode: truncation toward zero, HALF_UP for decimals, an error for a text
 * that is no such value. Texts are checked against a pattern first, because DuckDB accepts more than Spark does.
 */
import { integer, raw, type Sql, sql, text } from '../../../engine/sql.ts'
import { duckdbType, isFractional, isIntegral, isNumeric, isOpen, type LakeType, printType, sameType } from './type.ts'

/** An expression with its type. */
export interface Typed {
  sql: Sql
  type: LakeType
  /** The value of a text or integer literal, for functions that need one. */
  literal?: string | undefined
}

/** What Spark reads as a value of a type; texts outside are an error. A subset where Spark is laxer. */
const DATE = String.raw`\d{4}-\d{1,2}-\d{1,2}`
const SPARK_TEXT: Readonly<Record<string, string>> = {
  integral: String.raw`[+-]?\d+`,
  fraction: String.raw`[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?([iI][nN][fF]([iI][nN][iI][tT][yY])?)|[nN][aA][nN]`,
  decimal: String.raw`[+-]?(\d+\.?\d*|\.\d+)`,
  date: DATE,
  instant: String.raw`${DATE}([ T]\d{1,2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?)?`,
}

/**
 * `value` as `target`, or undefined when Spark has no such cast or ours could differ from it.
 *
 * @param attempt true for TRY_CAST: NULL in place of an error
 */
export function castTo(value: Typed, target: LakeType, attempt = false): Typed | undefined {
  const from = value.type
  if (from.kind === 'other' || target.kind === 'other') return undefined
  if (target.kind === 'unknown' || sameType(from, target)) return value
  const cast = (inner: Sql): Sql => sql`${raw(attempt ? 'TRY_CAST' : 'CAST')}(${inner} AS ${duckdbType(target)})`
  const made = isOpen(from) ? cast(value.sql) : castKnown(value.sql, from, target, cast, attempt)
  return made && { sql: made, type: target }
}

type Cast = (inner: Sql) => Sql

function castKnown(x: Sql, from: LakeType, target: LakeType, cast: Cast, attempt: boolean): Sql | undefined {
  if (from.kind === 'string') return castText(x, target, attempt)
  if (target.kind === 'string') return castToText(x, from)
  if (isNumeric(from) && isIntegral(target)) return isIntegral(from) ? cast(x) : cast(sql`trunc(${x})`)
  // Spark makes a decimal from the shortest text of a double, so 1.005 rounds up.
  if (isFractional(from) && target.kind === 'decimal') return cast(sql`CAST(${x} AS VARCHAR)`)
  if (isNumeric(from) && isNumeric(target)) return cast(x)
  if (from.kind === 'boolean' && isNumeric(target)) return cast(x)
  if (isNumeric(from) && target.kind === 'boolean') return sql`(${x} <> 0)`
  if (from.kind === 'date' && target.kind === 'timestamp_ntz') return cast(x)
  if (from.kind === 'date' && target.kind === 'timestamp') return sql`timezone('UTC', CAST(${x} AS TIMESTAMP))`
  if (from.kind === 'timestamp_ntz' && target.kind === 'date') return cast(x)
  if (from.kind === 'timestamp' && target.kind === 'date') return cast(sql`timezone('UTC', ${x})`)
  const instants = ['timestamp', 'timestamp_ntz']
  if (instants.includes(from.kind) && instants.includes(target.kind)) return sql`timezone('UTC', ${x})`
  return undefined
}

function castText(x: Sql, target: LakeType, attempt: boolean): Sql | undefined {
  const trimmed = sql`regexp_replace(${x}, '^[\\x00-\\x20]+|[\\x00-\\x20]+$', '', 'g')`
  const otherwise = attempt
    ? raw('NULL')
    : sql`error(${text(`CAST_INVALID_INPUT: a text is not a value of type ${printType(target)}`)})`
  const guard = (kind: string, value: Sql): Sql =>
    sql`CASE WHEN ${x} IS NULL THEN NULL WHEN regexp_full_match(${trimmed}, ${text(SPARK_TEXT[kind] ?? '')}) THEN ${value} ELSE ${otherwise} END`
  const cast = (inner: Sql): Sql => sql`${raw(attempt ? 'TRY_CAST' : 'CAST')}(${inner} AS ${duckdbType(target)})`
  if (isIntegral(target)) return guard('integral', cast(trimmed))
  if (isFractional(target)) return guard('fraction', cast(trimmed))
  if (target.kind === 'decimal') return guard('decimal', cast(trimmed))
  if (target.kind === 'date') return guard('date', cast(trimmed))
  if (target.kind === 'timestamp_ntz') return guard('instant', cast(trimmed))
  if (target.kind === 'timestamp') return guard('instant', cast(withZone(trimmed)))
  if (target.kind === 'boolean') {
    const word = sql`lower(${trimmed})`
    return sql`CASE WHEN ${x} IS NULL THEN NULL WHEN ${word} IN ('t', 'true', 'y', 'yes', '1') THEN true WHEN ${word} IN ('f', 'false', 'n', 'no', '0') THEN false ELSE ${otherwise} END`
  }
  return target.kind === 'binary' ? sql`encode(${x})` : undefined
}

/** A text without a zone is UTC whatever zone the session has. */
function withZone(x: Sql): Sql {
  return sql`CASE WHEN regexp_matches(${x}, '(Z|[+-]\\d{2}:\\d{2})$') THEN ${x} WHEN contains(${x}, ':') THEN ${x} || '+00:00' ELSE ${x} || ' 00:00:00+00:00' END`
}

/** Doubles are left out: Spark writes 1.0E20 where DuckDB writes 1e+20. */
function castToText(x: Sql, from: LakeType): Sql | undefined {
  if (isIntegral(from) || from.kind === 'decimal' || from.kind === 'boolean' || from.kind === 'date') {
    return sql`CAST(${x} AS VARCHAR)`
  }
  if (from.kind === 'timestamp_ntz') return sql`CAST(${x} AS VARCHAR)`
  return from.kind === 'timestamp' ? sql`CAST(timezone('UTC', ${x}) AS VARCHAR)` : undefined
}

/** A whole number as a literal of the smallest type Spark gives it. */
export function integerLiteral(value: bigint): Typed {
  const kind = value >= -2147483648n && value <= 2147483647n ? 'integer' : 'long'
  const type: LakeType = { kind }
  return { sql: sql`CAST(${integer(value)} AS ${duckdbType(type)})`, type, literal: String(value) }
}
