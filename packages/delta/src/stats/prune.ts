/**
 * Pruning: leaving out files that certainly hold no matching row, by their partition values and stats.
 */

import { isDeltaError } from '../errors.ts'
import type { AddFile, PartitionValues } from '../log/actions.ts'
import { type BoundPredicate, bindPredicate } from './bind-predicate.ts'
import type { BoundColumn, TableColumns } from './bound-column.ts'
import { type ColumnPart, judgeParts } from './column-part.ts'
import { fileParts } from './file-parts.ts'
import { ANY, both, either, FALSE, NULL, negate, type Outcomes, TRUE } from './outcomes.ts'
import { and, compare, isIn, isNull, or, type Predicate } from './predicate.ts'

/**
 * The files that may hold a row for which the predicate is TRUE, in their order. No file with such a row is left out,
 * whoever wrote its stats; a file without stats stays.
 *
 * @param table the snapshot, or what the files' columns are
 * @throws PREDICATE_INVALID when the predicate does not fit the schema
 */
export function pruneFiles<Expr>(files: Iterable<AddFile>, table: TableColumns, predicate: Predicate<Expr>): AddFile[] {
  const bound = bindPredicate(table, predicate)
  const kept: AddFile[] = []
  for (const file of files) if (judgeFile(bound, file) & TRUE) kept.push(file)
  return kept
}

/**
 * The predicate for the rows of a partition: TRUE, FALSE, NULL as `null`, or undefined when that depends on more than
 * the partition.
 *
 * @throws PREDICATE_INVALID when the predicate does not fit the schema
 */
export function evaluate<Expr>(
  table: TableColumns,
  predicate: Predicate<Expr>,
  partitionValues: PartitionValues,
): boolean | null | undefined {
  const outcomes = judgeFile(bindPredicate(table, predicate), { partitionValues })
  if (outcomes === NULL) return null
  return outcomes === TRUE ? true : outcomes === FALSE ? false : undefined
}

/** What values a key column has among the wanted keys, as text of the table column's type. */
export interface KeyRange {
  /** Inclusive; undefined when all are NULL. */
  min: string | undefined
  max: string | undefined
  hasNull: boolean
  /** All distinct values but NULL, in any order, where they are few: files between two of them are left out too. */
  values?: readonly string[] | undefined
}

/** The files that may hold a row whose key lies in all the ranges. Columns without a range do not narrow anything. */
export function pruneByKeys(
  files: Iterable<AddFile>,
  table: TableColumns,
  ranges: ReadonlyMap<string, KeyRange>,
): AddFile[] {
  return pruneFiles(files, table, keysPredicate(table, ranges))
}

/** The predicate that a row's key lies in all the ranges that can be compared with the table's columns. */
export function keysPredicate(table: TableColumns, ranges: ReadonlyMap<string, KeyRange>): Predicate<never> {
  const predicates = [...ranges].map(([column, range]) => rangePredicate(column, range))
  return and(...predicates.filter(predicate => isUsable(table, predicate)))
}

/** The predicate that a column's value is one of the wanted keys', NULL equal to NULL. */
export function rangePredicate(column: string, range: KeyRange): Predicate<never> {
  const { min, max, values, hasNull } = range
  const nulls = hasNull ? isNull(column) : or()
  if (values !== undefined) return or(isIn(column, values), nulls)
  if (min === undefined || max === undefined) return nulls
  return or(and(compare(column, '>=', min), compare(column, '<=', max)), nulls)
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

function judgeFile(predicate: BoundPredicate, file: Pick<AddFile, 'partitionValues' | 'stats'>): Outcomes {
  return judge(predicate, fileParts(file))
}

function judge(predicate: BoundPredicate, partsOf: (column: BoundColumn) => readonly ColumnPart[]): Outcomes {
  switch (predicate.kind) {
    case 'column':
      return judgeParts(predicate.test, partsOf(predicate.column))
    case 'and':
      return predicate.of.reduce((outcomes, one) => both(outcomes, judge(one, partsOf)), TRUE)
    case 'or':
      return predicate.of.reduce((outcomes, one) => either(outcomes, judge(one, partsOf)), FALSE)
    case 'not':
      return negate(judge(predicate.of, partsOf))
    case 'unknown':
      return ANY
  }
}
