/**
 * Partition values (Delta protocol, "Partition Value Serialization"): from the log's text to a value of the column's
 * type and back, without loss. NULL is `undefined` here, and both null and the empty text in the log.
 */
import { DeltaError } from '../errors.ts'
import { parseDays, parseTime, printDays, printMicros } from './civil-time.ts'
import { findOrder } from './value-order.ts'

export type PartitionValue =
  /** Strings as they are; numbers in digits, with exponent, `NaN`, `Infinity`; `true` and `false`. SQL can cast them. */
  | { readonly kind: 'text'; readonly text: string }
  /** A date: days since 1970-01-01. */
  | { readonly kind: 'days'; readonly days: number }
  /** A timestamp, with or without zone: microseconds since 1970-01-01 in UTC. */
  | { readonly kind: 'micros'; readonly micros: bigint }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }

/**
 * Read a value. A timestamp without offset is taken for UTC: such texts are in the zone of the writer, which the log
 * does not tell, and UTC is what most of them and all newer ones are written in.
 *
 * @throws TypeError when the text is not a value of the type
 *
 * @example
 * ```ts
 * console.log(parsePartitionValue('integer', '7')) // { kind: 'text', text: '7' }
 * console.log(parsePartitionValue('date', null)) // undefined
 * ```
 */
export function parsePartitionValue(type: string, text: string | null | undefined): PartitionValue | undefined {
  if (text == null || text === '') return undefined
  switch (type) {
    case 'string':
      return { kind: 'text', text }
    case 'binary':
      // Writers store the bytes as the text they are in UTF-8.
      return { kind: 'bytes', bytes: new TextEncoder().encode(text) }
    case 'date': {
      // Writers before the format was settled added the time of day.
      const days = parseDays(text.replace(/[T ]00:00:00(\.0+)?$/, ''))
      if (days !== undefined) return { kind: 'days', days }
      break
    }
    case 'timestamp':
    case 'timestamp_ntz': {
      const time = parseTime(text)
      if (time !== undefined && !time.isCut) return { kind: 'micros', micros: time.micros }
      break
    }
    default: {
      const spelled = type === 'boolean' ? text.toLowerCase() : text
      if (findOrder(type)?.parse(spelled) !== undefined) return { kind: 'text', text: spelled }
    }
  }
  throw new TypeError(`${JSON.stringify(text)} is not a value of type ${type}`)
}

/**
 * Print a value as the log has it; null for NULL, and for the empty string, which the log cannot tell from it.
 *
 * @throws STAGE_INVALID for bytes that are not UTF-8: no reader would find them again
 *
 * @example
 * ```ts
 * console.log(printPartitionValue('string', { kind: 'text', text: '' })) // null
 * ```
 */
export function printPartitionValue(type: string, value: PartitionValue | undefined): string | null {
  if (value === undefined) return null
  switch (value.kind) {
    case 'days':
      return printDays(value.days)
    case 'micros':
      // Without a zone the protocol has a blank, and readers that go by it know no other form.
      return type === 'timestamp' ? printMicros(value.micros, 'Z') : printMicros(value.micros, '').replace('T', ' ')
    case 'bytes':
      return printBytes(value.bytes) || null
    case 'text':
      return type === 'float' || type === 'double' ? printFloat(value.text) : value.text || null
  }
}

function printBytes(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    const message = 'A binary partition value is not UTF-8 text, and the log can hold no other.'
    throw new DeltaError('STAGE_INVALID', message, {}, cause)
  }
}

/** The names of Java, which other readers parse with. */
function printFloat(text: string): string {
  const named = /^([+-]?)(nan|inf(?:inity)?)$/i.exec(text)
  if (!named) return text
  if (named[2]?.toLowerCase() === 'nan') return 'NaN'
  return named[1] === '-' ? '-Infinity' : 'Infinity'
}
