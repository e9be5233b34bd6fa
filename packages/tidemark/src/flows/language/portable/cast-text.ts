/**
 * Texts read as values with the meaning of Spark 4 in ANSI mode. A text is checked against a pattern first, because
 * DuckDB accepts more than Spark does, and then spelled as DuckDB reads it. What Spark reads as the moment of the
 * query (`today`, a time without a date), years before 0, zones by name and hexadecimal floats are errors here.
 */
import { integer, raw, type Sql, sql, text } from '../../../engine/sql.ts'
import { type DecimalType, duckdbType, isFractional, isIntegral, type LakeType, printType } from './type.ts'

const DIGITS = String.raw`(\d+\.?\d*|\.\d+)`
const OFFSET = String.raw`[+-]((0?\d|1[0-7])(:[0-5]?\d)?|(0\d|1[0-7])[0-5]\d|18(:0?0|00)?)`
const ZONE = String.raw` *(Z|UTC|GMT|UT|(UTC|GMT|UT)?${OFFSET})`
const TIME = String.raw`([01]?\d|2[0-3])(:[0-5]?\d(:[0-5]?\d(\.\d*)?(${ZONE})?)?)?`
const DAY = String.raw`\+?\d{4,7}-\d{1,2}-\d{1,2}`

const USUAL_DAY = String.raw`\d{4}-\d\d-\d\d`
const USUAL_MOMENT = String.raw`${USUAL_DAY}[ T]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?`

const PATTERN = {
  integral: String.raw`[+-]?\d+`,
  fraction: String.raw`[+-]?${DIGITS}([eE][+-]?\d+)?[dDfF]?|[+-]?[iI][nN][fF]([iI][nN][iI][tT][yY])?|[+-]NaN|[nN][aA][nN]`,
  decimal: String.raw`[+-]?${DIGITS}([eE][+-]?0*\d{1,9})?`,
  date: String.raw`(?s)\+?\d{4,7}(-\d{1,2}(-\d{1,2}([ T].*)?)?)?`,
  instant: String.raw`\+?\d{4,7}(-\d{1,2})?|${DAY}([ T]${TIME})?`,
} as const

/** `x`, a text, as `target`; undefined when there is no such cast. With `attempt`, NULL in place of an error. */
export function castText(x: Sql, target: LakeType, attempt: boolean): Sql | undefined {
  // Spark cuts control characters off, but around floats and decimals Java does, which keeps DEL.
  const blank = raw(isFractional(target) || target.kind === 'decimal' ? '\\x00-\\x20' : '\\x00-\\x20\\x7F')
  const trimmed = sql`regexp_replace(${x}, '^[${blank}]+|[${blank}]+$', '', 'g')`
  const otherwise = attempt
    ? raw('NULL')
    : sql`error(${text(`CAST_INVALID_INPUT: a text is not a value of type ${printType(target)}`)})`
  const guard = (kind: keyof typeof PATTERN, value: Sql, usual = raw('')): Sql =>
    sql`CASE WHEN ${x} IS NULL THEN NULL${usual} WHEN regexp_full_match(${trimmed}, ${text(PATTERN[kind])}) THEN ${value} ELSE ${otherwise} END`
  const cast = (inner: Sql): Sql => sql`${raw(attempt ? 'TRY_CAST' : 'CAST')}(${inner} AS ${duckdbType(target)})`
  // The spelling that most texts have is DuckDB's own, and read five times as fast.
  const usual = (pattern: string, value: Sql): Sql =>
    sql` WHEN regexp_full_match(${x}, ${text(pattern)}) THEN ${cast(value)}`
  if (isIntegral(target)) return guard('integral', cast(trimmed))
  if (isFractional(target)) return guard('fraction', cast(plainFloat(trimmed)))
  if (target.kind === 'decimal') return guard('decimal', decimalOf(trimmed, target, attempt))
  if (target.kind === 'date')
    return guard('date', cast(fullDay(trimmed)), usual(`(?s)${USUAL_DAY}([ T].*)?`, sql`left(${x}, 10)`))
  if (target.kind === 'timestamp_ntz') return guard('instant', cast(wallClock(trimmed)), usual(USUAL_MOMENT, x))
  if (target.kind === 'timestamp') {
    const whole = sql`${wallClock(trimmed)} || ${offsetOf(trimmed)}`
    return guard('instant', cast(whole), usual(USUAL_MOMENT, sql`${x} || '+00:00'`))
  }
  if (target.kind === 'boolean') {
    const word = sql`lower(${trimmed})`
    return sql`CASE WHEN ${x} IS NULL THEN NULL WHEN ${word} IN ('t', 'true', 'y', 'yes', '1') THEN true WHEN ${word} IN ('f', 'false', 'n', 'no', '0') THEN false ELSE ${otherwise} END`
  }
  return target.kind === 'binary' ? sql`encode(${x})` : undefined
}

