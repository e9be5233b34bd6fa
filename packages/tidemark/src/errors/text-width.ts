/**
 * How many terminal cells a text takes. Used wherever columns are aligned or lines are cut, so that names in any
 * script line up and no line wraps.
 */

let segmenter: Intl.Segmenter | undefined

/** Made when a text needs it: it loads what most processes never do. */
function graphemesOf(text: string): Intl.Segments {
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' })
  return segmenter.segment(text)
}

const combining = /^[\p{Mn}\p{Me}\p{Cf}]+$/u
/** Scripts and symbols that terminals draw two cells wide (Unicode, East Asian Width W and F, and emoji). */
const wide =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]/u

/** Cells taken by a text without control characters. */
export function textWidth(text: string): number {
  if (/^[\u0020-\u007e]*$/.test(text)) return text.length
  let cells = 0
  for (const { segment } of graphemesOf(text)) cells += graphemeWidth(segment)
  return cells
}

/** Cut a text to at most `width` cells; a cut text ends in `…`. Width 0 gives the empty text. */
export function truncateToWidth(text: string, width: number): string {
  if (textWidth(text) <= width) return text
  let cells = 0
  let cut = ''
  for (const { segment } of graphemesOf(text)) {
    cells += graphemeWidth(segment)
    if (cells > width - 1) break
    cut += segment
  }
  return width < 1 ? '' : `${cut}…`
}

/** Fill up with blanks to `width` cells; a text that is longer stays as it is. */
export function padToWidth(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const fill = ' '.repeat(Math.max(0, width - textWidth(text)))
  return align === 'left' ? text + fill : fill + text
}

function graphemeWidth(grapheme: string): number {
  if (combining.test(grapheme)) return 0
  return wide.test(grapheme) ? 2 : 1
}
