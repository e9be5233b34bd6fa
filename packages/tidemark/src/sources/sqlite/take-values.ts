/**
 * The values of one column of some lines, carried over into a column of a segment. A loop for each form: a call for each
 * value would cost more than the value.
 */
import type { ColumnValues } from '../parquet/column-values.ts'
import { LONGS, putLong, rangeOf } from '../parquet/printed-numbers.ts'
import { type Lines, NULL } from './lines.ts'
import { parquetType, type ValueForm } from './value-form.ts'

const [POINT, ZERO, ONE, CAPITAL_A] = [0x2e, 0x30, 0x31, 0x41]
/** From here on a loop over bytes takes longer than a call that copies them. */
const LONG_TEXT = 48

/** Add the values of column `n`; its rows are counted by the caller. */
export function takeColumn(lines: Lines, n: number, form: ValueForm, to: ColumnValues): void {
  const type = parquetType(form)
  if (type === 'int64' || typeof type === 'object') takeInts(lines, n, to, form)
  else if (type === 'boolean') takeBits(lines, n, to)
  else if (type === 'bytes') takeHex(lines, n, to)
  else takeTexts(lines, n, to)
}

function takeInts(lines: Lines, n: number, to: ColumnValues, form: ValueForm): void {
  const { bytes, starts, ends, kinds, width, rows } = lines
  to.reserve(rows * 8)
  const from = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const range = form.kind === 'decimal' ? rangeOf(form) : LONGS
  for (let row = 0, i = n; row < rows; row++, i += width) {
    if (kinds[i] === NULL) {
      to.setNull(to.rows + row)
      continue
    }
    const start = starts[i] ?? 0
    const end = ends[i] ?? 0
    // Whole doubles are printed with a zero that a column without decimals has no place for.
    const shown = range.scale === 0 && bytes[end - 2] === POINT ? end - 2 : end
    if (!putLong(from, start, shown, range, to))
      throw new TypeError('this is a bug in tidemark: a number that was judged does not fit')
  }
}

function takeBits({ bytes, starts, kinds, width, rows }: Lines, n: number, to: ColumnValues): void {
  to.reserve((rows >> 3) + 2)
  const { rows: before } = to
  let bit = before - to.nulls
  for (let row = 0, i = n; row < rows; row++, i += width) {
    if (kinds[i] === NULL) to.setNull(before + row)
    else {
      const at = bit >> 3
      const earlier = (bit & 7) === 0 ? 0 : (to.bytes[at] ?? 0)
      to.bytes[at] = bytes[starts[i] ?? 0] === ONE ? earlier | (1 << (bit & 7)) : earlier
      bit += 1
    }
  }
  to.filled = (bit + 7) >> 3
}

function takeTexts(lines: Lines, n: number, to: ColumnValues): void {
  const { bytes, starts, ends, kinds, width, rows } = lines
  to.reserve(lengthOf(lines, n) + rows * 4)
  const { view, rows: before } = to
  let out = to.filled
  for (let row = 0, i = n; row < rows; row++, i += width) {
    if (kinds[i] === NULL) {
      to.setNull(before + row)
      continue
    }
    const [start, end] = [starts[i] ?? 0, ends[i] ?? 0]
    view.setInt32(out, end - start, true)
    out = copyBytes(bytes, start, end, to.bytes, out + 4)
  }
  to.filled = out
}

function takeHex(lines: Lines, n: number, to: ColumnValues): void {
  const { bytes, starts, ends, kinds, width, rows } = lines
  to.reserve((lengthOf(lines, n) >> 1) + rows * 4)
  const { view, rows: before } = to
  let out = to.filled
  for (let row = 0, i = n; row < rows; row++, i += width) {
    if (kinds[i] === NULL) {
      to.setNull(before + row)
      continue
    }
    const [start, end] = [starts[i] ?? 0, ends[i] ?? 0]
    view.setInt32(out, (end - start) >> 1, true)
    out += 4
    for (let at = start; at < end; at += 2) to.bytes[out++] = (hexDigit(bytes[at]) << 4) | hexDigit(bytes[at + 1])
  }
  to.filled = out
}

function hexDigit(byte = 0): number {
  return byte < CAPITAL_A ? byte - ZERO : byte - CAPITAL_A + 10
}

function lengthOf({ starts, ends, kinds, width, rows }: Lines, n: number): number {
  let sum = 0
  for (let row = 0, i = n; row < rows; row++, i += width) {
    if (kinds[i] !== NULL) sum += (ends[i] ?? 0) - (starts[i] ?? 0)
  }
  return sum
}

/** Copy bytes. Gives where they end. */
export function copyBytes(from: Uint8Array, start: number, end: number, to: Uint8Array, out: number): number {
  if (end - start >= LONG_TEXT) to.set(from.subarray(start, end), out)
  else for (let at = start, written = out; at < end; at++) to[written++] = from[at] ?? 0
  return out + end - start
}
