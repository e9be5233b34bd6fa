/**
 * Operators over typed values with the result types of Spark 4 in ANSI mode: overflow and division by zero are errors,
 * `/` of integers gives a double, decimals widen until they would need more than 38 digits, which is refused.
 */
import { raw, type Sql, sql, text } from '../../../engine/sql.ts'
import { castTo, type Typed } from './cast.ts'
import {
  asDecimal,
  commonType,
  type DecimalType,
  duckdbType,
  isFractional,
  isIntegral,
  isNumeric,
  isOpen,
  type LakeType,
  printType,
  simple,
  UNKNOWN,
} from './type.ts'

/** What building an expression needs from its surroundings. */
export interface Builder {
  /** Convert where Spark converts by itself; reports a type error where it does not. */
  as(value: Typed, type: LakeType): Typed
  /** Report that the thing being built is outside the subset, or has no meaning; the result fits everywhere. */
  refuse(why: string): Typed
  mistyped(why: string): Typed
  /** Say that the result differs from one moment to the next. */
  volatile(): void
}

export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%'

export function arithmetic(op: ArithmeticOperator, one: Typed, other: Typed, b: Builder): Typed {
  const [left, right] = narrowLiterals(one, other)
  const type = resultType(op, left.type, right.type)
  if (typeof type === 'string') return b.mistyped(type)
  if (type.kind === 'unknown') return { sql: sql`(${left.sql} ${raw(op)} ${right.sql})`, type }
  // Decimals are computed with the operands' own scales; only integers beside them are widened first.
  const operand = (t: LakeType): LakeType => (type.kind === 'decimal' ? (asDecimal(t) ?? type) : type)
  const [x, y] = [b.as(left, operand(left.type)), b.as(right, operand(right.type))]
  if (type.kind === 'decimal') return { sql: decimalSql(op, x, y, type), type }
  const plain = sql`(${x.sql} ${raw(op)} ${y.sql})`
  if (op !== '/' && op !== '%') return { sql: plain, type }
  const whole = op === '%' && isIntegral(type) ? guardLeast(x.sql, y.sql, plain, right) : plain
  return { sql: isNonZero(right) ? whole : guardZero(x.sql, y.sql, whole), type }
}

/** DuckDB keeps to 64 bits while both operands fit in them, and fails; an operand of 19 digits makes it use 128. */
function decimalSql(op: ArithmeticOperator, x: Typed, y: Typed, type: DecimalType): Sql {
  const [a, c] = [asDecimal(x.type), asDecimal(y.type)]
  const isNarrow = a && c && a.precision <= 18 && c.precision <= 18
  const wide = type.precision > 18 && isNarrow ? sql`CAST(${x.sql} AS ${duckdbType({ ...a, precision: 19 })})` : x.sql
  return sql`CAST((${wide} ${raw(op)} ${y.sql}) AS ${duckdbType(type)})`
}

/** Beside a decimal an integer literal has as many digits as are written; any other integer all those of its type. */
function narrowLiterals(left: Typed, right: Typed): [Typed, Typed] {
  const narrow = (value: Typed, other: Typed): Typed => {
    if (value.literal === undefined || !isIntegral(value.type) || other.type.kind !== 'decimal') return value
    const type: LakeType = { kind: 'decimal', precision: value.literal.replace('-', '').length, scale: 0 }
    return { sql: sql`CAST(${value.sql} AS ${duckdbType(type)})`, type }
  }
  return [narrow(left, right), narrow(right, left)]
}

const isNonZero = (value: Typed): boolean => value.literal !== undefined && /^-?\d*[1-9]\d*$/.test(value.literal)

/** The least integer has no positive: DuckDB fails to divide it by -1, Spark's remainder is 0. */
function guardLeast(x: Sql, y: Sql, whole: Sql, divisor: Typed): Sql {
  if (divisor.literal !== undefined && divisor.literal !== '-1') return whole
  return sql`CASE WHEN ${y} = -1 AND ${x} IS NOT NULL THEN 0 ELSE ${whole} END`
}

