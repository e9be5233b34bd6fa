/** Texts and bytes as Parquet has them: behind their length, copied as they are, or as hexadecimal digits. */
import type { ColumnValues } from '../parquet/column-values.ts'
import { LOST } from './charsets.ts'
import { NO_VALUE, type Places } from './places.ts'

export function takeBytes(from: DataView, { starts, ends }: Places, to: ColumnValues): number {
  for (let i = 0; i < starts.length; i++) {
    const start = starts[i] ?? NO_VALUE
    if (start === NO_VALUE) {
      to.setNull(to.rows + i)
      continue
    }
    const length = (ends[i] ?? 0) - start
    to.reserve(length + 2 * WORD_BYTES)
    to.view.setInt32(to.filled, length, true)
    to.filled = putBytes(from, start, length, to, to.filled + 4)
  }
  return 0
}

/** How many texts have lost a letter. */
export function countLost(from: DataView, { starts, ends }: Places): number {
  let lost = 0
  for (let i = 0; i < starts.length; i++) {
    const start = starts[i] ?? NO_VALUE
    if (start !== NO_VALUE && start < (ends[i] ?? 0) && from.getUint8(start) === LOST) lost += 1
  }
  return lost
}

export function takeHex(from: DataView, { starts, ends }: Places, to: ColumnValues): number {
  for (let i = 0; i < starts.length; i++) {
    const start = starts[i] ?? NO_VALUE
    if (start === NO_VALUE) {
      to.setNull(to.rows + i)
      continue
    }
    const length = (ends[i] ?? 0) - start
    to.reserve(2 * length + 4)
    to.view.setInt32(to.filled, 2 * length, true)
    to.filled = putHex(from, start, length, to, to.filled + 4)
  }
  return 0
}

/** Up to here a loop over words is faster than a call. */
const SHORT_BYTES = 64
const WORD_BYTES = 4

/**
 * Copy bytes into memory that is reserved; gives where they end. Up to three bytes behind them may be anything, so that there is
 * no loop for the last.
 */
export function putBytes(from: DataView, start: number, length: number, to: ColumnValues, out: number): number {
  if (length > SHORT_BYTES) to.bytes.set(new Uint8Array(from.buffer, from.byteOffset + start, length), out)
  else {
    const { view } = to
    if (start + length + WORD_BYTES <= from.byteLength) {
      for (let n = 0; n < length; n += WORD_BYTES) view.setInt32(out + n, from.getInt32(start + n))
    } else for (let n = 0; n < length; n++) view.setUint8(out + n, from.getUint8(start + n))
  }
  return out + length
}

const DIGITS = Uint16Array.from({ length: 256 }, (_, byte) =>
  Buffer.from(byte.toString(16).padStart(2, '0')).readUInt16BE(),
)

/** The same as hexadecimal digits. */
export function putHex(from: DataView, start: number, length: number, { view }: ColumnValues, out: number): number {
  for (let n = 0; n < length; n++) view.setUint16(out + 2 * n, DIGITS[from.getUint8(start + n)] ?? 0)
  return out + 2 * length
}
