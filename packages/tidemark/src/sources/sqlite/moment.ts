/**
 * Days and moments that SQLite keeps as texts: which texts are one, and how they are compared. A moment may be written
 * with a blank or a T, with a fraction, with Z or an offset; as texts these do not sort by time.
 */
import { raw, type Sql, sql } from '../../engine/sql.ts'

const DAY = "'[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'"
const OFFSET = "'*[+-][0-9][0-9]:[0-9][0-9]'"

/** A day of the calendar from 0001-01-01 on: SQLite carries the 31st of February over into March. */
export function isDay(value: Sql): Sql {
  return sql`(typeof(${value}) = 'text' AND ${value} GLOB ${raw(DAY)} AND date(${value}) IS ${value} AND ${value} >= '0001-01-01')`
}

/** A moment that the lake holds exactly. Near the ends a zone could lead out of the years that the lake has. */
export function isMoment(value: Sql): Sql {
  const day = sql`substr(${value}, 1, 10)`
  const withTime = sql`substr(${value}, 11, 1) IN (' ', 'T') AND substr(${value}, 12, 2) < '24' \
AND instr(substr(${value}, 12), ' ') = 0 AND datetime(${value}) IS NOT NULL`
  const tooFine = sql`${value} GLOB '*.[0-9][0-9][0-9][0-9][0-9][0-9][0-9]*'`
  return sql`(typeof(${value}) = 'text' AND instr(${value}, char(0)) = 0 AND ${isDay(day)} \
AND ${day} BETWEEN '0001-01-02' AND '9999-12-30' AND (length(${value}) = 10 OR ${withTime}) AND NOT ${tooFine})`
}

/**
 * A moment as a text that sorts by time: `YYYY-MM-DD HH:MM:SS.ffffff`, in UTC where it has a zone of its own. NULL for a
 * text that is no moment.
 */
export function momentText(value: Sql): Sql {
  const hasSeconds = sql`substr(${value}, 17, 1) = ':'`
  const zone = sql`CASE WHEN ${value} LIKE '%Z' THEN 'Z' WHEN length(${value}) > 16 AND ${value} GLOB ${raw(OFFSET)} \
THEN substr(${value}, -6) ELSE '' END`
  const second = sql`datetime(concat(substr(${value}, 1, CASE WHEN ${hasSeconds} THEN 19 ELSE 16 END), ${zone}))`
  const six = sql`substr(${value}, 21, 6)`
  const digits = sql`substr(${six}, 1, length(${six}) - length(ltrim(${six}, '0123456789')))`
  const fraction = sql`CASE WHEN substr(${value}, 20, 1) = '.' THEN substr(concat(${digits}, '000000'), 1, 6) ELSE '000000' END`
  return sql`(${second} || '.' || ${fraction})`
}
