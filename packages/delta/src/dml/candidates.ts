/**
 * The first pruning of a change: files that certainly hold no row to match or to change are never opened.
 */
import type { Relations, RowChange } from '../engine/relations.ts'
import type { AddFile } from '../log/actions.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import { and, or, type Predicate } from '../stats/predicate.ts'
import { keysPredicate, pruneFiles } from '../stats/prune.ts'

export interface Candidates {
  files: AddFile[]
  /** TRUE for every row of the target that could be matched or changed; undefined when that may be any row. */
  predicate: Predicate<unknown> | undefined
}

/**
 * The files that have to be judged. A clause for unmatched rows of the target looks at every file that `where` leaves.
 *
 * @param request.where TRUE for every row of the target that can be matched or changed
 * @throws PREDICATE_INVALID when `where` does not fit the schema
 */
export async function findCandidates<Rows, Expr>(
  request: { snapshot: Snapshot; change: RowChange<Rows, Expr>; where?: Predicate<Expr> | undefined },
  relations: Relations<Rows, Expr>,
): Promise<Candidates> {
  const { snapshot, change, where } = request
  const { source, notMatchedBySource = [] } = change
  const all = snapshot.files.values()
  const files = where === undefined ? [...all] : pruneFiles(all, snapshot, where)
  if (notMatchedBySource.length > 0) return { files, predicate: where }
  if (source === undefined) return { files: [], predicate: or() }
  const names = source.keys.map(key => key.source)
  const ranges = await relations.keyRange?.(source.rows, names)
  if (ranges === undefined) return { files, predicate: where }
  const byTarget = new Map(
    source.keys.flatMap(key => {
      const range = ranges.get(key.source)
      if (range === undefined) return []
      return [[key.target, source.nullSafe === true ? range : { ...range, hasNull: false }] as const]
    }),
  )
  const keys = keysPredicate(snapshot, byTarget)
  return { files: pruneFiles(files, snapshot, keys), predicate: where === undefined ? keys : and(where, keys) }
}
