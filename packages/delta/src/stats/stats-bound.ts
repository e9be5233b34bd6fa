/**
 * One bound of one column, from DuckDB's text to what stats hold. Each function gives a valid bound or none.
 */
import { exactNumber } from '../json.ts'
import { parseTime, printMicros } from './civil-time.ts'

/** Characters of a string bound, as Spark writes them; readers pay for stats with every listing. */
const STRING_LENGTH = 32

const INTEGERS: ReadonlySet<string> = new Set(['byte', 'short', 'integer', 'long'])

/** A value that is less than or equal to every value of the column, or undefined. */
export function lowerBound(type: string, min: string | undefined): object | string | undefined {
  if (min === undefined) return undefined
  if (type === 'string') return [...min].slice(0, STRING_LENGTH).join('')
  if (isTimestamp(type)) return timeBound(type, min, micros => floorToMillis(micros))
  return plainBound(type, min)
}

/** A value that is greater than or equal to every value of the column, or undefined. */
export function upperBound(type: string, max: string | undefined): object | string | undefined {
  if (max === undefined) return undefined
  if (type === 'string') return upperString(max)
  if (isTimestamp(type)) return timeBound(type, max, micros => floorToMillis(micros + 999n))
  // To readers that order numbers by their bits -0 is below 0, which equals it.
  return plainBound(type, isFloating(type) && max === '-0.0' ? '0.0' : max)
}

/** Booleans and binary have no bounds by the protocol; dates before year 1, beyond 9999 and infinite ones by choice. */
function plainBound(type: string, value: string): object | string | undefined {
  if (INTEGERS.has(type)) return numberWhen(/^-?\d+$/, value)
  if (type.startsWith('decimal')) return numberWhen(/^-?\d+(\.\d+)?$/, value)
  if (isFloating(type)) return numberWhen(/^-?\d+(\.\d+)?(e[+-]?\d+)?$/, value)
  if (type === 'date') return /^(?!0000)\d{4}-\d\d-\d\d$/.test(value) ? value : undefined
  return undefined
}

const isFloating = (type: string): boolean => type === 'float' || type === 'double'

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

function isTimestamp(type: string): boolean {
  return type === 'timestamp' || type === 'timestamp_ntz'
}

/** Readers parse milliseconds and years of four digits; what is written otherwise is not understood by all. */
function timeBound(type: string, value: string, round: (micros: bigint) => bigint): string | undefined {
  const isZoned = type === 'timestamp'
  const time = parseTime(value)
  if (time === undefined || time.hasZone !== isZoned || time.isCut) return undefined
  const text = printMicros(round(time.micros), '')
  return /^(?!0000)\d{4}-/.test(text) ? `${text.slice(0, -3)}${isZoned ? 'Z' : ''}` : undefined
}

/** Downwards before 1970 too. */
function floorToMillis(micros: bigint): bigint {
  const rest = micros % 1000n
  return micros - (rest < 0n ? rest + 1000n : rest)
}
