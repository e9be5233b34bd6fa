/**
 * `real` and `double precision` in COPY's binary form: the bits as they are, zeros with their signs. What is not a number is
 * one value to the server, whose bits are the processor's accident, and so it has one form here.
 */
import type { ColumnValues } from '../parquet/column-values.ts'
import { NULL_PLACE } from './take-values.ts'

const WITHOUT_SIGN = 0x7fff_ffff
const [FLOAT_INFINITY, FLOAT_NAN] = [0x7f80_0000, 0x7fc0_0000]
/** Of a double the upper half. */
const [DOUBLE_INFINITY, DOUBLE_NAN] = [0x7ff0_0000, 0x7ff8_0000]

/** Numbers of four bytes. */
export function takeFloats(from: DataView, places: Int32Array, to: ColumnValues): number {
  to.reserve(places.length * 4)
  const { view, rows } = to
  let out = to.filled
  for (let i = 0; i < places.length; i++) {
    const place = places[i] ?? NULL_PLACE
    if (place === NULL_PLACE) to.setNull(rows + i)
    else {
      const bits = from.getInt32(place)
      view.setInt32(out, (bits & WITHOUT_SIGN) > FLOAT_INFINITY ? FLOAT_NAN : bits, true)
      out += 4
    }
  }
  to.filled = out
  return 0
}

/** Numbers of eight bytes. */
export function takeDoubles(from: DataView, places: Int32Array, to: ColumnValues): number {
  to.reserve(places.length * 8)
  const { view, rows } = to
  let out = to.filled
  for (let i = 0; i < places.length; i++) {
    const place = places[i] ?? NULL_PLACE
    if (place === NULL_PLACE) to.setNull(rows + i)
    else {
      const [high, low] = [from.getInt32(place), from.getInt32(place + 4)]
      const size = high & WITHOUT_SIGN
      const isNaN = size > DOUBLE_INFINITY || (size === DOUBLE_INFINITY && low !== 0)
      view.setInt32(out, isNaN ? 0 : low, true)
      view.setInt32(out + 4, isNaN ? DOUBLE_NAN : high, true)
      out += 8
    }
  }
  to.filled = out
  return 0
}
