/**
 * DELETE and UPDATE: a change whose only question to a row is whether a condition is TRUE.
 */
import type { Assignments, TargetClause } from '../engine/relations.ts'
import type { Predicate } from '../stats/predicate.ts'
import { type ChangeRequest, type StagedChange, stageChange } from './change.ts'

type ConditionRequest<Rows, Expr> = Omit<ChangeRequest<Rows, Expr>, 'change' | 'where' | 'append' | 'schema'> & {
  /** Rows for which it is TRUE are changed; all rows when left out. */
  where?: Predicate<Expr> | undefined
}

/**
 * Stage the deletion of rows. A file whose every row goes is removed without being read twice.
 *
 * @throws PREDICATE_INVALID when the condition does not fit the schema
 *
 * @example
 * ```ts
 * const where = compare('id', '>=', '2')
 * const info = { operation: 'DELETE' }
 * const { staged, counts } = await stageDelete({ snapshot: people, where, ports, parquet, relations, info })
 * console.log(counts.deleted) // 2n
 * console.log(staged.remove.length) // 2
 * ```
 */
export function stageDelete<Rows, Expr>(request: ConditionRequest<Rows, Expr>): Promise<StagedChange> {
  return stageConditional(request, when => ({ kind: 'delete', when }))
}

/**
 * Stage new values for rows. Expressions see the row before the update, as `target`; columns left out keep their value.
 *
 * @throws PREDICATE_INVALID when the condition does not fit the schema
 *
 * @example
 * ```ts
 * const set = new Map([['name', { expression: () => 'nobody' }]])
 * const where = compare('id', '=', '3')
 * const info = { operation: 'UPDATE' }
 * const { counts } = await stageUpdate({ snapshot: people, where, set, ports, parquet, relations, info })
 * console.log(counts.updated) // 1n
 * ```
 */
export function stageUpdate<Rows, Expr>(
  request: ConditionRequest<Rows, Expr> & { set: Assignments<Expr> },
): Promise<StagedChange> {
  return stageConditional(request, when => ({ kind: 'update', when, set: request.set }))
}

function stageConditional<Rows, Expr>(
  request: ConditionRequest<Rows, Expr>,
  clause: (when: Expr | undefined) => TargetClause<Expr>,
): Promise<StagedChange> {
  const { where, relations, snapshot } = request
  const when = where === undefined ? undefined : relations.express(where, snapshot.schema)
  return stageChange({ ...request, where, change: { notMatchedBySource: [clause(when)] } })
}
