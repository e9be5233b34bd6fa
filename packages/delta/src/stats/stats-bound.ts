/**
 * One bound of one column, from DuckDB's text to what stats hold. Each function gives a valid bound or none.
 */
import { exactNumber } from '../json.ts'

/** Characters of a string bound, as Spark writes them; readers pay for stats with every listing. */
const STRING_LENGTH = 32

const INTEGERS: ReadonlySet<string> = new Set(['byte', 'short', 'integer', 'long'])

/** A value that is less than or equal to every value of the column, or undefined. */
export function lowerBound(type: string, min: string | undefined): object | string | undefined {
  if (min === undefined) return undefined
  if (type === 'string') return [...min].slice(0, STRING_LENGTH).join('')
  if (isTimestamp(type)) return floorToMillis(type, min)
  return plainBound(type, min)
}

/** A value that is greater than or equal to every value of the column, or undefined. */
export function upperBound(type: string, max: string | undefined): object | string | undefined {
  if (max === undefined) return undefined
  if (type === 'string') return upperString(max)
  if (isTimestamp(type)) return ceilToMillis(type, max)
  return plainBound(type, max)
}

/** Booleans and binary have no bounds by the protocol; dates before year 1, beyond 9999 and infinite ones by choice. */
function plainBound(type: string, value: string): object | string | undefined {
  if (INTEGERS.has(type)) return numberWhen(/^-?\d+$/, value)
  if (type.startsWith('decimal')) return numberWhen(/^-?\d+(\.\d+)?$/, value)
  if (type === 'float' || type === 'double') return numberWhen(/^-?\d+(\.\d+)?(e[+-]?\d+)?$/, value)
  if (type === 'date') return /^\d{4}-\d\d-\d\d$/.test(value) ? value : undefined
  return undefined
}

function numberWhen(pattern: RegExp, value: string): object | undefined {
  return pattern.test(value) ? exactNumber(value) : undefined
}

/**
 * Cut a long maximum and end it with a character above the one that was cut off: U+007F when that suffices, else the
 * highest code point. Where even that is not above, more characters are kept, up to twice as many.
 */
function upperString(max: string): string | undefined {
  const characters = [...max]
  if (characters.length <= STRING_LENGTH) return max
  for (let length = STRING_LENGTH; length < Math.min(characters.length, 2 * STRING_LENGTH); length += 1) {
    const cut = characters[length]?.codePointAt(0) ?? 0
    if (cut === 0x10ffff) continue
    return characters.slice(0, length).join('') + (cut < 0x7f ? '\u007f' : '\u{10ffff}')
  }
  return characters.length <= 2 * STRING_LENGTH ? max : undefined
}

const TIMESTAMP = /^(\d{4}-\d\d-\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(\+00)?$/

function isTimestamp(type: string): boolean {
  return type === 'timestamp' || type === 'timestamp_ntz'
}

function floorToMillis(type: string, value: string): string | undefined {
  const parts = splitTimestamp(type, value)
  return parts && printTimestamp(type, parts.date, parts.micros / 1000n)
}

/** A maximum in the last millisecond of a day has no ceiling on that day; it gets none at all. */
function ceilToMillis(type: string, value: string): string | undefined {
  const parts = splitTimestamp(type, value)
  if (!parts) return undefined
  const millis = (parts.micros + 999n) / 1000n
  return millis < 86_400_000n ? printTimestamp(type, parts.date, millis) : undefined
}

/** Date and microseconds of the day; undefined for anything but a UTC time in the years 0000 to 9999. */
function splitTimestamp(type: string, value: string): { date: string; micros: bigint } | undefined {
  const match = TIMESTAMP.exec(value)
  if (!match) return undefined
  const [, date = '', hour = '', minute = '', second = '', fraction = '', zone] = match
  if ((zone !== undefined) !== (type === 'timestamp')) return undefined
  const seconds = (BigInt(hour) * 60n + BigInt(minute)) * 60n + BigInt(second)
  return { date, micros: seconds * 1_000_000n + BigInt(fraction.padEnd(6, '0')) }
}

function printTimestamp(type: string, date: string, millis: bigint): string {
  const two = (n: bigint): string => String(n).padStart(2, '0')
  const seconds = millis / 1000n
  const time = `${two(seconds / 3600n)}:${two((seconds / 60n) % 60n)}:${two(seconds % 60n)}`
  const zone = type === 'timestamp' ? 'Z' : ''
  return `${date}T${time}.${String(millis % 1000n).padStart(3, '0')}${zone}`
}
