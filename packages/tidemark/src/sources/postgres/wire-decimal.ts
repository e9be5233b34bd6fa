/**
 * `numeric` in COPY's binary form, four decimal digits a group, as the whole number that a decimal column holds: its value
 * times ten to the power of the scale. It is kept in words of 32 bits, whose products with 10,000 are exact, and a value
 * with more digits than the column has is told, never rounded. The loop stands twice, because each compiles to its own
 * width: as one it made a first load 3 % slower.
 */
import type { ColumnValues } from '../parquet/column-values.ts'
import { isBelow, limitOf, multiplyAdd, negate, words } from '../parquet/number-words.ts'
import type { Decimal } from '../parquet/segment-layout.ts'
import { NULL_PLACE } from './take-values.ts'

const POSITIVE = 0
const NEGATIVE = 0x4000

/** Numbers of up to 18 digits, as eight bytes, the lowest first. */
export function takeDecimal(
  from: DataView,
  places: Int32Array,
  to: ColumnValues,
  { precision, scale }: Decimal,
): number {
  const limit = limitOf(precision)
  to.reserve(places.length * 8)
  const { view, rows } = to
  let out = to.filled
  let unfit = 0
  for (let i = 0; i < places.length; i++) {
    const place = places[i] ?? NULL_PLACE
    if (place === NULL_PLACE) {
      to.setNull(rows + i)
      continue
    }
    if (!readNumber(from, place, scale, 2) || !isBelow(limit, 2)) unfit += 1
    if (from.getUint16(place + 4) === NEGATIVE) negate(2)
    view.setUint32(out, words[0] ?? 0, true)
    view.setUint32(out + 4, words[1] ?? 0, true)
    out += 8
  }
  to.filled = out
  return unfit
}

/** Longer ones, as sixteen bytes, the highest first. */
export function takeLongDecimal(
  from: DataView,
  places: Int32Array,
  to: ColumnValues,
  { precision, scale }: Decimal,
): number {
  const limit = limitOf(precision)
  to.reserve(places.length * 16)
  const { view, rows } = to
  let out = to.filled
  let unfit = 0
  for (let i = 0; i < places.length; i++) {
    const place = places[i] ?? NULL_PLACE
    if (place === NULL_PLACE) {
      to.setNull(rows + i)
      continue
    }
    if (!readNumber(from, place, scale, 4) || !isBelow(limit, 4)) unfit += 1
    if (from.getUint16(place + 4) === NEGATIVE) negate(4)
    for (let n = 0; n < 4; n++) view.setUint32(out + n * 4, words[3 - n] ?? 0)
    out += 16
  }
  to.filled = out
  return unfit
}

/** Read the value without its sign into `words`; false for what is no number, or does not fit. */
function readNumber(from: DataView, place: number, scale: number, width: number): boolean {
  words.fill(0)
  const groups = from.getInt16(place)
  const weight = from.getInt16(place + 2)
  const sign = from.getUint16(place + 4)
  if (sign !== POSITIVE && sign !== NEGATIVE) return false
  // The power of 10,000 of the last group that is wholly before the end of the scale.
  const last = -Math.floor(scale / 4)
  let fits = true
  let n = 0
  let power = weight
  for (; power >= last; power--) fits = multiplyAdd(10_000, digitsAt(from, place, n++, groups), width) && fits
  // Of the group in which the scale ends some digits are left; a smaller value has no such group.
  const behind = power === last - 1 ? digitsAt(from, place, n++, groups) : 0
  const rest = scale % 4
  const unit = 10 ** (4 - rest)
  if (rest > 0) fits = multiplyAdd(10 ** rest, Math.floor(behind / unit), width) && fits
  for (; n < groups; n++) fits = digitsAt(from, place, n, groups) === 0 && fits
  return fits && behind % unit === 0
}

/** A group of digits; those behind the last are zeros that are not sent. */
function digitsAt(from: DataView, place: number, n: number, groups: number): number {
  return n < groups ? from.getInt16(place + 8 + n * 2) : 0
}
