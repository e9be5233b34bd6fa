/** Wanted tables, by the key they were asked for under, and what is known of them by the name they were found under. */
import { Problem } from '../errors/problem.ts'
import { type SourceTable, type TableRef, tableKey } from './source.ts'

type Found<T extends TableRef> = ReadonlyMap<string, T | Problem>

/** Those that were found. */
export function refsOf<T extends TableRef>(found: Found<T>): T[] {
  return [...found.values()].flatMap(one => (one instanceof Problem ? [] : [one]))
}

/** For each wanted table the first that is known of it; a table of which nothing is known is left out. */
export function asWanted(
  found: Found<TableRef>,
  ...known: readonly ReadonlyMap<string, SourceTable | Problem>[]
): Map<string, SourceTable | Problem> {
  const result = new Map<string, SourceTable | Problem>()
  for (const [key, one] of found) {
    const first = one instanceof Problem ? one : known.map(map => map.get(tableKey(one))).find(has => has !== undefined)
    if (first !== undefined) result.set(key, first)
  }
  return result
}
