/**
 * The first pruning of a change: files that certainly hold no row to match or to change are never opened.
 */
import type { KeyColumn, Relations, RowChange } from '../engine/relations.ts'
import type { AddFile } from '../log/actions.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import { and, or, type Predicate } from '../stats/predicate.ts'
import { type KeyRange, keysPredicate, pruneFiles } from '../stats/prune.ts'

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
  const ranges = await findRanges(snapshot, source, relations)
  if (ranges === undefined) return { files, predicate: where }
  const inRange = keysPredicate(snapshot, ranges)
  const candidates = pruneFiles(files, snapshot, inRange)
  const probing = { snapshot, source, ranges, fileCount: candidates.length }
  const keys = candidates.length > UNPROBED ? await probeKeys(probing, relations) : inRange
  return {
    files: keys === inRange ? candidates : pruneFiles(candidates, snapshot, keys),
    predicate: where === undefined ? keys : and(where, keys),
  }
}

/** So few files are opened faster than gaps between the keys are found. */
const UNPROBED = 4

/** So few files are opened faster than the keys are listed. */
const UNLISTED = 16

/** More distinct keys than this leave few files out, and take long to list. */
const PROBED_KEYS = 10_000

type Source<Rows, Expr> = NonNullable<RowChange<Rows, Expr>['source']>

/** Ranges of the source's keys by the table's columns. */
async function findRanges<Rows, Expr>(
  snapshot: Snapshot,
  source: Source<Rows, Expr>,
  relations: Relations<Rows, Expr>,
): Promise<ReadonlyMap<string, KeyRange> | undefined> {
  const ranges = await relations.keyRange?.(source.rows, keyColumns(snapshot, source))
  return (
    ranges &&
    new Map(
      source.keys.flatMap(key => {
        const range = ranges.get(key.source)
        if (range === undefined) return []
        return [[key.target, source.nullSafe === true ? range : { ...range, hasNull: false }] as const]
      }),
    )
  )
}

interface Probing<Rows, Expr> {
  snapshot: Snapshot
  source: Source<Rows, Expr>
  ranges: ReadonlyMap<string, KeyRange>
  /** Files with keys within the ranges. */
  fileCount: number
}

/** Files between two keys, where the source has few, or in a wide gap between its keys, are left out as well. */
async function probeKeys<Rows, Expr>(
  { snapshot, source, ranges, fileCount }: Probing<Rows, Expr>,
  relations: Relations<Rows, Expr>,
): Promise<Predicate<never>> {
  const columns = keyColumns(snapshot, source)
  const values = fileCount > UNLISTED ? await relations.keyValues?.(source.rows, columns, PROBED_KEYS) : undefined
  const unlisted = columns.filter(({ name }) => values?.has(name) !== true)
  const spans = unlisted.length === 0 ? undefined : await relations.keySpans?.(source.rows, unlisted)
  const sources = new Map(source.keys.map(key => [key.target, key.source]))
  const probed = Array.from(ranges, ([target, range]) => {
    const name = sources.get(target) ?? ''
    return [target, { ...range, values: values?.get(name), spans: spans?.get(name) }] as const
  })
  return keysPredicate(snapshot, new Map(probed))
}

function keyColumns<Rows, Expr>(snapshot: Snapshot, source: Source<Rows, Expr>): KeyColumn[] {
  return source.keys.flatMap(key => {
    const column = snapshot.schema.fields.find(f => f.name === key.target)
    return column === undefined ? [] : [{ name: key.source, type: column.type }]
  })
}
