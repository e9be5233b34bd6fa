/**
 * Keeping a table's conditions: rows are judged by the engine before their files are staged, and what was judged is
 * handed to the stage function, which lets no file in whose rows were not.
 */
import type { RowChecker } from '../engine/row-checker.ts'
import { DeltaError } from '../errors.ts'
import type { AddFile } from '../log/actions.ts'
import { type Condition, conditionsOf, printCondition } from '../schema/conditions.ts'
import type { StructType } from '../schema/schema.ts'
import { parseStats } from '../stats/parse-stats.ts'

/** Conditions that some rows were found to fulfil. */
export type CheckedRows = readonly Condition[]

export interface CheckRequest<Rows> {
  tablePath: string
  /** The table's columns and settings after the commit. */
  schema: StructType
  configuration: Readonly<Record<string, string>>
  rows: Rows
  /** Left out by who has no engine for it; then a table with conditions is not written. */
  checker?: RowChecker<Rows> | undefined
  signal?: AbortSignal | undefined
}

/**
 * Judge rows by every condition of the table.
 *
 * @throws CONSTRAINT_VIOLATED with the conditions and the number of rows that break each
 * @throws WRITE_REFUSED when there is no checker, or it does not know what a condition means
 *
 * @example
 * ```ts
 * const configuration = { 'delta.constraints.known': 'id > 0' }
 * const request = { tablePath: 'people', schema: people.schema, configuration, checker }
 * const checked = await checkRows({ ...request, rows: [{ id: 4, name: 'Di' }] })
 * console.log(checked) // [ { kind: 'constraint', name: 'known', sql: 'id > 0' } ]
 * const error = await checkRows({ ...request, rows: [{ id: -4, name: 'Di' }] }).catch((error: unknown) => error)
 * console.log(isDeltaError(error, 'CONSTRAINT_VIOLATED')) // true
 * ```
 */
export async function checkRows<Rows>(request: CheckRequest<Rows>): Promise<CheckedRows> {
  const { tablePath, schema, configuration, rows, checker, signal } = request
  const conditions = conditionsOf(schema, configuration)
  if (conditions.length === 0) return []
  if (checker === undefined) {
    // What files prove by their statistics is not known yet, so those conditions are left for the stage function.
    const unprovable = conditions.find(({ kind }) => kind !== 'not null')
    if (unprovable) throw unchecked(tablePath, unprovable, 'there is nothing to check it with')
    return []
  }
  const counts = await checker.countViolations(rows, conditions, { schema, signal })
  const violations: { condition: Condition; rowCount: bigint }[] = []
  for (const [i, condition] of conditions.entries()) {
    const count = counts[i]
    if (typeof count !== 'bigint') throw unchecked(tablePath, condition, count?.refused ?? 'it was not checked')
    if (count > 0n) violations.push({ condition, rowCount: count })
  }
  if (violations.length > 0) throw violated(tablePath, violations)
  return conditions
}

export interface CheckRequirement {
  required: readonly Condition[]
  checked: CheckedRows | undefined
  /** Files with the rows. */
  files: readonly Pick<AddFile, 'partitionValues' | 'stats'>[]
  /** Name of a top-level column in partition values and stats. */
  physicalName: (column: string) => string
}

/**
 * Throw WRITE_REFUSED when rows were not checked for one of the conditions; a column without NULL may also be proved by
 * the statistics of its files.
 */
export function requireChecked(tablePath: string, requirement: CheckRequirement): void {
  const known = new Set((requirement.checked ?? []).map(printCondition))
  const missing = requirement.required.find(one => !known.has(printCondition(one)) && !isProved(one, requirement))
  if (missing) throw unchecked(tablePath, missing, 'its rows were not checked')
}

function isProved({ provedByNullCountOf }: Condition, { files, physicalName }: CheckRequirement): boolean {
  if (provedByNullCountOf === undefined) return false
  const name = physicalName(provedByNullCountOf)
  return files.every(({ partitionValues, stats }) => {
    if (name in partitionValues) return (partitionValues[name] ?? '') !== ''
    const { numRecords, nullCount } = parseStats(stats) ?? {}
    return numRecords === 0n || nullCount?.[name] === '0'
  })
}

function unchecked(tablePath: string, condition: Condition, why: string): DeltaError {
  const reason = `it has the ${condition.kind} ${condition.name} (${condition.sql}), and ${why}`
  return new DeltaError('WRITE_REFUSED', `${tablePath} cannot be written in this way: ${reason}.`, {
    tablePath,
    reason,
    condition,
  })
}

function violated(tablePath: string, violations: readonly { condition: Condition; rowCount: bigint }[]): DeltaError {
  const list = violations.map(({ condition: { kind, name, sql }, rowCount }) => {
    return `${rowCount} ${rowCount === 1n ? 'row breaks' : 'rows break'} the ${kind} ${name} (${sql})`
  })
  const message = `Rows for ${tablePath} break what it demands: ${list.join('; ')}. Nothing was committed.`
  return new DeltaError('CONSTRAINT_VIOLATED', message, { tablePath, violations })
}
