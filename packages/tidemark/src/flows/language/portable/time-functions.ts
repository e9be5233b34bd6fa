/** Functions of dates and times, which are read in UTC whatever zone the session has. */
import { integer, raw, type Sql, sql, text } from '../../../engine/sql.ts'
import type { Builder } from './arithmetic.ts'
import { castTo, type Typed } from './cast.ts'
import { arg, asInt, int, type PortableFunction, typed } from './function.ts'
import { isIntegral, isNumeric, printType, simple } from './type.ts'

function asDate(args: readonly Typed[], i: number, b: Builder): Sql {
  return b.as(arg(args, i), simple('date')).sql
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

export const TIME_FUNCTIONS: readonly PortableFunction[] = [
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
