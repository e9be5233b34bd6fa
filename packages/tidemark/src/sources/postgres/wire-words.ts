/**
 * Values of a fixed length, the highest byte first, as Parquet's words with the lowest first. Each loop is written out: a call
 * for each value would cost more than the value.
 */
import type { ColumnValues } from '../parquet/column-values.ts'
import { NULL_PLACE } from './take-values.ts'

export function takeWords(from: DataView, places: Int32Array, to: ColumnValues): number {
  to.reserve(places.length * 4)
  const { view, rows } = to
  let out = to.filled
  for (let i = 0; i < places.length; i++) {
    const place = places[i] ?? NULL_PLACE
    if (place === NULL_PLACE) to.setNull(rows + i)
    else {
      view.setInt32(out, from.getInt32(place), true)
      out += 4
    }
  }
  to.filled = out
  return 0
}

export function takeShorts(from: DataView, places: Int32Array, to: ColumnValues): number {
  to.reserve(places.length * 4)
  const { view, rows } = to
  let out = to.filled
  for (let i = 0; i < places.length; i++) {
    const place = places[i] ?? NULL_PLACE
    if (place === NULL_PLACE) to.setNull(rows + i)
    else {
      view.setInt32(out, from.getInt16(place), true)
      out += 4
    }
  }
  to.filled = out
  return 0
}

export function takeLongs(from: DataView, places: Int32Array, to: ColumnValues): number {
  to.reserve(places.length * 8)
  const { view, rows } = to
  let out = to.filled
  for (let i = 0; i < places.length; i++) {
    const place = places[i] ?? NULL_PLACE
    if (place === NULL_PLACE) to.setNull(rows + i)
    else {
      view.setInt32(out, from.getInt32(place + 4), true)
      view.setInt32(out + 4, from.getInt32(place), true)
      out += 8
    }
  }
  to.filled = out
  return 0
}

/** The halves of a 64-bit number: the upper with its sign, the lower without. */
const halves = (value: bigint): { high: number; low: number } => ({
  high: Number(value >> 32n),
  low: Number(value & 0xffff_ffffn),
})
/** Microseconds from 1970 to 2000. */
const EPOCH = halves(946_684_800_000_000n)
/** The years that the lake has, from 1970: the first moment of the year 1, and that of the year 10000. */
const FIRST = halves(-62_135_596_800_000_000n)
const END = halves(253_402_300_800_000_000n)

/** Counted from 2000 there, from 1970 here. The infinities are the ends of the range, and so out of ours. */
export function takeInstants(from: DataView, places: Int32Array, to: ColumnValues): number {
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
    const sum = from.getUint32(place + 4) + EPOCH.low
    const low = sum >>> 0
    const high = from.getInt32(place) + EPOCH.high + (sum > low ? 1 : 0)
    const isBefore = high < FIRST.high || (high === FIRST.high && low < FIRST.low)
    const isBehind = high > END.high || (high === END.high && low >= END.low)
    if (isBefore || isBehind) unfit += 1
    view.setUint32(out, low, true)
    view.setInt32(out + 4, high, true)
    out += 8
  }
  to.filled = out
  return unfit
}

export function takeUuids(from: DataView, places: Int32Array, to: ColumnValues): number {
  to.reserve(places.length * 16)
  const { view, rows } = to
  let out = to.filled
  for (let i = 0; i < places.length; i++) {
    const place = places[i] ?? NULL_PLACE
    if (place === NULL_PLACE) to.setNull(rows + i)
    else {
      for (let n = 0; n < 16; n += 4) view.setInt32(out + n, from.getInt32(place + n))
      out += 16
    }
  }
  to.filled = out
  return 0
}

/** One bit a value, the first in the lowest. */
export function takeBits(from: DataView, places: Int32Array, to: ColumnValues): number {
  to.reserve((places.length >> 3) + 1)
  const { bytes, rows } = to
  for (let i = 0; i < places.length; i++) {
    const place = places[i] ?? NULL_PLACE
    if (place === NULL_PLACE) {
      to.setNull(rows + i)
      continue
    }
    const bit = rows + i - to.nulls
    const before = (bit & 7) === 0 ? 0 : (bytes[bit >> 3] ?? 0)
    bytes[bit >> 3] = before | (from.getUint8(place) << (bit & 7))
  }
  to.filled = (rows + places.length - to.nulls + 7) >> 3
  return 0
}

/** The days that the lake has, from 1970: the first of the year 1, and that of the year 10000. */
const [FIRST_DAY, END_DAY] = [-719_162, 2_932_897]

/** Days from 1970. */
export function takeDays(from: DataView, places: Int32Array, to: ColumnValues): number {
  let unfit = 0
  for (const place of places) {
    const day = place === NULL_PLACE ? 0 : from.getInt32(place)
    if (day < FIRST_DAY || day >= END_DAY) unfit += 1
  }
  takeWords(from, places, to)
  return unfit
}
