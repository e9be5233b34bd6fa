import { expect, test } from 'vitest'
import { ColumnValues } from './column-values.ts'

test('two thousand columns of few rows take little memory', () => {
  const before = process.memoryUsage().arrayBuffers
  const columns = Array.from({ length: 2000 }, () => new ColumnValues())
  const taken = process.memoryUsage().arrayBuffers - before
  expect([columns.length, taken < 16 * 1024 * 1024]).toEqual([2000, true])
})

test('values and NULLs are kept when a column outgrows its memory', () => {
  const values = new ColumnValues()
  const [length, step] = [50_000, 3]
  for (let row = 0; row < length; row++) {
    values.reserve(4)
    if (row % step === 0) values.setNull(row)
    else {
      values.view.setInt32(values.filled, row, true)
      values.filled += 4
    }
    values.rows += 1
  }
  const written = values.written()
  const read = new DataView(written.buffer, written.byteOffset, written.length)
  const valid = values.validBits()
  const wrong: number[] = []
  for (let row = 0, at = 0; row < length; row++) {
    const isThere = ((valid[row >> 3] ?? 0) & (1 << (row & 7))) !== 0
    if (isThere !== (row % step !== 0) || (isThere && read.getInt32(at, true) !== row)) wrong.push(row)
    if (isThere) at += 4
  }
  expect([wrong, values.nulls]).toEqual([[], Math.ceil(length / step)])
})
