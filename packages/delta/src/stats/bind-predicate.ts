/**
 * A predicate bound to a table: columns found, values read in their type, and conditions on one column put together,
 * so that they can be judged for each part of the column's range by itself.
 */
import { DeltaError } from '../errors.ts'
import { type BoundColumn, bindColumn, type TableColumns } from './bound-column.ts'
import { type ColumnPath, type CompareOperator, type Predicate, printColumn } from './predicate.ts'
import type { Ordered, ValueOrder } from './value-order.ts'

/** A condition on one column. */
export type ColumnTest =
  | { readonly kind: 'compare'; readonly order: ValueOrder; readonly op: CompareOperator; readonly value: Ordered }
  /** One of these values, at least two, ascending. */
  | { readonly kind: 'in'; readonly order: ValueOrder; readonly values: readonly Ordered[] }
  | { readonly kind: 'isNull' }
  | { readonly kind: 'and' | 'or'; readonly of: readonly ColumnTest[] }
  | { readonly kind: 'not'; readonly of: ColumnTest }

export type BoundPredicate =
  | { readonly kind: 'column'; readonly column: BoundColumn; readonly test: ColumnTest }
  | { readonly kind: 'and' | 'or'; readonly of: readonly BoundPredicate[] }
  | { readonly kind: 'not'; readonly of: BoundPredicate }
  | { readonly kind: 'unknown' }

/**
 * Bind a predicate.
 *
 * @throws PREDICATE_INVALID for a column the schema lacks, a type that cannot be compared, or a value not of the type
 */
export function bindPredicate<Expr>(table: TableColumns, predicate: Predicate<Expr>): BoundPredicate {
  return bind(predicate, columnFinder(table))
}

type FindColumn = (path: ColumnPath) => BoundColumn

/** The same column is the same object, which also tells conditions on one column apart from others. */
function columnFinder(table: TableColumns): FindColumn {
  const found = new Map<string, BoundColumn>()
  return path => {
    const key = JSON.stringify(path)
    const known = found.get(key)
    if (known !== undefined) return known
    const column = bindColumn(table, path)
    const spelled = JSON.stringify(column.path)
    const same = found.get(spelled) ?? column
    found.set(spelled, same)
    found.set(key, same)
    return same
  }
}

function bind<Expr>(predicate: Predicate<Expr>, find: FindColumn): BoundPredicate {
  switch (predicate.kind) {
    case 'compare':
      return bindCompare(find(predicate.column), predicate.op, predicate.value)
    case 'isNull':
      return { kind: 'column', column: find(predicate.column), test: { kind: 'isNull' } }
    case 'and':
    case 'or':
      return bindList(
        predicate.kind,
        predicate.of.map(one => bind(one, find)),
      )
    case 'not': {
      const of = bind(predicate.of, find)
      return of.kind === 'column' ? { ...of, test: { kind: 'not', of: of.test } } : { kind: 'not', of }
    }
    case 'expression':
      return { kind: 'unknown' }
  }
}

function bindCompare(column: BoundColumn, op: CompareOperator, text: string): BoundPredicate {
  const { order, type } = column
  if (order === undefined) {
    if (type === 'string') return { kind: 'unknown' }
    throw invalid(column, `is ${typeof type === 'string' ? type : type.type} and cannot be compared`)
  }
  const value = order.parse(text)
  if (value !== undefined) return { kind: 'column', column, test: { kind: 'compare', order, op, value } }
  throw invalid(column, `is ${String(type)}, and ${JSON.stringify(text)} is not a value of that type`)
}

/** Put the conditions on each column into one, in the place of the first. */
function bindList(kind: 'and' | 'or', of: readonly BoundPredicate[]): BoundPredicate {
  const tests = new Map<BoundColumn, ColumnTest[]>()
  const list: (BoundPredicate | BoundColumn)[] = []
  for (const one of of) {
    if (one.kind !== 'column') {
      list.push(one)
      continue
    }
    const same = tests.get(one.column)
    if (same === undefined) list.push(one.column)
    if (same === undefined) tests.set(one.column, [one.test])
    else same.push(one.test)
  }
  const bound = list.map((one): BoundPredicate => {
    const own = 'kind' in one ? undefined : tests.get(one)
    return 'kind' in one ? one : { kind: 'column', column: one, test: joinTests(kind, one.order, own ?? []) }
  })
  const [only] = bound
  return only !== undefined && bound.length === 1 ? only : { kind, of: bound }
}

function joinTests(kind: 'and' | 'or', order: ValueOrder | undefined, of: readonly ColumnTest[]): ColumnTest {
  const [only] = of
  if (only !== undefined && of.length === 1) return only
  return kind === 'or' ? gatherEquals(order, of) : { kind, of }
}

/** Equalities joined by OR become one sorted list, so that ten thousand keys cost a binary search. */
function gatherEquals(order: ValueOrder | undefined, of: readonly ColumnTest[]): ColumnTest {
  const values: Ordered[] = []
  const rest: ColumnTest[] = []
  for (const one of of) {
    if (one.kind === 'compare' && one.op === '=') values.push(one.value)
    else rest.push(one)
  }
  if (order === undefined || values.length < 2) return { kind: 'or', of }
  const gathered: ColumnTest = { kind: 'in', order, values: values.toSorted((a, b) => order.compare(a, b)) }
  return rest.length === 0 ? gathered : { kind: 'or', of: [gathered, ...rest] }
}

function invalid(column: BoundColumn, reason: string): DeltaError {
  const name = printColumn(column.path)
  return new DeltaError('PREDICATE_INVALID', `The column ${name} ${reason}.`, { column: name, type: column.type })
}
