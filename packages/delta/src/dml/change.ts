/**
 * Change rows of a table: DELETE, UPDATE, MERGE and replacing by key are this one operation, in two phases. First the
 * rows of the files that may hold a hit are judged; then only files with a hit are written anew, or get a larger
 * deletion vector.
 */
import type { VectorPorts } from '../deletion-vector/write-vectors.ts'
import type { ParquetWriter } from '../engine/parquet.ts'
import type { Relations, RowChange } from '../engine/relations.ts'
import type { RowChecker } from '../engine/row-checker.ts'
import { DeltaError } from '../errors.ts'
import type { StructType } from '../schema/schema.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import type { Predicate } from '../stats/predicate.ts'
import type { Reads } from '../write/reads.ts'
import { evolvedSchema } from '../write/schema-after.ts'
import { stageRemoveAndAdd } from '../write/stage.ts'
import type { Extras, Staged } from '../write/staged.ts'
import { findCandidates } from './candidates.ts'
import { checkChange } from './check-change.ts'
import { type ChangeCounts, operationMetrics } from './counts.ts'
import { addRows, rewrite, type Written } from './rewrite.ts'

export interface ChangeRequest<Rows, Expr> extends Extras {
  snapshot: Snapshot
  change: RowChange<Rows, Expr>
  /** What the change's own conditions demand of a row they match or change; files without such rows are not opened. */
  where?: Predicate<Expr> | undefined
  /** Rows that are added whatever the change finds, with the columns of the schema. */
  append?: Rows | undefined
  /** Where deletion vectors are read and written. */
  ports: VectorPorts
  parquet: ParquetWriter<Rows>
  relations: Relations<Rows, Expr>
  /** Judges new rows by the table's conditions; a table that has any is not changed without it. */
  checker?: RowChecker<Rows> | undefined
  /** The schema after the change; see `evolve`. */
  schema?: StructType | undefined
  /** Columns that must have statistics in new files, wherever they stand. */
  statsColumns?: readonly string[]
  /** When left out: the files that were judged, and every row that could have been matched. */
  reads?: Reads | undefined
  signal?: AbortSignal | undefined
}

/** A staged change, and what committing it will have done. */
export interface StagedChange {
  staged: Staged
  counts: ChangeCounts
}

/** A request whose open choices are made. */
export type Decided<Rows, Expr> = ChangeRequest<Rows, Expr> & { schema: StructType; reads: Reads }

/**
 * Judge, write the new files and stage one commit. Nothing is visible until it is committed; when it never is, the new
 * files are orphans that `vacuum` removes.
 *
 * @throws MERGE_AMBIGUOUS when several rows of the source would update or delete one row of the table
 * @throws CONSTRAINT_VIOLATED when new rows break the table's conditions
 * @throws PREDICATE_INVALID when `where` does not fit the schema
 *
 * @example
 * ```ts
 * const change = {
 *   source: { rows: [{ id: 3, name: 'Cy' }, { id: 4, name: 'Di' }], keys: [{ target: 'id', source: 'id' }] },
 *   matched: [{ kind: 'update' as const, set: new Map([['name', { source: 'name' }]]) }],
 *   notMatched: [{ values: new Map([['id', { source: 'id' }], ['name', { source: 'name' }]]) }],
 * }
 * const info = { operation: 'MERGE' }
 * const { staged, counts } = await stageChange({ snapshot: people, change, ports, parquet, relations, info })
 * const { filesAdded, filesRemoved, ...rows } = counts
 * console.log(rows) // { inserted: 1n, updated: 1n, deleted: 0n, copied: 0n, filesMarked: 0 }
 * console.log([filesAdded, filesRemoved]) // [ 2, 1 ]
 * console.log((await commit(ports, staged)).kind) // committed
 * ```
 */
export async function stageChange<Rows, Expr>(request: ChangeRequest<Rows, Expr>): Promise<StagedChange> {
  const { snapshot, change, relations, signal } = request
  const schema = evolvedSchema(snapshot, request.schema)
  checkChange(snapshot, schema, change)
  const { files, predicate } = await findCandidates(request, relations)
  signal?.throwIfAborted()
  const reads: Reads = request.reads ?? { kind: 'files', files: files.map(file => file.path), predicate }
  // Beside rows of other types, those that are only copied would be made ones of that type.
  const append = request.append === undefined ? undefined : relations.typed(request.append, schema)
  const decided = { ...request, append, reads, schema }
  if (files.length === 0 && (change.notMatched ?? []).length === 0) return finish(decided, await addRows(decided))
  await using judged = await relations.judge({ snapshot, files, schema, change, signal })
  if (judged.ambiguousCount > 0n) throw ambiguous(snapshot.tablePath, judged.ambiguousCount)
  return finish(decided, await rewrite(decided, judged))
}

/** Stage what was written, with counts that are true once it is committed. */
function finish<Rows, Expr>(decided: Decided<Rows, Expr>, { remove, add, cdc, checked, rows }: Written): StagedChange {
  const { snapshot, schema, txn, domains, reads, features, info } = decided
  const removed = new Set(remove.map(file => file.path))
  const filesMarked = add.filter(file => removed.has(file.path)).length
  const [filesAdded, filesRemoved] = [add.length - filesMarked, remove.length - filesMarked]
  const counts = { ...rows, filesAdded, filesRemoved, filesMarked }
  const staged = stageRemoveAndAdd(snapshot, {
    remove: remove.map(file => file.path),
    files: add,
    cdc,
    dataChange: true,
    copiesNothing: rows.copied === 0n,
    schema,
    txn,
    domains,
    reads,
    features,
    checked,
    info: { ...info, operationMetrics: { ...operationMetrics(info.operation, counts), ...info.operationMetrics } },
  })
  return { staged, counts }
}

function ambiguous(tablePath: string, count: bigint): DeltaError {
  const message =
    `${count} rows of ${tablePath} are each matched by more than one row of the source, so what they should become is ` +
    `undecided. Nothing was changed. Keep one row of the source for each key.`
  return new DeltaError('MERGE_AMBIGUOUS', message, { tablePath, count })
}
