/**
 * What an engine answers to one text of portable SQL, and the lines in which golden files keep it: types under Spark's
 * names, rows as canonical texts (interop/wire.ts).
 */
export type Answer =
  | { kind: 'rows'; types: readonly string[]; rows: readonly string[] }
  /** The text has a meaning, and its values have none: an overflow, a text that is no number. */
  | { kind: 'error'; why: string }
  /** Ours only: the text is outside the subset, or has no meaning. */
  | { kind: 'refused'; code: string; why: string }

/** The query that a text means: an expression is one column. */
export function queryOfText(text: string): string {
  return isQuery(text) ? text : `SELECT ${text}\n AS x`
}

export const isQuery = (text: string): boolean => /^(SELECT|WITH)\b/.test(text)

/** Rows have an order only where the text ends in one. */
function inOrder(rows: readonly string[], text: string): readonly string[] {
  return /\bORDER BY [^()]*$/.test(text) ? rows : [...rows].sort()
}

/** The lines of an answer: `= type value` for an expression, `= types` and a line a row for a query. */
export function linesOf(answer: Answer, text: string): string[] {
  if (answer.kind === 'error') return [`fails ${answer.why}`]
  if (answer.kind === 'refused') return [`refused ${answer.code}`]
  const types = answer.types.join(' ')
  if (isQuery(text)) return [`= ${types}`, ...inOrder(answer.rows, text)]
  return [`= ${types} ${JSON.stringify((JSON.parse(answer.rows[0] ?? '[null]') as unknown[])[0])}`]
}
