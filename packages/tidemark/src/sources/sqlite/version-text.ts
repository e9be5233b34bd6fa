/**
 * The text whose hash is a row's version: each value as SQLite prints it behind its length in bytes and a colon, NULL as a
 * hyphen. It is made for all columns between two masked ones.
 */
import type { ColumnValues } from '../parquet/column-values.ts'
import { type Lines, NULL } from './lines.ts'
import { copyBytes } from './take-values.ts'

const [HYPHEN, COLON, ZERO] = [0x2d, 0x3a, 0x30]
/** Digits of a length, and the colon. */
const LENGTH_BYTES = 10

/** Add the texts of some lines, over the columns `from` up to, not with, `to`; the rows are counted by the caller. */
export function takeVersionText(lines: Lines, { from, to }: { from: number; to: number }, into: ColumnValues): void {
  const { bytes, starts, ends, kinds, rows, width } = lines
  into.reserve(bytes.length + rows * (4 + (to - from) * LENGTH_BYTES))
  const { view, bytes: written } = into
  let out = into.filled
  for (let row = 0; row < rows; row++) {
    const first = out + 4
    out = first
    for (let n = from, i = row * width + from; n < to; n++, i++) {
      if (kinds[i] === NULL) {
        written[out++] = HYPHEN
        continue
      }
      const [start, end] = [starts[i] ?? 0, ends[i] ?? 0]
      out = copyBytes(bytes, start, end, written, writeLength(written, out, end - start))
    }
    view.setInt32(first - 4, out - first, true)
  }
  into.filled = out
}

/** A length and its colon. Gives where they end. */
function writeLength(to: Uint8Array, out: number, length: number): number {
  // Most are short.
  if (length < 10) {
    to[out] = ZERO + length
    to[out + 1] = COLON
    return out + 2
  }
  let digits = 1
  for (let left = length; left >= 10; left = Math.floor(left / 10)) digits += 1
  for (let at = out + digits - 1, left = length; at >= out; at--, left = Math.floor(left / 10))
    to[at] = ZERO + (left % 10)
  to[out + digits] = COLON
  return out + digits + 1
}
