/**
 * The order of values of each primitive type, from their texts. It is Spark's order: exact for integers and decimals of
 * any size, NaN above all, -0 equal to 0, strings by code point.
 */
import { type DataType, parseDecimal } from '../schema/schema.ts'
import { compareBytes } from '../store/store-path.ts'
import { parseDays, parseTime } from './civil-time.ts'

/** A value that can be compared with others of its type: integers, decimals and times are bigint, dates are days. */
export type Ordered = bigint | number | string | boolean

export interface ValueOrder {
  /**
   * The value of a text as in `partitionValues`; DuckDB's spellings are read too. A timestamp without an offset is UTC.
   * Undefined when the text is not a value of the type.
   */
  parse(text: string): Ordered | undefined
  /** A value not above any value in a file whose stats give this minimum, or undefined. Never NaN. */
  lower(text: string): Ordered | undefined
  /** A value not below any value but NaN in a file whose stats give this maximum, or undefined. Never NaN. */
  upper(text: string): Ordered | undefined
  compare(a: Ordered, b: Ordered): number
  /** True when files may hold NaN, which stats of many writers pass over. */
  readonly hasNaN: boolean
}

/** The order of a type; undefined when values of the type cannot be compared. */
export function findOrder(type: DataType, options: { wasFloat?: boolean } = {}): ValueOrder | undefined {
  if (typeof type !== 'string') return undefined
  const decimal = parseDecimal(type)
  if (decimal) return order(text => parseScaled(text, decimal.scale))
  switch (type) {
    case 'byte':
    case 'short':
    case 'integer':
    case 'long':
      return order(text => (/^[+-]?\d+$/.test(text) ? BigInt(text.replace('+', '')) : undefined))
    case 'float':
      return floatOrder(parseFloat32)
    case 'double':
      return options.wasFloat === true ? WIDENED : floatOrder(parseFloat64)
    case 'boolean':
      return order(text => (text === 'true' ? true : text === 'false' ? false : undefined))
    case 'date':
      return order(parseDays)
    case 'timestamp':
      return timeOrder(true)
    case 'timestamp_ntz':
      return timeOrder(false)
    case 'string':
      return STRINGS
    case 'binary':
      return BYTES
    default:
      return undefined
  }
}

function order(parse: (text: string) => Ordered | undefined, own: Partial<ValueOrder> = {}): ValueOrder {
  return { parse, lower: parse, upper: parse, compare: comparePlain, hasNaN: false, ...own }
}

function comparePlain(a: Ordered, b: Ordered): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/**
 * A maximum may end in U+FFFD where a writer put it for what it cut off; characters outside the basic plane are above
 * it. Half a surrogate pair was cut by a writer that counts otherwise.
 */
const STRINGS = order(text => (text.isWellFormed() ? text : undefined), {
  upper: text => (text.isWellFormed() && !text.endsWith('\ufffd') ? text : undefined),
  compare: (a, b) => compareBytes(String(a), String(b)),
})

/** The bytes of a text are its UTF-8, and the protocol knows no bounds of binary columns. */
const BYTES: ValueOrder = { ...STRINGS, lower: () => undefined, upper: () => undefined }

/** Bounds may have been cut to milliseconds, downwards. Without an offset their zone is the writer's secret. */
function timeOrder(isZoned: boolean): ValueOrder {
  const bound = (text: string): bigint | undefined => {
    const time = parseTime(text)
    return time !== undefined && time.hasZone === isZoned ? time.micros : undefined
  }
  return order(
    text => {
      const time = parseTime(text)
      return time === undefined || time.isCut || (time.hasZone && !isZoned) ? undefined : time.micros
    },
    {
      lower: bound,
      upper: text => {
        const micros = bound(text)
        return micros === undefined ? undefined : micros + 1000n
      },
    },
  )
}

function floatOrder(parse: (text: string) => number | undefined): ValueOrder {
  const bound = (text: string): number | undefined => {
    const value = parse(text)
    return Number.isNaN(value) ? undefined : value
  }
  return order(parse, { lower: bound, upper: bound, compare: compareFloats, hasNaN: true })
}

/** A double column that was a float: older stats give the float's shortest text, which is another double. */
const WIDENED: ValueOrder = {
  ...floatOrder(parseFloat64),
  lower: text => widen(text, Math.min),
  upper: text => widen(text, Math.max),
}

function widen(text: string, pick: (a: number, b: number) => number): number | undefined {
  const value = parseFloat64(text)
  return value === undefined || Number.isNaN(value) ? undefined : pick(value, Math.fround(value))
}

function compareFloats(a: Ordered, b: Ordered): number {
  if (Number.isNaN(a)) return Number.isNaN(b) ? 0 : 1
  return Number.isNaN(b) ? -1 : comparePlain(a, b)
}

/** The nearest double is the value the text was printed from; an overflow is no value. */
function parseFloat64(text: string): number | undefined {
  const named = /^([+-]?)(nan|inf|infinity)$/i.exec(text)
  if (named) return named[2]?.toLowerCase() === 'nan' ? Number.NaN : named[1] === '-' ? -Infinity : Infinity
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return undefined
  const value = Number(text)
  return Number.isFinite(value) ? value : undefined
}

function parseFloat32(text: string): number | undefined {
  const value = parseFloat64(text)
  if (value === undefined || !Number.isFinite(value)) return value
  const single = Math.fround(value)
  return Number.isFinite(single) ? single : undefined
}

/** A decimal as a whole number of its last places; undefined when it has more places than the type. */
function parseScaled(text: string, scale: number): bigint | undefined {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d{1,3}))?$/i.exec(text)
  if (!match) return undefined
  const [, sign, whole = '', fraction = '', exponent = '0'] = match
  if (whole === '' && fraction === '') return undefined
  const shift = scale - fraction.length + Number(exponent)
  const digits = whole + fraction
  const kept = shift >= 0 ? digits.padEnd(digits.length + shift, '0') : digits.slice(0, shift)
  if (shift < 0 && /[1-9]/.test(digits.slice(shift))) return undefined
  const value = BigInt(kept)
  return sign === '-' ? -value : value
}
