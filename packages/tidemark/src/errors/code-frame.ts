/** The lines of a user's file around a place, with carets under the text that is wrong. Pure. */
import { plainText } from './plain-text.ts'
import type { Place } from './problem.ts'
import { textWidth, truncateToWidth } from './text-width.ts'

const maxWidth = 110

/**
 * The line before the place (when there is one) and the line itself, numbered, with carets below. Long lines are cut
 * around the place. Empty when the place is not inside the text, as after an edit.
 */
export function codeFrame(source: string, place: Place): string[] {
  const lines = source.split(/\r\n|\r|\n/)
  const line = lines[place.line - 1]
  if (line === undefined || place.line < 1) return []
  const gutter = String(place.line).length
  const column = Math.min(Math.max(place.column, 1) - 1, line.length)
  const skipped = windowStart(line, column)
  const lead = skipped > 0 ? '…' : ''
  const before = lead + cleanCode(line.slice(skipped, column))
  const marked = cleanCode(line.slice(column, column + Math.max(1, place.length ?? 1)))
  const frame: string[] = []
  const previous = lines[place.line - 2]
  if (previous !== undefined) frame.push(numbered(place.line - 1, gutter, cleanCode(previous)))
  frame.push(numbered(place.line, gutter, before + cleanCode(line.slice(column))))
  const carets = Math.max(1, Math.min(textWidth(marked), maxWidth - textWidth(before)))
  frame.push(`${' '.repeat(gutter)} | ${' '.repeat(textWidth(before))}${'^'.repeat(carets)}`)
  return frame
}

/** Where to start showing a line so that the place is in sight. */
function windowStart(line: string, column: number): number {
  return column < maxWidth - 30 || line.length <= maxWidth ? 0 : column - 30
}

function numbered(line: number, gutter: number, code: string): string {
  return `${String(line).padStart(gutter)} | ${truncateToWidth(code, maxWidth)}`.trimEnd()
}

/** Code keeps its blanks, unlike a message; a tab is one blank, so that carets stay under their text. */
function cleanCode(code: string): string {
  return plainText(code)
}
