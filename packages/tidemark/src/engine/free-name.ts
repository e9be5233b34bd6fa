/**
 * Names for columns of our own beside those of others. DuckDB compares names without their case and takes the first of
 * two equal ones, so a helper column that is called like a column of a table would be read in its place, or the other way.
 */

/** The name, or with underscores added until no name taken is equal to it, case aside. */
export function freeName(name: string, taken: Iterable<string>): string {
  const folded = new Set(Array.from(taken, other => other.toLowerCase()))
  let free = name
  while (folded.has(free.toLowerCase())) free += '_'
  return free
}
