/**
 * Casts with the meaning of Spark 4 in ANSI mode: truncation toward zero, HALF_UP for decimals, an error where a value
 * does not fit, but for the few that Spark lets pass: a double beyond a FLOAT is infinite, a decimal of NaN is NULL.
 */
import { integer, raw, type Sql, sql, text } from '../../../engine/sql.ts'
import { castText, decimalOf } from './cast-text.ts'
import {
  type DecimalType,
  duckdbType,
  isFractional,
  isIntegral,
  isNumeric,
  isOpen,
  type LakeType,
  sameType,
} from './type.ts'

/** An expression with its type. */
export interface Typed {
  sql: Sql
  type: LakeType
  /** The value of a text or integer literal, for functions that need one. */
  literal?: string | undefined
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
  if (isIntegral(from) && isNumeric(target)) return cast(x)
  if (isNumeric(from) && isIntegral(target)) return castWhole(x, from, target, cast)
  if (isFractional(from) && target.kind === 'decimal') return castFraction(x, target, attempt)
  if (from.kind === 'double' && target.kind === 'float') return castFloat(x)
  if (from.kind === 'decimal' && isFractional(target)) return castDecimal(x, from.precision, target, cast)
  if (isNumeric(from) && isNumeric(target)) return cast(x)
  // DuckDB makes 0.1 of TRUE where a 1 does not fit.
  if (from.kind === 'boolean' && isNumeric(target)) return cast(sql`CAST(${x} AS INTEGER)`)
  if (isNumeric(from) && target.kind === 'boolean') return sql`(${x} <> 0)`
  if (from.kind === 'date' && target.kind === 'timestamp_ntz') return cast(x)
  if (from.kind === 'date' && target.kind === 'timestamp') return sql`timezone('UTC', CAST(${x} AS TIMESTAMP))`
  if (from.kind === 'timestamp_ntz' && target.kind === 'date') return cast(x)
  if (from.kind === 'timestamp' && target.kind === 'date') return cast(sql`timezone('UTC', ${x})`)
  const instants = ['timestamp', 'timestamp_ntz']
  if (instants.includes(from.kind) && instants.includes(target.kind)) return sql`timezone('UTC', ${x})`
  return undefined
}

/** Cut toward zero. 2^63, the double next to the greatest BIGINT, becomes that; everything beyond is an error. */
function castWhole(x: Sql, from: LakeType, target: LakeType, cast: Cast): Sql {
  const cut = cast(sql`trunc(${x})`)
  if (from.kind === 'decimal' || target.kind !== 'long') return cut
  return sql`CASE WHEN ${x} = 9223372036854775808 THEN CAST(9223372036854775807 AS BIGINT) ELSE ${cut} END`
}

/** Spark makes a decimal from the shortest text of a double, so 1.005 rounds up; what is no number becomes NULL. */
function castFraction(x: Sql, target: DecimalType, attempt: boolean): Sql {
  const made = decimalOf(sql`CAST(CAST(${x} AS DOUBLE) AS VARCHAR)`, target, attempt)
  return sql`CASE WHEN isfinite(${x}) THEN ${made} END`
}

/** From half way behind the greatest FLOAT a double rounds to infinity. */
function castFloat(x: Sql): Sql {
  const isBeyond = sql`abs(${x}) >= CAST('3.4028235677973366e38' AS DOUBLE) AND isfinite(${x})`
  return sql`CAST(CASE WHEN ${isBeyond} THEN sign(${x}) * CAST('Infinity' AS DOUBLE) ELSE ${x} END AS FLOAT)`
}

/** DuckDB divides, and rounds twice where the digits do not fit in the float; its reading of a text rounds once. */
function castDecimal(x: Sql, precision: number, target: LakeType, cast: Cast): Sql {
  return cast(precision <= (target.kind === 'double' ? 15 : 7) ? x : sql`CAST(${x} AS VARCHAR)`)
}

/** Doubles are left out: Spark writes 1.0E20 where DuckDB writes 1e+20. */
function castToText(x: Sql, from: LakeType): Sql | undefined {
  if (isIntegral(from) || from.kind === 'boolean') return sql`CAST(${x} AS VARCHAR)`
  // DuckDB leaves the zero before the point out where all digits stand behind it.
  if (from.kind === 'decimal') {
    const plain = sql`CAST(${x} AS VARCHAR)`
    return from.precision > from.scale ? plain : sql`regexp_replace(${plain}, '^(-?)\\.', '\\10.')`
  }
  if (from.kind === 'date' || from.kind === 'timestamp_ntz') return signedYear(x)
  return from.kind === 'timestamp' ? signedYear(sql`timezone('UTC', ${x})`) : undefined
}

/** A date or time as text: a year of more than four digits has a plus, one before the year 0 is refused. */
function signedYear(x: Sql): Sql {
  const plain = sql`CAST(${x} AS VARCHAR)`
  const tooEarly = sql`error(${text('a year before 0 has no text that both engines write')})`
  return sql`CASE WHEN year(${x}) > 9999 THEN '+' || ${plain} WHEN year(${x}) < 1 THEN ${tooEarly} ELSE ${plain} END`
}

/** A whole number as a literal of the smallest type Spark gives it. */
export function integerLiteral(value: bigint): Typed {
  const kind = value >= -2147483648n && value <= 2147483647n ? 'integer' : 'long'
  const type: LakeType = { kind }
  return { sql: sql`CAST(${integer(value)} AS ${duckdbType(type)})`, type, literal: String(value) }
}
