/**
 * Pruning: leaving out files that certainly hold no matching row, by their partition values and stats.
 */

import { isDeltaError } from '../errors.ts'
import type { AddFile, PartitionValues } from '../log/actions.ts'
import { type BoundPredicate, bindPredicate } from './bind-predicate.ts'
import type { BoundColumn, TableColumns } from './bound-column.ts'
import { type ColumnParts, mayTest } from './column-part.ts'
import { fileParts } from './file-parts.ts'
import { FALSE, mayJoin, NULL, negate, type Outcomes, TRUE } from './outcomes.ts'
import { and, compare, isIn, isNull, or, type Predicate } from './predicate.ts'

/**
 * The files that may hold a row for which the predicate is TRUE, in their order. No file with such a row is left out,
 * whoever wrote its stats; a file without stats stays.
 *
 * @param table the snapshot, or what the files' columns are
 * @throws PREDICATE_INVALID when the predicate does not fit the schema
 *
 * @example
 * ```ts
 * const files = pruneFiles(people.files.values(), people, compare('id', '<', '3'))
 * console.log(files.map(file => file.path)) // [ 'a' ]
 * ```
 */
export function pruneFiles<Expr>(files: Iterable<AddFile>, table: TableColumns, predicate: Predicate<Expr>): AddFile[] {
  const bound = bindPredicate(table, predicate)
  const kept: AddFile[] = []
  for (const file of files) if (mayBe(bound, TRUE, fileParts(file))) kept.push(file)
  return kept
}

/**
 * The predicate for the rows of a partition: TRUE, FALSE, NULL as `null`, or undefined when that depends on more than
 * the partition.
 *
 * @throws PREDICATE_INVALID when the predicate does not fit the schema
 *
 * @example
 * ```ts
 * const table = { schema: people.schema, metaData: { ...people.metaData, partitionColumns: ['name'] } }
 * const isAnn = compare('name', '=', 'Ann')
 * console.log(evaluate({ ...people, ...table }, isAnn, { name: 'Ann' })) // true
 * console.log(evaluate({ ...people, ...table }, isAnn, { name: null })) // null
 * ```
 */
export function evaluate<Expr>(
  table: TableColumns,
  predicate: Predicate<Expr>,
  partitionValues: PartitionValues,
): boolean | null | undefined {
  const bound = bindPredicate(table, predicate)
  const partsOf = fileParts({ partitionValues })
  const may = (wanted: Outcomes): boolean => mayBe(bound, wanted, partsOf)
  if (!may(FALSE | NULL)) return true
  if (!may(TRUE | NULL)) return false
  return may(TRUE) || may(FALSE) ? undefined : null
}

/** What values a key column has among the wanted keys, as text of the table column's type. */
export interface KeyRange {
  /** Inclusive; undefined when all are NULL. */
  min: string | undefined
  max: string | undefined
  hasNull: boolean
  /** All distinct values but NULL, in any order, where they are few: files between two of them are left out too. */
  values?: readonly string[] | undefined
  /** Where they are many: ranges that hold all of them but NULL; files between two ranges are left out too. */
  spans?: readonly KeySpan[] | undefined
}

/** A range of keys, both ends included. */
export interface KeySpan {
  min: string
  max: string
}

/**
 * The predicate that a row's key lies in all the ranges. Columns without a range, and ranges that cannot be compared with
 * the table's column, do not narrow anything.
 *
 * @example
 * ```ts
 * const ranges = new Map([['id', { min: '3', max: '9', hasNull: false }]])
 * console.log(pruneFiles(people.files.values(), people, keysPredicate(people, ranges)).length) // 1
 * ```
 */
export function keysPredicate(table: TableColumns, ranges: ReadonlyMap<string, KeyRange>): Predicate<never> {
  const predicates = [...ranges].map(([column, range]) => rangePredicate(column, range))
  return and(...predicates.filter(predicate => isUsable(table, predicate)))
}

/**
 * The predicate that a column's value is one of the wanted keys', NULL equal to NULL.
 *
 * @example
 * ```ts
 * const predicate = rangePredicate('id', { min: '3', max: '9', hasNull: false })
 * console.log(printPredicate(predicate, String)) // id >= '3' AND id <= '9'
 * ```
 */
export function rangePredicate(column: string, range: KeyRange): Predicate<never> {
  const { min, max, values, spans, hasNull } = range
  const nulls = hasNull ? isNull(column) : or()
  if (values !== undefined) return or(isIn(column, values), nulls)
  const whole = min === undefined || max === undefined ? [] : [{ min, max }]
  const within = (spans ?? whole).map(span => and(compare(column, '>=', span.min), compare(column, '<=', span.max)))
  return or(...within, nulls)
}

/** An engine may hand over keys that cannot be compared here; they do not narrow anything. */
function isUsable(table: TableColumns, predicate: Predicate<never>): boolean {
  try {
    bindPredicate(table, predicate)
    return true
  } catch (error) {
    if (isDeltaError(error, 'PREDICATE_INVALID')) return false
    throw error
  }
}

/** Whether the predicate may have one of the wanted outcomes for a row of the file. */
function mayBe(predicate: BoundPredicate, wanted: Outcomes, partsOf: (column: BoundColumn) => ColumnParts): boolean {
  switch (predicate.kind) {
    case 'column':
      return mayTest(predicate.test, partsOf(predicate.column), wanted)
    case 'and':
    case 'or':
      return mayJoin(predicate.kind, predicate.of, wanted, (one, outcomes) => mayBe(one, outcomes, partsOf))
    case 'not':
      return mayBe(predicate.of, negate(wanted), partsOf)
    case 'unknown':
      return true
  }
}
