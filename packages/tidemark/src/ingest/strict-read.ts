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
const MOMENT = `${DAY}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6}0*)?`
const ZONE = '(Z|[+-][0-9]{2}(:?[0-9]{2})?)'

/** Where a text comes from. */
export interface Written {
  /** Type that its column has in the source: in a number zeros behind the point say nothing, in a text they do. */
  from: string
  /** Zone in which a time without one is read. */
  timezone: string
}

/** `value`, a text, as a column of type `to`; NULL when it does not fit. */
export function strictly(value: Sql, written: Written, to: string): Sql {
  const cast = sql`TRY_CAST(${value} AS ${toDuckType(to)})`
  const matches = (pattern: string): Sql => sql`regexp_full_match(${value}, ${text(pattern)})`
  const when = (pattern: string): Sql => sql`CASE WHEN ${matches(pattern)} THEN ${cast} END`
  const isNumber = isNumeric(written.from)
  const decimal = parseDecimal(to)
  if (to === 'string') return value
  if (to === 'boolean') return when(written.from === 'boolean' ? 'true|false|t|f|1|0' : 'true|false')
  // The lake has the years 1 to 9999, and a zone may lead out of the first and the last.
  if (to === 'date') return sql`CASE WHEN ${matches(DAY)} AND ${value} >= '0001' THEN ${cast} END`
  if (to === 'timestamp') {
    return sql`CASE WHEN ${value} < '0002' OR ${value} >= '9999' THEN NULL WHEN ${matches(MOMENT + ZONE)} THEN ${cast} \
WHEN ${matches(MOMENT)} THEN ${instantIn(value, written.timezone)} END`
  }
  if (INTEGERS.includes(to)) return when(wholeNumber(isNumber))
  if (decimal !== undefined) {
    if (decimal.scale === 0) return when(wholeNumber(isNumber))
    const places = `[.][0-9]{1,${decimal.scale}}`
    return when(isNumber ? `-?[0-9]+(${places}0*|[.])?` : `-?(0|[1-9][0-9]*)(${places})?`)
  }
  const digits = EXACT_DIGITS[to]
  if (digits === undefined) return sql`CAST(NULL AS ${toDuckType(to)})`
  const number = isNumber ? '-?[0-9]+([.][0-9]*)?' : '-?(0|[1-9][0-9]*)([.][0-9]+)?'
  const significant = sql`length(ltrim(regexp_replace(${value}, '[^0-9]', '', 'g'), '0'))`
  return sql`CASE WHEN ${matches(number)} AND ${significant} <= ${integer(digits)} OR CAST(${cast} AS VARCHAR) = ${value} \
THEN ${cast} END`
}

function wholeNumber(isNumber: boolean): string {
  return isNumber ? '-?[0-9]+([.]0*)?' : '0|-?[1-9][0-9]*'
}

function instantIn(value: Sql, timezone: string): Sql {
  const moment = sql`TRY_CAST(${value} AS TIMESTAMP)`
  if (timezone === 'UTC') return sql`make_timestamptz(epoch_us(${moment}))`
  return sql`(${moment} AT TIME ZONE ${text(timezone)})`
}

/** True for types whose texts are numbers as a database prints them. */
function isNumeric(type: string): boolean {
  return INTEGERS.includes(type) || type in EXACT_DIGITS || parseDecimal(type) !== undefined
}
