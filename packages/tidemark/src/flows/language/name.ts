/** Names of tables in flows, and the nearest known name when one is misspelt. */
import type { TableName } from '../../model/flow.ts'

/**
 * The schema in which a file's unqualified names live: the first folder named silver or gold, else the top folder.
 * `file` is relative to the project, with forward slashes.
 */
export function schemaOfFile(file: string): string {
  const folders = file.split('/').slice(0, -1)
  return folders.find(f => f === 'silver' || f === 'gold') ?? folders[0] ?? 'gold'
}

/** `t`, `LIVE.t` and `schema.t` as `schema.t`; undefined for names with more parts. */
export function tableName(parts: readonly string[], schema: string): TableName | undefined {
  const [first, second] = parts
  if (parts.length === 1) return `${schema}.${first}`
  if (parts.length !== 2) return undefined
  return first?.toLowerCase() === 'live' ? `${schema}.${second}` : `${first}.${second}`
}

/** The known name nearest to a misspelt one, or undefined when none is near enough to be meant. */
export function suggest(name: string, known: Iterable<string>): string | undefined {
  let best: string | undefined
  let bestDistance = Math.max(2, Math.floor(name.length / 3)) + 1
  for (const candidate of known) {
    const d = distance(name.toLowerCase(), candidate.toLowerCase())
    if (d < bestDistance) [best, bestDistance] = [candidate, d]
  }
  return best
}

/** Number of single-character changes, swaps of neighbours counting as two. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replace = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replace, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
