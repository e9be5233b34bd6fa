/**
 * Dates and timestamps of any year as whole numbers of days and microseconds, from the texts that writers use. The
 * calendar is the proleptic Gregorian one, as in Spark and DuckDB; no text goes through a JavaScript Date.
 */

/** `2024-02-29`, `+12024-01-01`, `-0043-03-15`, and DuckDB's `0044-03-15 (BC)`. */
const DATE = /^([+-]?)(\d{4,7})-(\d\d)-(\d\d)( \(BC\))?$/
const DATE_LENGTH = /^[+-]?\d{4,7}-\d\d-\d\d(?: \(BC\))?/
const TIME = /^[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d(?::?\d\d(?::?\d\d)?)?)?$/

/** A time as the text gave it. */
export interface CivilTime {
  /** Microseconds since 1970-01-01, less the offset when there is one. */
  readonly micros: bigint
  /** True when the text named an offset from UTC. */
  readonly hasZone: boolean
  /** True when digits beyond microseconds were cut off. */
  readonly isCut: boolean
}

/** Days since 1970-01-01; undefined when the text is not a day of the calendar. */
export function parseDays(text: string): number | undefined {
  const match = DATE.exec(text)
  if (!match) return undefined
  const [, sign, digits = '', month = '', day = '', bc] = match
  if (bc !== undefined && (sign !== '' || Number(digits) === 0)) return undefined
  const year = bc === undefined ? Number(`${sign}${digits}`) : 1 - Number(digits)
  return daysOf(year, Number(month), Number(day))
}

/**
 * The time of a text such as `2024-01-31T12:00:00.123Z`; the time of day may be missing. Undefined for other texts.
 *
 * @example
 * ```ts
 * console.log(parseTime('yesterday')) // undefined
 * console.log(parseTime('1970-01-01T00:00:01Z')?.micros) // 1000000n
 * ```
 */
export function parseTime(text: string): CivilTime | undefined {
  const date = DATE_LENGTH.exec(text)?.[0]
  const days = date === undefined ? undefined : parseDays(date)
  if (date === undefined || days === undefined) return undefined
  const midnight = BigInt(days) * 86_400_000_000n
  if (date.length === text.length) return { micros: midnight, hasZone: false, isCut: false }
  const match = TIME.exec(text.slice(date.length))
  if (!match) return undefined
  const [, hour = '', minute = '', second = '', fraction = '', zone] = match
  const seconds = Number(hour) * 3600 + Number(minute) * 60 + Number(second)
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined
  const micros = Number(fraction.slice(0, 6).padEnd(6, '0'))
  const offset = zone === undefined ? 0 : offsetSeconds(zone)
  return {
    micros: midnight + BigInt((seconds - offset) * 1_000_000 + micros),
    hasZone: zone !== undefined,
    isCut: /[1-9]/.test(fraction.slice(6)),
  }
}

/** The day as ISO 8601: `2024-02-29`; years beyond 9999 have a `+`, those before 0 a `-`. */
export function printDays(days: number): string {
  const shifted = days + 719_468
  const era = Math.floor(shifted / 146_097)
  const dayOfEra = shifted - era * 146_097
  const leapDays = Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096)
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365)
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153)
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
  const year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1
  const sign = year > 9999 ? '+' : year < 0 ? '-' : ''
  return `${sign}${padded(Math.abs(year), 4)}-${padded(month, 2)}-${padded(day, 2)}`
}

/** The time as ISO 8601 with six digits of a second, followed by `zone`: `2024-01-31T12:00:00.000001Z`. */
export function printMicros(micros: bigint, zone: 'Z' | ''): string {
  const remainder = micros % 86_400_000_000n
  const ofDay = remainder < 0n ? remainder + 86_400_000_000n : remainder
  const days = Number((micros - ofDay) / 86_400_000_000n)
  const seconds = Number(ofDay / 1_000_000n)
  const time = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60].map(n => padded(n, 2))
  return `${printDays(days)}T${time.join(':')}.${padded(Number(ofDay % 1_000_000n), 6)}${zone}`
}

function padded(value: number, length: number): string {
  return String(value).padStart(length, '0')
}

function offsetSeconds(zone: string): number {
  if (zone === 'Z') return 0
  const digits = zone.slice(1).replaceAll(':', '').padEnd(6, '0')
  const part = (start: number): number => Number(digits.slice(start, start + 2))
  const seconds = part(0) * 3600 + part(2) * 60 + part(4)
  return zone.startsWith('-') ? -seconds : seconds
}

/** Years are counted from March, so that the leap day is the last of its year, in eras of 400 years. */
function daysOf(year: number, month: number, day: number): number | undefined {
  if (month < 1 || month > 12 || day < 1 || day > lengthOf(year, month)) return undefined
  const shifted = month <= 2 ? year - 1 : year
  const era = Math.floor(shifted / 400)
  const yearOfEra = shifted - era * 400
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}

function lengthOf(year: number, month: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
}
