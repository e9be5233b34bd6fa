/**
 * Texts and bytes: their lengths are turned around, the rest is copied as it is. Whether a text is UTF-8 is judged by whoever
 * reads the file.
 */
import type { ColumnValues } from '../parquet/column-values.ts'
import { NULL_PLACE } from './take-values.ts'

export function takeBytes(from: DataView, places: Int32Array, to: ColumnValues): number {
  return takeBehind(0, from, places, to)
}

/** The text of a `jsonb` stands behind the number of its form, of which there is one. */
export function takeDocuments(from: DataView, places: Int32Array, to: ColumnValues): number {
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
