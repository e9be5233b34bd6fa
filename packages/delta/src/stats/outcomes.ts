/**
 * Three-valued logic over sets: what a condition may be for the rows of a file. Sets may be too large, never too small,
 * so a file is ruled out only when TRUE is certainly not among them.
 */

/** A set of TRUE, FALSE and NULL, as bits. */
export type Outcomes = number

export const NONE: Outcomes = 0
export const TRUE: Outcomes = 1
export const FALSE: Outcomes = 2
export const NULL: Outcomes = 4
export const ANY: Outcomes = TRUE | FALSE | NULL

/** What NOT may be. */
export function negate(of: Outcomes): Outcomes {
  return (of & NULL) | (of & TRUE ? FALSE : NONE) | (of & FALSE ? TRUE : NONE)
}

/** What AND may be: FALSE wins over NULL, NULL over TRUE. No row at all on one side is no row at all. */
export function both(a: Outcomes, b: Outcomes): Outcomes {
  if (a === NONE || b === NONE) return NONE
  const isNull = (a & NULL && b & (NULL | TRUE)) || (b & NULL && a & TRUE)
  return (a & b & TRUE) | ((a | b) & FALSE) | (isNull ? NULL : NONE)
}

/** What OR may be. */
export function either(a: Outcomes, b: Outcomes): Outcomes {
  return negate(both(negate(a), negate(b)))
}
