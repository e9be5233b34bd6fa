/** Rows as aligned text, CSV or JSON: what `query`, `status` and the other listings print. Pure. */
import { plainLine } from '../errors/plain-text.ts'
import { padToWidth, textWidth, truncateToWidth } from '../errors/text-width.ts'
import { printJson } from './json.ts'

export type TableCell = string | bigint | boolean | null

export interface Column {
  /** Key of the cell in a row, and heading unless there is one. */
  name: string
  heading?: string
  /** Numbers stand right; text left. */
  align?: 'left' | 'right'
}

export type TableRow = Readonly<Record<string, TableCell>>

/** Columns by name; those that hold integers in every row that has a value stand right. */
export function inferColumns(names: readonly string[], rows: readonly TableRow[]): Column[] {
  return names.map(name => {
    const values = rows.map(row => row[name] ?? null).filter(value => value !== null)
    const numeric = values.length > 0 && values.every(value => typeof value === 'bigint' || isNumber(value))
    return { name, align: numeric ? 'right' : 'left' }
  })
}

/**
 * Aligned text with a heading; every line ends in a newline. NULL is an empty cell. Given a width, columns are cut
 * from the widest down until a line fits; a cut cell ends in `…`.
 */
export function printTable(
  columns: readonly Column[],
  rows: readonly TableRow[],
  options: { width?: number | undefined } = {},
): string {
  const texts = [columns.map(headingOf), ...rows.map(row => columns.map(column => cellText(row[column.name])))]
  const widths = columns.map((_, i) => Math.max(...texts.map(line => textWidth(line[i] ?? ''))))
  if (options.width !== undefined) shrinkToFit(widths, options.width)
  const printLine = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => padToWidth(truncateToWidth(cell, widths[i] ?? 0), widths[i] ?? 0, columns[i]?.align ?? 'left'))
      .join('  ')
      .trimEnd()
  return texts.map(line => `${printLine(line)}\n`).join('')
}

/**
 * CSV by RFC 4180 with `\n` line ends and a heading. NULL is empty, the empty text is `""`. With `guardFormulas`, on
 * by default, a text that a spreadsheet would run as a formula gets a leading apostrophe; numbers stay as they are.
 */
export function printCsv(
  columns: readonly Column[],
  rows: readonly TableRow[],
  options: { guardFormulas?: boolean } = {},
): string {
  const guard = options.guardFormulas ?? true
  const lines = [
    columns.map(column => csvText(headingOf(column), guard)),
    ...rows.map(row => columns.map(column => csvCell(row[column.name] ?? null, guard))),
  ]
  return lines.map(line => `${line.join(',')}\n`).join('')
}

/** A JSON array with one object a row, keys in the order of the columns; 64-bit integers are text. */
export function printJsonRows(columns: readonly Column[], rows: readonly TableRow[]): string {
  const objects = rows.map(row => printJson(Object.fromEntries(columns.map(({ name }) => [name, row[name] ?? null]))))
  return objects.length === 0 ? '[]\n' : `[\n${objects.map(one => `  ${one}`).join(',\n')}\n]\n`
}

function headingOf(column: Column): string {
  return plainLine(column.heading ?? column.name)
}

function cellText(value: TableCell | undefined): string {
  if (value === null || value === undefined) return ''
  return typeof value === 'string' ? plainLine(value) : String(value)
}

function csvCell(value: TableCell, guard: boolean): string {
  if (value === null) return ''
  return typeof value === 'string' ? csvText(value, guard) : String(value)
}

function csvText(text: string, guard: boolean): string {
  const safe = guard && /^[=+\-@\t\r]/.test(text) && !isNumber(text) ? `'${text}` : text
  return safe === '' || /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

function isNumber(value: TableCell): boolean {
  return typeof value === 'string' && /^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(value)
}

/** Narrow the widest column again and again; none gets narrower than six cells. */
function shrinkToFit(widths: number[], width: number): void {
  const minimum = 6
  for (let over = widths.reduce((a, b) => a + b + 2, -2) - width; over > 0; over--) {
    const widest = widths.indexOf(Math.max(...widths))
    const current = widths[widest] ?? 0
    if (current <= minimum) return
    widths[widest] = current - 1
  }
}
