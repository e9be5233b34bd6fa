/** Rows of the source against rows of the lake, by key: what is lost, stale, a ghost or doubled. */

export interface Difference {
  /** Keys of the source that the lake lacks. */
  lost: number
  /** Keys in both whose rows differ. */
  stale: number
  /** Keys of the lake that the source no longer has. */
  ghosts: number
  /** Rows of the lake beyond the first of their key. */
  doubled: number
}

export const EQUAL: Difference = { lost: 0, stale: 0, ghosts: 0, doubled: 0 }

type TextRow = Readonly<Record<string, unknown>>

/** Compare rows of text under the same column names on both sides; `keys` name the columns of the key. */
export function compareRows(source: readonly TextRow[], lake: readonly TextRow[], keys: readonly string[]): Difference {
  const print = (row: TextRow, columns: readonly string[]): string => JSON.stringify(columns.map(c => row[c] ?? null))
  const columns = Object.keys(source[0] ?? lake[0] ?? {}).toSorted()
  const left = new Map(source.map(row => [print(row, keys), print(row, columns)]))
  const right = new Map(lake.map(row => [print(row, keys), print(row, columns)]))
  const difference = { ...EQUAL, doubled: lake.length - right.size }
  for (const [key, row] of left) {
    if (!right.has(key)) difference.lost += 1
    else if (right.get(key) !== row) difference.stale += 1
  }
  for (const key of right.keys()) if (!left.has(key)) difference.ghosts += 1
  return difference
}
