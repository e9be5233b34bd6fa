/**
 * Printed whole numbers and decimals as the bytes of Parquet's columns. Up to 15 digits are summed at once, more of them in words
 * of 32 bits: exact in either way. What is no number, or has more digits than its column, is told, never rounded.
 */
import type { ColumnValues } from './column-values.ts'
import { isBelow, limitOf, multiplyAdd, negate, words } from './number-words.ts'
import type { Decimal } from './segment-layout.ts'

/** What numbers a column holds. */
export interface NumberRange {
  readonly scale: number
  /** The first number that is too high. */
  readonly above: Uint32Array
  /** The first that is too low, without its sign. */
  readonly below: Uint32Array
  /** The first sum that is either. */
  readonly most: number
}

const [MINUS, POINT, ZERO, NINE] = [0x2d, 0x2e, 0x30, 0x39]
const WORD = 0x1_0000_0000
/** Digits whose sum is exact. */
const SUM_DIGITS = 15
/** Digits that are added to words at once. */
const STEP_DIGITS = 6
const POWERS: readonly number[] = Array.from({ length: SUM_DIGITS + 1 }, (_, n) => 10 ** n)

/** Whole numbers of eight bytes. */
export const LONGS: NumberRange = {
  scale: 0,
  above: wordsOf(2n ** 63n),
  below: wordsOf(2n ** 63n + 1n),
  most: 10 ** SUM_DIGITS,
}

const limits = new Map<number, Uint32Array>()

export function rangeOf({ precision, scale }: Decimal): NumberRange {
  const above = limits.get(precision) ?? limitOf(precision)
  limits.set(precision, above)
  return { scale, above, below: above, most: 10 ** Math.min(precision, SUM_DIGITS) }
}

/** Add the number times ten to the power of the scale, as eight bytes, the lowest first; false when the column cannot hold it. */
export function putLong(from: DataView, start: number, end: number, range: NumberRange, to: ColumnValues): boolean {
  const { view, filled: out } = to
  to.filled = out + 8
  const isNegative = start < end && from.getUint8(start) === MINUS
  const first = isNegative ? start + 1 : start
  const sum = sumOf(from, first, end, range.scale)
  if (sum >= 0) {
    const value = isNegative ? -sum : sum
    view.setUint32(out, value, true)
    view.setInt32(out + 4, Math.floor(value / WORD), true)
    return sum < range.most
  }
  const isNumber = readWords(from, first, end, range.scale, 2)
  const isHeld = isNumber && isBelow(isNegative ? range.below : range.above, 2)
  if (isNegative) negate(2)
  view.setUint32(out, words[0] ?? 0, true)
  view.setUint32(out + 4, words[1] ?? 0, true)
  return isHeld
}

/** The same for a decimal of more than 18 digits, as sixteen bytes, the highest first. */
export function putDecimal(from: DataView, start: number, end: number, range: NumberRange, to: ColumnValues): boolean {
  const { view, filled: out } = to
  to.filled = out + 16
  const isNegative = start < end && from.getUint8(start) === MINUS
  const first = isNegative ? start + 1 : start
  const sum = sumOf(from, first, end, range.scale)
  if (sum >= 0) {
    const value = isNegative ? -sum : sum
    const sign = value < 0 ? -1 : 0
    view.setInt32(out, sign)
    view.setInt32(out + 4, sign)
    view.setInt32(out + 8, Math.floor(value / WORD))
    view.setUint32(out + 12, value)
    return true
  }
  const isNumber = readWords(from, first, end, range.scale, 4)
  const isHeld = isNumber && isBelow(range.above, 4)
  if (isNegative) negate(4)
  for (let n = 0; n < 4; n++) view.setUint32(out + n * 4, words[3 - n] ?? 0)
  return isHeld
}

/** The digits, with zeros for decimals that are not written; -1 for those that no sum holds, and for what is no number. */
function sumOf(from: DataView, start: number, end: number, scale: number): number {
  if (end - start > SUM_DIGITS || start >= end) return -1
  let sum = 0
  let missing = scale
  for (let at = start; at < end; at++) {
    const byte = from.getUint8(at)
    if (byte >= ZERO && byte <= NINE) sum = sum * 10 + byte - ZERO
    else if (byte === POINT && missing === scale && at > start) missing = scale - (end - at - 1)
    else return -1
  }
  if (missing === 0) return sum
  return missing > 0 && end - start + missing <= SUM_DIGITS ? sum * (POWERS[missing] ?? 0) : -1
}

/** The same into `words`; false for what is no number, or does not fit. */
function readWords(from: DataView, start: number, end: number, scale: number, width: number): boolean {
  words.fill(0)
  let fits = true
  let behind = -1
  let step = 0
  let digits = 0
  for (let at = start; at < end; at++) {
    const byte = from.getUint8(at)
    if (byte === POINT && behind < 0) {
      behind = 0
      continue
    }
    if (byte < ZERO || byte > NINE) return false
    step = step * 10 + byte - ZERO
    digits += 1
    if (behind >= 0) behind += 1
    if (digits === STEP_DIGITS) {
      fits = multiplyAdd(POWERS[digits] ?? 1, step, width) && fits
      step = 0
      digits = 0
    }
  }
  fits = multiplyAdd(POWERS[digits] ?? 1, step, width) && fits
  let missing = scale - Math.max(behind, 0)
  for (; missing > 0; missing -= 1) fits = multiplyAdd(10, 0, width) && fits
  return fits && missing === 0 && end - start > (behind < 0 ? 0 : 1)
}

function wordsOf(value: bigint): Uint32Array {
  return Uint32Array.of(Number(value & 0xffff_ffffn), Number(value >> 32n))
}
