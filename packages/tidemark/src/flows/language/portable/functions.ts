/**
 * The closed list of functions, as data: what each means in Spark 4 (ANSI) and the DuckDB expression that means the
 * same. docs/reference/portable-sql.md is printed from it. A function is here only when its values agree exactly.
 */
import { integer, join, raw, type Sql, sql, text } from '../../../engine/sql.ts'
import { type Builder, compare, unify } from './arithmetic.ts'
import { castTo, type Typed } from './cast.ts'
import { decimalOf } from './cast-text.ts'
import { lowerCase, upperCase } from './letters.ts'
import { portablePattern, portableReplacement } from './regexp.ts'
import {
  commonTypeOfLike,
  duckdbType,
  isFractional,
  isIntegral,
  isNumeric,
  isOpen,
  type LakeType,
  printType,
  simple,
} from './type.ts'

export interface PortableFunction {
  name: string
  /** As documentation shows it. */
  signature: string
  /** What it gives, in Spark's terms; the edges included. */
  meaning: string
  /** Fewest and most arguments. */
  arity: readonly [number, number]
  build(args: readonly Typed[], b: Builder): Typed
}

const STRING = simple('string')
const INTEGER = simple('integer')
const arg = (args: readonly Typed[], i: number): Typed => args[i] ?? { sql: raw('NULL'), type: { kind: 'null' } }
const asText = (args: readonly Typed[], i: number, b: Builder): Sql => b.as(arg(args, i), STRING).sql
const asDate = (args: readonly Typed[], i: number, b: Builder): Sql => b.as(arg(args, i), simple('date')).sql
const asInt = (args: readonly Typed[], i: number, b: Builder): Sql => b.as(arg(args, i), INTEGER).sql
const typed = (made: Sql, type: LakeType): Typed => ({ sql: made, type })
const int = (made: Sql): Typed => typed(sql`CAST(${made} AS INTEGER)`, INTEGER)

/** A function of texts that DuckDB has under the same meaning. */
function textFunction(name: string, meaning: string, make: (x: Sql) => Sql): PortableFunction {
  return {
    name,
    signature: `${name}(text)`,
    meaning,
    arity: [1, 1],
    build: (a, b) => typed(make(asText(a, 0, b)), STRING),
  }
}

function textTest(name: string, duckdb: string, meaning: string): PortableFunction {
  return {
    name,
    signature: `${name}(text, part)`,
    meaning,
    arity: [2, 2],
    build: (a, b) => typed(sql`${raw(duckdb)}(${asText(a, 0, b)}, ${asText(a, 1, b)})`, simple('boolean')),
  }
}

function datePart(name: string, part: string, meaning: string, shift = 0): PortableFunction {
  const build = (a: readonly Typed[], b: Builder): Typed =>
    int(sql`date_part(${text(part)}, ${asDate(a, 0, b)}) + ${integer(shift)}`)
  return { name, signature: `${name}(date)`, meaning, arity: [1, 1], build }
}

function timePart(name: string): PortableFunction {
  return {
    name,
    signature: `${name}(timestamp)`,
    meaning: `The ${name} in UTC, an INT.`,
    arity: [1, 1],
    build: (a, b) => int(sql`date_part(${text(name)}, ${utc(arg(a, 0), b)})`),
  }
}

/** A moment as a DuckDB timestamp without zone that shows UTC, whatever zone the session has. */
function utc(value: Typed, b: Builder): Sql {
  if (value.type.kind === 'timestamp_ntz') return value.sql
  return sql`timezone('UTC', ${b.as(value, simple('timestamp')).sql})`
}

const UNITS = ['year', 'quarter', 'month', 'week', 'day', 'hour', 'minute', 'second']

function dateTrunc(args: readonly Typed[], b: Builder): Typed {
  const unit = arg(args, 0).literal?.toLowerCase()
  if (unit === undefined || !UNITS.includes(unit)) return b.refuse(`the unit is one of '${UNITS.join("', '")}'`)
  return typed(sql`timezone('UTC', date_trunc(${text(unit)}, ${utc(arg(args, 1), b)}))`, simple('timestamp'))
}

