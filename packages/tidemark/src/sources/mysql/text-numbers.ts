/**
 * Printed numbers of one column as the values of a column of a segment. There is a loop for each form: choosing the form anew for
 * each value would cost more than reading it.
 */
import type { ColumnValues } from '../parquet/column-values.ts'
import { LONGS, type NumberRange, putDecimal, putLong, rangeOf } from '../parquet/printed-numbers.ts'
import type { Decimal } from '../parquet/segment-layout.ts'
import { NO_VALUE, type Places } from './places.ts'

const [MINUS, ZERO] = [0x2d, 0x30]

/** Numbers of up to 32 bits, whose sums are exact; `limit` is the first that is too high, and the lowest without its sign. */
export function takeIntegers(from: DataView, { starts, ends }: Places, to: ColumnValues, limit: number): number {
  to.reserve(starts.length * 4)
  const { view, rows } = to
  let out = to.filled
  let unfit = 0
  for (let i = 0; i < starts.length; i++) {
    const start = starts[i] ?? NO_VALUE
    if (start === NO_VALUE) {
      to.setNull(rows + i)
      continue
    }
    const end = ends[i] ?? 0
    const isNegative = start < end && from.getUint8(start) === MINUS
    let at = isNegative ? start + 1 : start
    let value = at < end ? 0 : limit + 1
    for (; at < end; at++) {
      const digit = from.getUint8(at) - ZERO
      if (digit < 0 || digit > 9 || value > limit) value = limit + 1
      else value = value * 10 + digit
    }
    if (value > limit || (value === limit && !isNegative)) unfit += 1
    view.setInt32(out, isNegative ? -value : value, true)
    out += 4
  }
  to.filled = out
  return unfit
}

/** One bit a value, the first in the lowest. */
export function takeBits(from: DataView, { starts, ends }: Places, to: ColumnValues): number {
  to.reserve((starts.length >> 3) + 1)
  const { bytes, rows } = to
  let unfit = 0
  for (let i = 0; i < starts.length; i++) {
    const start = starts[i] ?? NO_VALUE
    if (start === NO_VALUE) {
      to.setNull(rows + i)
      continue
    }
    const digit = (ends[i] ?? 0) - start === 1 ? from.getUint8(start) - ZERO : -1
    if (digit < 0 || digit > 1) unfit += 1
    const bit = rows + i - to.nulls
    const before = (bit & 7) === 0 ? 0 : (bytes[bit >> 3] ?? 0)
    bytes[bit >> 3] = before | ((digit & 1) << (bit & 7))
  }
  to.filled = (rows + starts.length - to.nulls + 7) >> 3
  return unfit
}

/** Numbers of eight bytes. */
export function takeLongs(from: DataView, places: Places, to: ColumnValues): number {
  return takeShort(from, places, to, LONGS)
}

/** Decimals of up to 18 digits. */
export function takeDecimals(from: DataView, places: Places, to: ColumnValues, decimal: Decimal): number {
  return takeShort(from, places, to, rangeOf(decimal))
}

function takeShort(from: DataView, { starts, ends }: Places, to: ColumnValues, range: NumberRange): number {
  to.reserve(starts.length * 8)
  let unfit = 0
  for (let i = 0; i < starts.length; i++) {
    const start = starts[i] ?? NO_VALUE
    if (start === NO_VALUE) to.setNull(to.rows + i)
    else if (!putLong(from, start, ends[i] ?? 0, range, to)) unfit += 1
  }
  return unfit
}

/** Longer ones. */
export function takeLongDecimals(from: DataView, { starts, ends }: Places, to: ColumnValues, decimal: Decimal): number {
  const range = rangeOf(decimal)
  to.reserve(starts.length * 16)
  let unfit = 0
  for (let i = 0; i < starts.length; i++) {
    const start = starts[i] ?? NO_VALUE
    if (start === NO_VALUE) to.setNull(to.rows + i)
    else if (!putDecimal(from, start, ends[i] ?? 0, range, to)) unfit += 1
  }
  return unfit
}
