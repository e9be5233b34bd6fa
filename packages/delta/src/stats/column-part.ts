/**
 * A column of one file in parts: its NULLs, its NaNs and the range of its other values. A condition on the column is
 * judged for each part by itself, and its outcomes are those of all parts together.
 */
import type { ColumnTest } from './bind-predicate.ts'
import type { CompareOperator } from './predicate.ts'
import { both, either, FALSE, NONE, NULL, negate, type Outcomes, TRUE } from './outcomes.ts'
import type { Ordered, ValueOrder } from './value-order.ts'

/** Values from `min` to `max`, both included; undefined where there is no bound. */
export interface ValueRange {
  readonly min: Ordered | undefined
  readonly max: Ordered | undefined
}

export type ColumnPart = 'null' | 'nan' | ValueRange

/** What a value may be to another, as bits. */
const LESS = 1
const EQUAL = 2
const GREATER = 4

const MEANING: Readonly<Record<CompareOperator, number>> = {
  '=': EQUAL,
  '<>': LESS | GREATER,
  '<': LESS,
  '<=': LESS | EQUAL,
  '>': GREATER,
  '>=': GREATER | EQUAL,
}

/** What the condition may be for a row of any of the parts. */
export function judgeParts(test: ColumnTest, parts: readonly ColumnPart[]): Outcomes {
  return parts.reduce((outcomes, part) => outcomes | judgePart(test, part), NONE)
}

function judgePart(test: ColumnTest, part: ColumnPart): Outcomes {
  switch (test.kind) {
    case 'isNull':
      return part === 'null' ? TRUE : FALSE
    case 'compare':
      return part === 'null' ? NULL : matching(relation(part, test.value, test.order), MEANING[test.op])
    case 'in':
      return part === 'null' ? NULL : judgeIn(test.values, part, test.order)
    case 'and':
      return test.of.reduce((outcomes, one) => both(outcomes, judgePart(one, part)), TRUE)
    case 'or':
      return test.of.reduce((outcomes, one) => either(outcomes, judgePart(one, part)), FALSE)
    case 'not':
      return negate(judgePart(test.of, part))
  }
}

function matching(relation: number, meaning: number): Outcomes {
  return (relation & meaning ? TRUE : NONE) | (relation & ~meaning ? FALSE : NONE)
}

/** What values of the part may be to `value`. */
function relation(part: ValueRange | 'nan', value: Ordered, order: ValueOrder): number {
  if (part === 'nan') return Number.isNaN(value) ? EQUAL : GREATER
  const low = part.min === undefined ? -1 : order.compare(part.min, value)
  const high = part.max === undefined ? 1 : order.compare(part.max, value)
  return (low < 0 ? LESS : 0) | (low <= 0 && high >= 0 ? EQUAL : 0) | (high > 0 ? GREATER : 0)
}

function judgeIn(values: readonly Ordered[], part: ValueRange | 'nan', order: ValueOrder): Outcomes {
  if (part === 'nan') return Number.isNaN(values.at(-1)) ? TRUE : FALSE
  const { min, max } = part
  const next = min === undefined ? values[0] : values[firstNotBelow(values, min, order)]
  if (next === undefined || (max !== undefined && order.compare(next, max) > 0)) return FALSE
  const isOneValue = min !== undefined && max !== undefined && order.compare(min, max) === 0
  return isOneValue ? TRUE : TRUE | FALSE
}

function firstNotBelow(values: readonly Ordered[], bound: Ordered, order: ValueOrder): number {
  let [start, end] = [0, values.length]
  while (start < end) {
    const middle = (start + end) >>> 1
    const value = values[middle]
    if (value !== undefined && order.compare(value, bound) < 0) start = middle + 1
    else end = middle
  }
  return start
}