function regexpReplace(args: readonly Typed[], b: Builder): Typed {
  const [pattern, replacement] = [arg(args, 1).literal, arg(args, 2).literal]
  if (pattern === undefined || replacement === undefined) return b.refuse('pattern and replacement are text literals')
  const p = portablePattern(pattern)
  if ('refused' in p) return b.refuse(p.refused)
  const r = portableReplacement(replacement, p.groups)
  if ('refused' in r) return b.refuse(r.refused)
  return typed(sql`regexp_replace(${asText(args, 0, b)}, ${text(p.re2)}, ${text(r.re2)}, 'g')`, STRING)
}

/** Positions count from 1, 0 means 1, negative ones count from the end; a start before the text eats from the length. */
function substring(args: readonly Typed[], b: Builder): Typed {
  const s = asText(args, 0, b)
  const position = asInt(args, 1, b)
  const start = sql`CASE WHEN ${position} > 0 THEN CAST(${position} AS BIGINT) - 1 WHEN ${position} < 0 THEN length(${s}) + ${position} ELSE 0 END`
  if (args.length === 2) return typed(sql`substring(${s}, greatest(${start}, 0) + 1)`, STRING)
  const end = sql`greatest(CAST(${asInt(args, 2, b)} AS BIGINT) + least(${start}, 0), 0)`
  // greatest and least skip NULL, so NULL arguments are answered first.
  const isNull = sql`(${position} IS NULL OR ${asInt(args, 2, b)} IS NULL)`
  return typed(sql`CASE WHEN ${isNull} THEN NULL ELSE substring(${s}, greatest(${start}, 0) + 1, ${end}) END`, STRING)
}

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

function extreme(name: 'greatest' | 'least'): PortableFunction {
  const build = (args: readonly Typed[], b: Builder): Typed => {
    const { values, type } = unify(args, b, commonTypeOfLike)
    return typed(sql`${raw(name)}(${join(values.map(v => v.sql))})`, type)
  }
  const meaning = `The ${name} of the values that are not NULL; NULL when all are.`
  return { name, signature: `${name}(value, value, …)`, meaning, arity: [2, 100], build }
}

export function coalesce(args: readonly Typed[], b: Builder): Typed {
  const { values, type } = unify(args, b)
  return typed(sql`coalesce(${join(values.map(v => v.sql))})`, type)
}

export function concat(args: readonly Typed[], b: Builder): Typed {
  return typed(
    sql`(${join(
      args.map((_, i) => sql`${asText(args, i, b)}`),
      ' || ',
    )})`,
    STRING,
  )
}

const currentDate: PortableFunction['build'] = (_, b) => {
  b.volatile()
  return typed(raw("CAST(timezone('UTC', now()) AS DATE)"), simple('date'))
}
const currentTimestamp: PortableFunction['build'] = (_, b) => {
  b.volatile()
  return typed(raw('now()'), simple('timestamp'))
}
const days = (name: string, sign: string): PortableFunction => ({
  name,
  signature: `${name}(date, days)`,
  meaning: `The date so many days ${sign === '+' ? 'later' : 'earlier'}.`,
  arity: [2, 2],
  build: (a, b) => {
    const count = arg(a, 1)
    if (count.type.kind === 'long' || isNumeric(count.type) !== isIntegral(count.type))
      return b.mistyped(`days in ${printType(count.type)}; CAST them AS INT`)
    if (count.type.kind === 'string' && count.literal === undefined)
      return b.mistyped('days in string; CAST them AS INT')
    return typed(sql`(${asDate(a, 0, b)} ${raw(sign)} ${asInt(a, 1, b)})`, simple('date'))
  },
})
const ifNull = (name: string): PortableFunction => ({
  name,
  signature: `${name}(value, otherwise)`,
  meaning: 'The first of the two that is not NULL.',
  arity: [2, 2],
  build: coalesce,
})

const SUBSTRING: Omit<PortableFunction, 'name' | 'signature'> = {
  meaning: 'Characters from a position that counts from 1; 0 means 1, a negative one counts from the end.',
  arity: [2, 3],
  build: substring,
}

