/** Which values of some lines are surely of their column's type, as they stand in the database. SQLite judges all others. */
import { INTEGER, type Lines, NULL, REAL, TEXT } from './lines.ts'
import { isPlainDecimal } from './plain-decimal.ts'
import { isPlainDay, isPlainMoment } from './plain-moment.ts'
import type { ValueForm } from './value-form.ts'

const [ZERO, ONE, NINE] = [0x30, 0x31, 0x39]
/** As JSON has what is beyond all doubles, and as SQLite prints it elsewhere. */
const JSON_INFINITY = Buffer.from('9.0e+999')
const INFINITY_TEXT = Buffer.from('Inf')

/** Whether the reader cannot tell of every value of column `n` that it fits. Infinite doubles get the text that they have. */
export function isDoubtful(lines: Lines, n: number, form: ValueForm): boolean {
  const { bytes, starts, ends, kinds, width, rows } = lines
  for (let row = 0, i = n; row < rows; row++, i += width) {
    const found = kinds[i]
    if (found === NULL) continue
    const [start, end] = [starts[i] ?? 0, ends[i] ?? 0]
    switch (form.kind) {
      case 'long':
        if (found !== INTEGER) return true
        break
      case 'boolean':
        if (found !== INTEGER || end - start !== 1 || (bytes[start] !== ZERO && bytes[start] !== ONE)) return true
        break
      case 'double':
        if (found !== REAL) return true
        if (bytes[end - 1] === NINE) printInfinity(lines, i)
        break
      case 'decimal':
        if (found === TEXT || !isPlainDecimal(bytes, { start, end }, form)) return true
        break
      case 'text':
        if (found !== TEXT) return true
        break
      case 'any text':
        if (found === REAL) return true
        break
      case 'day':
        if (found !== TEXT || !isPlainDay(bytes, start, end)) return true
        break
      case 'moment':
        if (found !== TEXT || !isPlainMoment(bytes, start, end)) return true
        break
      case 'hex':
        return true
    }
  }
  return false
}

function printInfinity({ bytes, starts, ends }: Lines, i: number): void {
  const end = ends[i] ?? 0
  const start = end - JSON_INFINITY.length
  // Behind a sign or nothing.
  if (start < (starts[i] ?? 0) || JSON_INFINITY.compare(bytes, start, end) !== 0) return
  bytes.set(INFINITY_TEXT, start)
  ends[i] = start + INFINITY_TEXT.length
}
