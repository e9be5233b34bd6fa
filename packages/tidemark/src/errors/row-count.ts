/** A number of rows as a sentence says it. Pure. */

/** `1 row`, `3 rows`; the number as it is given, so that a caller may group its digits. */
export function rowsText(count: bigint | string): string {
  return `${count} ${String(count) === '1' ? 'row' : 'rows'}`
}

/** `1 row breaks`, `3 rows break`. */
export function rowsThat(count: bigint | string, verb: { one: string; many: string }): string {
  return `${rowsText(count)} ${String(count) === '1' ? verb.one : verb.many}`
}