/** Scalar functions of the portable subset. CASE, CAST, COALESCE and operators are in operators.ts. */
export const SCALAR_FUNCTIONS: readonly PortableFunction[] = [
  textFunction('upper', 'Upper case, in which ß is SS.', upperCase),
  textFunction('lower', 'Lower case.', lowerCase),
  textFunction('trim', 'Without spaces at both ends; other blanks stay.', x => sql`trim(${x}, ' ')`),
  textFunction('ltrim', 'Without spaces at the start.', x => sql`ltrim(${x}, ' ')`),
  textFunction('rtrim', 'Without spaces at the end.', x => sql`rtrim(${x}, ' ')`),
  textTest('startswith', 'starts_with', 'Whether the text starts with the part.'),
  textTest('endswith', 'ends_with', 'Whether the text ends with the part.'),
  textTest('contains', 'contains', 'Whether the part is in the text.'),
  {
    name: 'length',
    signature: 'length(text)',
    meaning: 'Number of characters (Unicode code points), an INT.',
    arity: [1, 1],
    build: (a, b) => int(sql`length(${asText(a, 0, b)})`),
  },
  { name: 'substring', signature: 'substring(text, position [, length])', ...SUBSTRING },
  { name: 'substr', signature: 'substr(text, position [, length])', ...SUBSTRING },
  {
    name: 'replace',
    signature: 'replace(text, find, with)',
    meaning: 'Every occurrence of a literal text replaced; an empty find changes nothing.',
    arity: [3, 3],
    build: (a, b) => typed(sql`replace(${asText(a, 0, b)}, ${asText(a, 1, b)}, ${asText(a, 2, b)})`, STRING),
  },
  {
    name: 'regexp_replace',
    signature: "regexp_replace(text, 'pattern', 'replacement')",
    meaning:
      'Every match replaced; $1 is a group. Pattern and replacement are literals; no anchors $ and \\b, no (?…).',
    arity: [3, 3],
    build: regexpReplace,
  },
  {
    name: 'concat',
    signature: 'concat(value, …)',
    meaning: 'The texts joined; NULL when one of them is NULL.',
    arity: [1, 100],
    build: concat,
  },
  ifNull('ifnull'),
  ifNull('nvl'),
  {
    name: 'nullif',
    signature: 'nullif(value, other)',
    meaning: 'NULL when the two are equal, else the value.',
    arity: [2, 2],
    build: (a, b) => {
      const equal = compare(raw('='), arg(a, 0), arg(a, 1), b)
      return typed(sql`CASE WHEN ${equal.sql} THEN NULL ELSE ${arg(a, 0).sql} END`, arg(a, 0).type)
    },
  },
  extreme('greatest'),
  extreme('least'),
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
  {
    name: 'date_trunc',
    signature: "date_trunc('unit', timestamp)",
    meaning: `The start of the unit in UTC, a TIMESTAMP. Units: ${UNITS.join(', ')}; weeks begin on Monday.`,
    arity: [2, 2],
    build: dateTrunc,
  },
  datePart('year', 'year', 'The year, an INT.'),
  datePart('quarter', 'quarter', 'The quarter, 1 to 4, an INT.'),
  datePart('month', 'month', 'The month, 1 to 12, an INT.'),
  datePart('day', 'day', 'The day of the month, an INT.'),
  datePart('dayofmonth', 'day', 'The day of the month, an INT.'),
  datePart('dayofweek', 'dow', 'The day of the week, 1 is Sunday, an INT.', 1),
  datePart('dayofyear', 'doy', 'The day of the year, an INT.'),
  datePart('weekofyear', 'week', 'The ISO week, an INT.'),
  timePart('hour'),
  timePart('minute'),
  timePart('second'),
  {
    name: 'datediff',
    signature: 'datediff(end, start)',
    meaning: 'Days from start to end, an INT.',
    arity: [2, 2],
    build: (a, b) => int(sql`${asDate(a, 0, b)} - ${asDate(a, 1, b)}`),
  },
  days('date_add', '+'),
  days('date_sub', '-'),
  {
    name: 'to_date',
    signature: 'to_date(value)',
    meaning: 'The same as CAST(value AS DATE).',
    arity: [1, 1],
    build: (a, b) => castTo(arg(a, 0), simple('date')) ?? b.mistyped(`${printType(arg(a, 0).type)} is no date`),
  },
  {
    name: 'current_date',
    signature: 'current_date()',
    meaning: 'Today in UTC; a view with it is always refreshed.',
    arity: [0, 0],
    build: currentDate,
  },
  {
    name: 'current_timestamp',
    signature: 'current_timestamp()',
    meaning: 'Now; a view with it is always refreshed.',
    arity: [0, 0],
    build: currentTimestamp,
  },
  {
    name: 'now',
    signature: 'now()',
    meaning: 'The same as current_timestamp().',
    arity: [0, 0],
    build: currentTimestamp,
  },
]
