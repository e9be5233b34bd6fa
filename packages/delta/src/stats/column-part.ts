/**
 * A column of one file in parts: its NULLs, its NaNs and the range of its other values. A condition on the column is
 * judged for each part by itself, so it may be what it may be for any of them.
 */
import type { ColumnTest } from './bind-predicate.ts'
import { FALSE, mayJoin, NULL, negate, type Outcomes, TRUE } from './outcomes.ts'
import type { CompareOperator } from './predicate.ts'
import type { Ordered, ValueOrder } from './value-order.ts'

/** Values from `min` to `max`, both included; undefined where there is no bound. */
export interface ValueRange {
  readonly min: Ordered | undefined
  readonly max: Ordered | undefined
}

export interface ColumnParts {
  /** All values but NULL and NaN; undefined when there certainly are none. */
  readonly values: ValueRange | undefined
  /** True when there may be NaN. */
  readonly hasNaN: boolean
  /** True when there may be NULL. Asked only when it matters. */
  hasNull(): boolean
}

/** Whether the condition may have one of the wanted outcomes for a row. */
export function mayTest(test: ColumnTest, parts: ColumnParts, wanted: Outcomes): boolean {
  return (
    (parts.values !== undefined && mayTestPart(test, parts.values, wanted)) ||
    (parts.hasNaN && mayTestPart(test, 'nan', wanted)) ||
    (mayTestPart(test, 'null', wanted) && parts.hasNull())
  )
}

type Part = 'null' | 'nan' | ValueRange

function mayTestPart(test: ColumnTest, part: Part, wanted: Outcomes): boolean {
  switch (test.kind) {
    case 'isNull':
      return hasAny(wanted, part === 'null' ? TRUE : FALSE)
    case 'compare':
      return hasAny(wanted, part === 'null' ? NULL : compareRange(test, part))
    case 'in':
      return hasAny(wanted, part === 'null' ? NULL : searchRange(test, part))
    case 'and':
    case 'or':
      return mayJoin(test.kind, test.of, wanted, (one, outcomes) => mayTestPart(one, part, outcomes))
    case 'not':
      return mayTestPart(test.of, part, negate(wanted))
  }
}

function hasAny(wanted: Outcomes, outcomes: Outcomes): boolean {
  return (wanted & outcomes) !== 0
}

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

function compareRange(test: ColumnTest & { kind: 'compare' }, part: ValueRange | 'nan'): Outcomes {
  const relation = relationOf(part, test.value, test.order)
  const meaning = MEANING[test.op]
  return (relation & meaning ? TRUE : 0) | (relation & ~meaning ? FALSE : 0)
}

/** What values of the part may be to `value`. */
function relationOf(part: ValueRange | 'nan', value: Ordered, order: ValueOrder): number {
  if (part === 'nan') return Number.isNaN(value) ? EQUAL : GREATER
  const low = part.min === undefined ? -1 : order.compare(part.min, value)
  const high = part.max === undefined ? 1 : order.compare(part.max, value)
  return (low < 0 ? LESS : 0) | (low <= 0 && high >= 0 ? EQUAL : 0) | (high > 0 ? GREATER : 0)
}

function searchRange(test: ColumnTest & { kind: 'in' }, part: ValueRange | 'nan'): Outcomes {
  const { values, order } = test
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
