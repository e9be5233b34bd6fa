/**
 * Rows of different engines in one canonical text, so that they can be compared character by character. Engines write
 * cells in a wire form; here it becomes the canonical one, in which equal values have equal texts.
 *
 * canonical: NULL null · boolean true/false · integers and decimals "1", "1.50" (the type's own scale) · date
 * "2024-02-29" · timestamp "2024-02-29T23:59:59.123456Z", without the Z for timestamp_ntz · binary "00FF" · float and
 * double as JavaScript prints the double, "NaN", "Infinity", "-0" · array [..] · struct {"a": ..} · map [[key, item]..]
 */
export type Wire =
  | null
  | boolean
  | string
  /** A float or double, as any text that gives the same double again. */
  | ['f', string]
  | ['a', Wire[]]
  | ['s', [name: string, value: Wire][]]
  | ['m', [key: Wire, item: Wire][]]

export interface WireRows {
  columns: WireColumn[]
  rows: Wire[][]
}

export interface WireColumn {
  name: string
  /** As Spark names types: `int`, `bigint`, `decimal(10,2)`, `array<struct<a:int>>`. */
  type: string
}

/** A row as one text, its cells in the order of the columns. */
export function canonicalRow(row: readonly Wire[]): string {
  return JSON.stringify(row.map(canonical))
}

function canonical(cell: Wire): unknown {
  if (!Array.isArray(cell)) return cell
  switch (cell[0]) {
    case 'f':
      return doubleText(cell[1])
    case 'a':
      return cell[1].map(canonical)
    case 's':
      return Object.fromEntries(cell[1].map(([name, value]) => [name, canonical(value)]))
    case 'm':
      return cell[1].map(entry => entry.map(canonical)).sort(byText)
  }
}

/** JavaScript prints the shortest decimal of a double, which makes every right spelling of it one. */
function doubleText(text: string): string {
  const value = Number(text)
  if (Number.isNaN(value) && text !== 'NaN') throw new Error(`${text} is no double`)
  return Object.is(value, -0) ? '-0' : String(value)
}

function byText(a: unknown, b: unknown): number {
  return JSON.stringify(a) < JSON.stringify(b) ? -1 : 1
}
