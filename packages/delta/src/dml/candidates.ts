/**
 * The first pruning of a change: files that certainly hold no row to match or to change are never opened.
 */
import type { Relations, RowChange } from '../engine/relations.ts'
import type { AddFile } from '../log/actions.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import type { Predicate } from '../stats/predicate.ts'
import { pruneByKeys, pruneFiles } from '../stats/prune.ts'

/**
 * The files that have to be judged. A clause for unmatched rows of the target looks at every file that `where` leaves.
 *
 * @param where what must be TRUE for a row of the target to be matched or changed at all
 * @throws PREDICATE_INVALID when `where` does not fit the schema
 */
export async function findCandidates<Rows, Expr>(
  request: { snapshot: Snapshot; change: RowChange<Rows, Expr>; where?: Predicate<Expr> | undefined },
  relations: Relations<Rows, Expr>,
): Promise<AddFile[]> {
  const { snapshot, change, where } = request
  const { source } = change
  const files = snapshot.files.values()
  const all = where === undefined ? [...files] : pruneFiles(files, snapshot, where)
  if (all.length === 0 || (change.notMatchedBySource ?? []).length > 0) return all
  if (source === undefined) return []
  const ranges = await relations.keyRange?.(
    source.rows,
    source.keys.map(key => key.source),
  )
  if (ranges === undefined) return all
  const byTarget = new Map(
    source.keys.flatMap(key => {
      const range = ranges.get(key.source)
      if (range === undefined) return []
      return [[key.target, source.nullSafe === true ? range : { ...range, hasNull: false }] as const]
    }),
  )
  return pruneByKeys(all, snapshot, byTarget)
}
