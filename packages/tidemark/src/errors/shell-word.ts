/** Names as words of a command line, so that a hint can be copied into a shell. Pure. */

/** As it is where a shell would leave it alone, else in single quotes. */
export function shellWord(text: string): string {
  return /^[\p{L}\p{N}_.,:/@%+=-]+$/u.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
