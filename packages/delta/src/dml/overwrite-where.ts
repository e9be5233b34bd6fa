/**
 * Overwrite by predicate: the rows for which a condition is TRUE are exchanged for new ones that fulfil it as well.
 */
import { DeltaError } from '../errors.ts'
import { type Predicate, printPredicate } from '../stats/predicate.ts'
import { evolvedSchema } from '../write/schema-after.ts'
import { type ChangeRequest, type StagedChange, stageChange } from './change.ts'

export type OverwriteWhereRequest<Rows, Expr> = Omit<ChangeRequest<Rows, Expr>, 'change' | 'where' | 'append'> & {
  where: Predicate<Expr>
  /** The new rows, with the columns of the schema. */
  rows: Rows
}

/**
 * Stage the exchange. A new row for which the condition is not TRUE would not be found by the next such overwrite, so
 * it is refused.
 *
 * @throws ROWS_OUTSIDE when the condition is not TRUE for some of the new rows
 * @throws PREDICATE_INVALID when the condition does not fit the schema
 *
 * @example
 * ```ts
 * const request = { snapshot: people, where: compare('id', '>', '2'), rows: [{ id: 9, name: 'Io' }] }
 * const { staged } = await stageOverwriteWhere({ ...request, ports, parquet, relations, info: { operation: 'WRITE' } })
 * console.log([staged.remove.map(file => file.path), staged.add.length]) // [ [ 'b' ], 1 ]
 * ```
 */
export async function stageOverwriteWhere<Rows, Expr>(
  request: OverwriteWhereRequest<Rows, Expr>,
): Promise<StagedChange> {
  const { where, rows, relations, snapshot } = request
  const when = relations.express(where, snapshot.schema)
  // What counts is what the rows are once they are stored: 1.4 is 1 in a column of whole numbers.
  const stored = relations.typed(rows, evolvedSchema(snapshot, request.schema))
  const outside = await relations.countUnless(stored, when)
  if (outside > 0n) {
    const { tablePath } = snapshot
    const condition = printPredicate(where, String)
    const message = `${outside} of the new rows for ${tablePath} do not fulfil ${condition}. Nothing was changed.`
    throw new DeltaError('ROWS_OUTSIDE', message, { tablePath, condition, count: outside })
  }
  return stageChange({ ...request, change: { notMatchedBySource: [{ kind: 'delete', when }] }, append: rows })
}
