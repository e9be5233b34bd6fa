/** A text the user wrote, with the name it is shown under; turns offsets into places. */
import type { Place } from '../errors/problem.ts'

export interface SourceText {
  /** Relative to the project root with `/`, or the address of a fetched list. */
  file: string
  text: string
  place: (start: number, end?: number) => Place
}

/**
 * Index the lines of a text. A byte-order mark at the start is removed. Places count columns in UTF-16 units from 1 and
 * end at the end of their first line.
 */
export function sourceText(file: string, written: string): SourceText {
  const text = written.startsWith('\ufeff') ? written.slice(1) : written
  const lineStarts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lineStarts.push(at + 1)
  const place = (start: number, end: number = start + 1): Place => {
    const line = findLine(lineStarts, start)
    const lineStart = lineStarts[line] ?? 0
    const newline = text.indexOf('\n', lineStart)
    const lineEnd = newline < 0 ? text.length : newline
    const length = Math.max(1, Math.min(end, lineEnd) - start)
    return { file, line: line + 1, column: start - lineStart + 1, length }
  }
  return { file, text, place }
}

/** Index of the last line that starts at or before the offset. */
function findLine(lineStarts: readonly number[], offset: number): number {
  let low = 0
  let high = lineStarts.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((lineStarts[middle] ?? 0) <= offset) low = middle
    else high = middle - 1
  }
  return low
}
