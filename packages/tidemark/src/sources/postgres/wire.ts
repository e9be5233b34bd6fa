/**
 * How values stand in COPY's binary form, and the Parquet column that each is carried in. A value is copied or its bytes
 * are turned around; none becomes a number or a date of JavaScript's.
 */
import { type ColumnValues } from '../parquet/column-values.ts'
import { LONG_DIGITS, type ParquetType } from '../parquet/segment-layout.ts'
import { type Decimal, takeDecimal, takeLongDecimal } from './wire-decimal.ts'

/** A value as the server's send function writes it; `text` is what it is when its type has no better form. */
export type Wire =
  | 'bool'
  | 'int2'
  | 'int4'
  /** `oid` and `xid`. */
  | 'uint4'
  | 'int8'
  | 'float4'
  | 'float8'
  | 'timestamptz'
  | 'uuid'
  | 'text'
  | 'jsonb'
  | 'bytea'
  | Decimal

/** Stands for a place where the value is NULL. */
export const NULL_PLACE = -1

/**
 * Add values to a column.
 *
 * @param from   bytes as they came
 * @param places where each row's value begins; its length stands in the four bytes before
 * @returns      how many of them the column cannot hold, 0 when all is well
 */
export type TakeValues = (from: DataView, places: Int32Array, to: ColumnValues, wire: Wire) => number

interface WireForm {
  type: ParquetType
  /** Length of every value; 0 where they differ. */
  bytes: number
  take: TakeValues
}

/** How a form is taken. */
export function wireForm(wire: Wire): WireForm {
  if (typeof wire === 'object') {
    return { type: wire, bytes: 0, take: wire.precision > LONG_DIGITS ? takeLongDecimal : takeDecimal }
  }
  return FORMS[wire]
}

const FORMS: Readonly<Record<Exclude<Wire, Decimal>, WireForm>> = {
  bool: { type: 'boolean', bytes: 1, take: takeBits },
  int2: { type: 'int16', bytes: 2, take: takeShorts },
  int4: { type: 'int32', bytes: 4, take: takeWords },
  uint4: { type: 'uint32', bytes: 4, take: takeWords },
  int8: { type: 'int64', bytes: 8, take: takeLongs },
  float4: { type: 'float', bytes: 4, take: takeWords },
  float8: { type: 'double', bytes: 8, take: takeLongs },
  timestamptz: { type: 'instant', bytes: 8, take: takeInstants },
  uuid: { type: 'uuid', bytes: 16, take: takeUuids },
  text: { type: 'text', bytes: 0, take: takeBytes },
  jsonb: { type: 'text', bytes: 0, take: takeDocuments },
  bytea: { type: 'bytes', bytes: 0, take: takeBytes },
}

function takeWords(from: DataView, places: Int32Array, to: ColumnValues): number {
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

function takeShorts(from: DataView, places: Int32Array, to: ColumnValues): number {
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

function takeLongs(from: DataView, places: Int32Array, to: ColumnValues): number {
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
function takeInstants(from: DataView, places: Int32Array, to: ColumnValues): number {
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

function takeUuids(from: DataView, places: Int32Array, to: ColumnValues): number {
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
function takeBits(from: DataView, places: Int32Array, to: ColumnValues): number {
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

function takeBytes(from: DataView, places: Int32Array, to: ColumnValues): number {
  return takeBehind(0, from, places, to)
}

/** The text of a `jsonb` stands behind the number of its form, of which there is one. */
function takeDocuments(from: DataView, places: Int32Array, to: ColumnValues): number {
  return takeBehind(1, from, places, to)
}

/** Up to here a loop over words is faster than a call. */
const SHORT_BYTES = 64

/** Values with their lengths in front; of each the first bytes are passed over. */
function takeBehind(skip: number, from: DataView, places: Int32Array, to: ColumnValues): number {
  const source = new Uint8Array(from.buffer, from.byteOffset, from.byteLength)
  let unknown = 0
  for (let i = 0; i < places.length; i++) {
    const place = places[i] ?? NULL_PLACE
    if (place === NULL_PLACE) {
      to.setNull(to.rows + i)
      continue
    }
    if (skip > 0 && from.getUint8(place) !== 1) unknown += 1
    const start = place + skip
    const length = from.getInt32(place - 4) - skip
    to.reserve(length + 4)
    const { view, bytes } = to
    const out = to.filled + 4
    view.setInt32(out - 4, length, true)
    if (length > SHORT_BYTES) bytes.set(source.subarray(start, start + length), out)
    else copyShort({ from, start, to: view, out }, length)
    to.filled = out + length
  }
  return unknown
}

function copyShort(
  { from, start, to, out }: { from: DataView; start: number; to: DataView; out: number },
  length: number,
): void {
  let n = 0
  for (; n + 4 <= length; n += 4) to.setInt32(out + n, from.getInt32(start + n))
  for (; n < length; n++) to.setUint8(out + n, from.getUint8(start + n))
}