/** Without Java's letter for the type and without a sign of NaN. */
function plainFloat(x: Sql): Sql {
  return sql`regexp_replace(regexp_replace(${x}, '([0-9.])[dDfF]$', '\\1'), '^[+-](NaN)$', '\\1')`
}

/**
 * A number in text as a decimal, rounded half up. DuckDB needs a hundred times as long for more than 18 digits, so it
 * gets the chance to do with 18 first.
 */
export function decimalOf(x: Sql, target: DecimalType, attempt: boolean): Sql {
  const plain = plainNumber(x)
  const whole = sql`${raw(attempt ? 'TRY_CAST' : 'CAST')}(${plain} AS ${duckdbType(target)})`
  if (target.precision <= 18 || target.scale > 18) return whole
  const short: DecimalType = { ...target, precision: 18 }
  return sql`coalesce(CAST(TRY_CAST(${plain} AS ${duckdbType(short)}) AS ${duckdbType(target)}), ${whole})`
}

/**
 * A number in text without its exponent. With one, DuckDB's decimals round some numbers up from nothing, let others
 * pass that have too many digits, and fail for others that have few.
 */
function plainNumber(x: Sql): Sql {
  const sign = sql`regexp_extract(${x}, '^[+-]?')`
  const whole = sql`regexp_extract(${x}, '^[+-]?(\\d*)', 1)`
  const digits = sql`(${whole} || regexp_extract(${x}, '\\.(\\d*)', 1))`
  // No exponent beyond 400 leaves a digit in a decimal, or room for the first one.
  const exponent = sql`CAST(regexp_extract(${x}, '[eE](.*)', 1) AS DOUBLE)`
  const point = sql`(length(${whole}) + CAST(greatest(-400, least(400, ${exponent})) AS BIGINT))`
  const plain = sql`CASE WHEN ${point} <= 0 THEN '0.' || repeat('0', - ${point}) || ${digits} WHEN ${point} >= length(${digits}) THEN ${digits} || repeat('0', ${point} - length(${digits})) ELSE left(${digits}, ${point}) || '.' || substring(${digits}, ${point} + 1) END`
  return sql`CASE WHEN contains(lower(${x}), 'e') THEN ${sign} || ${plain} ELSE ${x} END`
}

/** Year, month and day; what is missing is the first. */
function fullDay(x: Sql): Sql {
  const written = sql`regexp_extract(${x}, '0*(\\d{4,}(-\\d{1,2}){0,2})', 1)`
  return sql`${written} || repeat('-1', CAST(2 - length(regexp_replace(${written}, '[^-]', '', 'g')) AS BIGINT))`
}

/** The time part of a text, whose pieces may be missing or have one digit: `HH:MM:SS.ffffff`, cut to microseconds. */
function wallClock(x: Sql): Sql {
  const piece = (group: number): Sql =>
    sql`lpad(regexp_extract(${x}, '[ T](\\d+):?(\\d*):?(\\d*)\\.?(\\d*)', ${integer(group)}), 2, '0')`
  const fraction = sql`left(rpad(regexp_extract(${x}, '\\.(\\d*)', 1), 6, '0'), 6)`
  return sql`${fullDay(x)} || ' ' || ${piece(1)} || ':' || ${piece(2)} || ':' || ${piece(3)} || '.' || ${fraction}`
}

/** The offset of a text from UTC; a text without a zone is UTC whatever zone the session has. */
function offsetOf(x: Sql): Sql {
  const after = (pattern: Sql, group: number): Sql =>
    sql`regexp_extract(${x}, ${text(String.raw`[T ]\d.*([+-])(\d\d|\d):?(\d*)$`)}, ${integer(group)})${pattern}`
  return sql`CASE WHEN ${after(raw(''), 1)} = '' THEN '+00:00' ELSE ${after(raw(''), 1)} || lpad(${after(raw(''), 2)}, 2, '0') || ':' || lpad(${after(raw(''), 3)}, 2, '0') END`
}