/** Spark gives NULL for NULL / 0 and fails for every other value divided by zero. */
function guardZero(x: Sql, y: Sql, whole: Sql): Sql {
  return sql`CASE WHEN ${y} = 0 THEN CASE WHEN ${x} IS NULL THEN NULL ELSE error(${text('DIVIDE_BY_ZERO: division by zero')}) END ELSE ${whole} END`
}

/** The result's type, or why there is none. */
function resultType(op: ArithmeticOperator, a: LakeType, b: LakeType): LakeType | string {
  if (a.kind === 'unknown' || b.kind === 'unknown') return op === '/' ? simple('double') : UNKNOWN
  const [x, y] = [numberOf(a, b), numberOf(b, a)]
  if (!x || !y)
    return `${printType(a)} and ${printType(b)} are not two numbers; for dates there are date_add, date_sub and datediff`
  if (isFractional(x) || isFractional(y)) return op === '/' ? simple('double') : (commonType(x, y) ?? UNKNOWN)
  if (isIntegral(x) && isIntegral(y)) return op === '/' ? simple('double') : (commonType(x, y) ?? UNKNOWN)
  return decimalResult(op, asDecimal(x), asDecimal(y))
}

/** A NULL is read as the other side's type, a text beside a number as Spark reads it there. */
function numberOf(type: LakeType, other: LakeType): LakeType | undefined {
  if (isNumeric(type)) return type
  if (type.kind === 'null') return isNumeric(other) ? other : isOpen(other) ? simple('double') : undefined
  return type.kind === 'string' && isNumeric(other) ? commonType(type, other) : undefined
}

function decimalResult(
  op: ArithmeticOperator,
  a: DecimalType | undefined,
  b: DecimalType | undefined,
): LakeType | string {
  if (!a || !b) return UNKNOWN
  if (op === '/' || op === '%')
    return `${op} of decimals is not exact in the same way on both engines; CAST one side AS DOUBLE`
  const scale = op === '*' ? a.scale + b.scale : Math.max(a.scale, b.scale)
  const whole = Math.max(a.precision - a.scale, b.precision - b.scale)
  const precision = op === '*' ? a.precision + b.precision + 1 : whole + scale + 1
  if (precision > 38)
    return `the result needs ${precision} digits and a decimal has 38; CAST the operands to smaller decimals`
  return { kind: 'decimal', precision, scale }
}

export function negate(value: Typed, b: Builder): Typed {
  if (!isNumeric(value.type) && !isOpen(value.type)) return b.mistyped(`- of ${printType(value.type)}`)
  return { sql: sql`(- ${value.sql})`, type: value.type }
}

/** A double or float without the sign of zero, as Spark shows the keys of groups and distinct rows. */
export function unsignedZero(value: Typed): Typed {
  return isFractional(value.type)
    ? { ...value, sql: sql`(${value.sql} + CAST(0 AS ${duckdbType(value.type)}))` }
    : value
}

/** `+ value`: the value, which must be a number. */
export function keepSign(value: Typed, b: Builder): Typed {
  return isNumeric(value.type) || isOpen(value.type) ? value : b.mistyped(`+ of ${printType(value.type)}`)
}

/**
 * Bring values to their common type, in which they are compared or returned.
 *
 * @param find what two types have in common
 */
export function unify(
  values: readonly Typed[],
  b: Builder,
  find: typeof commonType = commonType,
): { values: Typed[]; type: LakeType } {
  let type: LakeType | undefined = { kind: 'null' }
  for (const value of values) {
    const next: LakeType | undefined = type && find(type, value.type)
    if (type && !next) b.mistyped(`${printType(type)} and ${printType(value.type)} have no common type`)
    type = next
  }
  const common = type ?? UNKNOWN
  return { values: values.map(v => b.as(v, common)), type: common }
}

export function compare(operator: Sql, one: Typed, other: Typed, b: Builder): Typed {
  const [left, right] = narrowLiterals(one, other)
  const { values } = unify([left, right], b)
  return {
    sql: sql`(${values[0]?.sql ?? left.sql} ${operator} ${values[1]?.sql ?? right.sql})`,
    type: simple('boolean'),
  }
}

/** `as` of a Builder, given a way to report. */
export function convert(value: Typed, type: LakeType, report: (why: string) => Typed): Typed {
  return castTo(value, type) ?? report(`${printType(value.type)} cannot become ${printType(type)}`)
}
