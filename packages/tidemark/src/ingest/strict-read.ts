/**
 * Reading a text as another type, strictly: the value when the column says exactly what the text says, NULL when it would
 * round, cut or guess. Whoever gets NULL for a text keeps the text.
 */
import { parseDecimal } from '@tidemark/delta'
import { integer, type Sql, sql, text } from '../engine/sql.ts'
import { toDuckType } from '../engine/types.ts'

const INTEGERS: readonly string[] = ['byte', 'short', 'integer', 'long']

/** Digits that come back from a binary fraction as they were. */
const EXACT_DIGITS: Readonly<Record<string, number>> = { float: 6, double: 15 }

const DAY = '[0-9]{4}-[0-9]{2}-[0-9]{2}'
const INSTANT = `${DAY}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?(Z|[+-][0-9]{2}(:?[0-9]{2})?)`

/**
 * `value`, a text, as a column of type `to`; NULL when it does not fit.
 *
 * @param from type that the source's column has: in a number zeros behind the point say nothing, in a text they do
 */
export function strictly(value: Sql, from: string, to: string): Sql {
  const cast = sql`TRY_CAST(${value} AS ${toDuckType(to)})`
  const when = (pattern: string, also: Sql = sql`true`): Sql =>
    sql`CASE WHEN regexp_full_match(${value}, ${text(pattern)}) AND ${also} THEN ${cast} END`
  if (to === 'string') return value
  if (to === 'boolean') return when('true|false')
  // The lake has the years 1 to 9999, and a zone may lead out of the first and the last.
  if (to === 'date') return when(DAY, sql`${value} >= '0001'`)
  if (to === 'timestamp') return when(INSTANT, sql`${value} >= '0002' AND ${value} < '9999'`)
  const isNumber = isNumeric(from)
  if (INTEGERS.includes(to)) return when(isNumber ? '-?[0-9]+([.]0*)?' : '0|-?[1-9][0-9]*')
  const decimal = parseDecimal(to)
  if (decimal !== undefined) {
    const places = `[0-9]{1,${decimal.scale}}`
    const whole = isNumber ? '-?[0-9]+' : '-?(0|[1-9][0-9]*)'
    if (decimal.scale === 0) return when(isNumber ? `${whole}([.]0*)?` : '0|-?[1-9][0-9]*')
    return when(isNumber ? `${whole}([.]${places}0*)?` : `${whole}([.]${places})?`)
  }
  const digits = EXACT_DIGITS[to]
  if (digits === undefined) return sql`CAST(NULL AS ${toDuckType(to)})`
  const significant = sql`length(ltrim(regexp_replace(${value}, '[^0-9]', '', 'g'), '0')) <= ${integer(digits)}`
  return when(isNumber ? '-?[0-9]+([.][0-9]*)?' : '-?(0|[1-9][0-9]*)([.][0-9]+)?', significant)
}

/** True for types whose texts are numbers as a database prints them. */
function isNumeric(type: string): boolean {
  return INTEGERS.includes(type) || type in EXACT_DIGITS || parseDecimal(type) !== undefined
}
