/**
 * What a change must be before an engine sees it: columns that exist, and clauses that can come into effect.
 */
import type { Assignments, RowChange } from '../engine/relations.ts'
import { DeltaError } from '../errors.ts'
import type { StructType } from '../schema/schema.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'

/** Throw STAGE_INVALID with the first contradiction. `schema` is the table's after the change. */
export function checkChange<Rows, Expr>(
  { tablePath }: Snapshot,
  schema: StructType,
  change: RowChange<Rows, Expr>,
): void {
  const { source, matched = [], notMatched = [], notMatchedBySource = [] } = change
  const names = new Set(schema.fields.map(f => f.name))
  if (source === undefined && (matched.length > 0 || notMatched.length > 0)) {
    throw invalid(tablePath, 'a clause speaks of a source, and there is none')
  }
  if (source !== undefined && source.keys.length === 0) throw invalid(tablePath, 'it names no key column')
  for (const { target } of source?.keys ?? []) {
    if (!names.has(target)) throw invalid(tablePath, `the key column ${target} is not in its schema`)
  }
  for (const clauses of [matched, notMatchedBySource, notMatched]) refuseUnreachable(tablePath, clauses)
  const updates = [...matched, ...notMatchedBySource].flatMap(clause => (clause.kind === 'update' ? [clause.set] : []))
  for (const columns of [...updates, ...notMatched.map(clause => clause.values)]) {
    refuseUnknown(tablePath, names, columns)
  }
  for (const clause of notMatchedBySource) if (clause.kind === 'update') refuseSource(tablePath, clause.set)
}

/** A clause after one without a condition never decides anything: surely a mistake. */
function refuseUnreachable(tablePath: string, clauses: readonly { when?: unknown }[]): void {
  const always = clauses.findIndex(clause => clause.when === undefined)
  if (always >= 0 && always < clauses.length - 1) {
    throw invalid(tablePath, 'only the last clause of a kind may be without a condition')
  }
}

function refuseUnknown<Expr>(tablePath: string, names: ReadonlySet<string>, columns: Assignments<Expr>): void {
  for (const column of columns.keys()) {
    if (!names.has(column)) throw invalid(tablePath, `the assigned column ${column} is not in its schema`)
  }
}

function refuseSource<Expr>(tablePath: string, columns: Assignments<Expr>): void {
  for (const [column, value] of columns) {
    if ('source' in value) throw invalid(tablePath, `${column} is set from a source row where none matches`)
  }
}

function invalid(tablePath: string, reason: string): DeltaError {
  return new DeltaError('STAGE_INVALID', `Rows of ${tablePath} cannot be changed: ${reason}.`, { tablePath, reason })
}
