/** Functions of numbers: rounding is half up, on the shortest decimal text of a fraction; what overflows is an error. */
import { integer, raw, sql } from '../../../engine/sql.ts'
import type { Builder } from './arithmetic.ts'
import { decimalOf } from './cast-text.ts'
import type { Typed } from './cast.ts'
import { arg, type PortableFunction, typed } from './function.ts'
import { duckdbType, isFractional, isIntegral, isNumeric, isOpen, type LakeType, printType, simple } from './type.ts'

function round(args: readonly Typed[], b: Builder): Typed {
  const value = arg(args, 0)
  const digits = args.length === 2 ? Number(arg(args, 1).literal ?? Number.NaN) : 0
  if (!Number.isInteger(digits) || digits < 0 || digits > 15)
    return b.refuse('the number of digits is a literal from 0 to 15')
  if (isIntegral(value.type) || isOpen(value.type)) return value
  if (value.type.kind === 'decimal') {
    const scale = Math.min(value.type.scale, digits)
    const precision = Math.min(38, value.type.precision - value.type.scale + 1 + scale)
    const type: LakeType = { kind: 'decimal', precision, scale }
    return typed(sql`CAST(round(${value.sql}, ${integer(scale)}) AS ${duckdbType(type)})`, type)
  }
  if (!isFractional(value.type)) return b.mistyped(`round of ${printType(value.type)}`)
  // HALF_UP on the shortest decimal text, as Spark does; from 2^52 on a double has no fraction.
  const rounded = decimalOf(
    sql`CAST(${value.sql} AS VARCHAR)`,
    { kind: 'decimal', precision: 38, scale: digits },
    false,
  )
  const exact = sql`CAST(CAST(${rounded} AS VARCHAR) AS ${duckdbType(value.type)})`
  return typed(sql`CASE WHEN abs(${value.sql}) < 4503599627370496 THEN ${exact} ELSE ${value.sql} END`, value.type)
}

function wholeNumber(name: 'floor' | 'ceil'): PortableFunction {
  const build = (args: readonly Typed[], b: Builder): Typed => {
    const value = arg(args, 0)
    if (isIntegral(value.type)) return b.as(value, simple('long'))
    if (value.type.kind === 'decimal') return b.refuse('the argument is an integer or a DOUBLE')
    const x = b.as(value, simple('double')).sql
    const [least, most] = [sql`CAST(-9223372036854775808 AS BIGINT)`, sql`CAST(9223372036854775807 AS BIGINT)`]
    return typed(
      sql`CASE WHEN isnan(${x}) THEN CAST(0 AS BIGINT) WHEN ${x} >= 9223372036854775807 THEN ${most} WHEN ${x} <= -9223372036854775808 THEN ${least} ELSE CAST(${raw(name)}(${x}) AS BIGINT) END`,
      simple('long'),
    )
  }
  const meaning = `The next whole number ${name === 'floor' ? 'below' : 'above'}, a BIGINT; beyond its range its end, 0 for NaN.`
  return { name, signature: `${name}(number)`, meaning, arity: [1, 1], build }
}

function abs(args: readonly Typed[], b: Builder): Typed {
  const value = arg(args, 0)
  if (!isNumeric(value.type) && !isOpen(value.type)) return b.mistyped(`abs of ${printType(value.type)}`)
  return typed(sql`abs(${value.sql})`, value.type)
}

export const NUMBER_FUNCTIONS: readonly PortableFunction[] = [
  {
    name: 'abs',
    signature: 'abs(number)',
    meaning: 'Without its sign; the least integer is an overflow error.',
    arity: [1, 1],
    build: abs,
  },
  {
    name: 'round',
    signature: 'round(number [, digits])',
    meaning: 'Rounded half up, away from zero; the digits are a literal from 0 to 15.',
    arity: [1, 2],
    build: round,
  },
  wholeNumber('floor'),
  wholeNumber('ceil'),
]
