/**
 * SQL's three truth values as bits, so that a set of them is a number. Pruning asks whether a condition may be one of a
 * set: a file is ruled out only when it certainly may not.
 */

/** A set of TRUE, FALSE and NULL. */
export type Outcomes = number

export const TRUE: Outcomes = 1
export const FALSE: Outcomes = 2
export const NULL: Outcomes = 4

/** The outcomes of a condition for which NOT has one of these. */
export function negate(of: Outcomes): Outcomes {
  return (of & NULL) | (of & TRUE ? FALSE : 0) | (of & FALSE ? TRUE : 0)
}

/**
 * Whether a list of conditions joined by AND or OR may be one of the wanted outcomes. FALSE wins an AND, so wanting it
 * is to want it of any operand; not wanting it is to want the rest of every operand. OR is the same with TRUE.
 */
export function mayJoin<T>(
  kind: 'and' | 'or',
  of: readonly T[],
  wanted: Outcomes,
  may: (one: T, wanted: Outcomes) => boolean,
): boolean {
  const winner = kind === 'and' ? FALSE : TRUE
  return wanted & winner ? of.some(one => may(one, wanted)) : of.every(one => may(one, wanted))
}
