/** The end of a hint where a name was not found. Pure. */

/** `Did you mean "x"?`, or what to say where nothing looks like it. */
export function meant(suggestion: string | undefined, otherwise: string): string {
  return suggestion === undefined ? otherwise : `Did you mean "${suggestion}"?`
}

/** Names as a sentence lists them. */
export function list(words: readonly string[]): string {
  return words.length === 0 ? 'none' : words.join(', ')
}
