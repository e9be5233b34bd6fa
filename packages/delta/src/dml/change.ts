/**
 * Change rows of a table: DELETE, UPDATE, MERGE and replacing by key are this one operation, in two phases. First the
 * rows of the files that may hold a hit are judged; then only the files with a hit are written anew.
 */
import type { ParquetWriter, WriteOptions } from '../engine/parquet.ts'
import type { FileHits, Judgement, Relations, RowChange } from '../engine/relations.ts'
import { DeltaError } from '../errors.ts'
import type { AddFile, DataFile } from '../log/actions.ts'
import type { StructType } from '../schema/schema.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import { parseStats } from '../stats/parse-stats.ts'
import type { Predicate } from '../stats/predicate.ts'
import { evolvedSchema, stageRemoveAndAdd } from '../write/stage.ts'
import type { Extras, Staged } from '../write/staged.ts'
import { findCandidates } from './candidates.ts'
import { checkChange } from './check-change.ts'
import { type ChangeCounts, operationMetrics } from './counts.ts'
import { groupForRewrite } from './rewrite-groups.ts'

export interface ChangeRequest<Rows, Expr> extends Extras {
  snapshot: Snapshot
  change: RowChange<Rows, Expr>
  /** What must be TRUE for a row of the table to be matched or changed at all; files without such rows are not opened. */
  where?: Predicate<Expr> | undefined
  /** Rows that are added whatever the change finds, with the columns of the schema. */
  append?: Rows | undefined
  parquet: ParquetWriter<Rows>
  relations: Relations<Rows, Expr>
  /** The schema after the change; see `evolve`. */
  schema?: StructType | undefined
  /** Columns that must have statistics in new files, wherever they stand. */
  statsColumns?: readonly string[]
  signal?: AbortSignal | undefined
}

/** A staged change, and what committing it will have done. */
export interface StagedChange {
  staged: Staged
  counts: ChangeCounts
}

type RowCounts = Pick<ChangeCounts, 'inserted' | 'updated' | 'deleted' | 'copied'>
const NO_ROWS: RowCounts = { inserted: 0n, updated: 0n, deleted: 0n, copied: 0n }

/**
 * Judge, write the new files and stage one commit. Nothing is visible until it is committed; when it never is, the new
 * files are orphans that `vacuum` removes.
 *
 * @throws MERGE_AMBIGUOUS when several rows of the source would update or delete one row of the table
 */
export async function stageChange<Rows, Expr>(request: ChangeRequest<Rows, Expr>): Promise<StagedChange> {
  const { snapshot, change, relations, signal } = request
  const schema = evolvedSchema(snapshot, request.schema)
  checkChange(snapshot, schema, change)
  const files = await findCandidates(request, relations)
  signal?.throwIfAborted()
  const isIdle = files.length === 0 && (change.notMatched ?? []).length === 0
  if (isIdle) return finish(request, schema, { remove: [], add: await writeAppend(request, schema) }, NO_ROWS)
  await using judged = await relations.judge({ snapshot, files, schema, change, signal })
  if (judged.ambiguousCount > 0n) throw ambiguous(snapshot.tablePath, judged.ambiguousCount)
  return await rewrite(request, schema, judged)
}

/** The second phase: write what is left of the files with a hit, and what is new. */
async function rewrite<Rows, Expr>(
  request: ChangeRequest<Rows, Expr>,
  schema: StructType,
  judged: Judgement<Rows>,
): Promise<StagedChange> {
  const { snapshot, parquet, relations } = request
  const options = writeOptions(request, schema)
  const hits = new Map(judged.hits.map(hit => [hit.path, hit]))
  const remove = [...snapshot.files.values()].filter(file => hits.has(file.path))
  const left = remove.filter(file => !isEmptied(file, hits.get(file.path)))
  const counts = { ...NO_ROWS, inserted: judged.insertCount }
  for (const hit of judged.hits) {
    counts.updated += hit.updateCount
    counts.deleted += hit.deleteCount
  }
  const add: DataFile[] = []
  for (const group of groupForRewrite(left)) {
    const isUpdated = group.some(file => (hits.get(file.path)?.updateCount ?? 0n) > 0n)
    const kept = judged.kept(group)
    const rows = isUpdated ? relations.union([kept, judged.updated(group)]) : kept
    add.push(...(await parquet.write(rows, options)))
  }
  counts.copied = add.reduce((sum, file) => sum + file.numRecords, 0n) - counts.updated
  if (judged.insertCount > 0n) add.push(...(await parquet.write(judged.inserted(), options)))
  add.push(...(await writeAppend(request, schema)))
  return finish(request, schema, { remove, add }, counts)
}

/** Stage what was written, with counts that are true once it is committed. */
function finish<Rows, Expr>(
  request: ChangeRequest<Rows, Expr>,
  schema: StructType,
  files: { remove: readonly AddFile[]; add: DataFile[] },
  rows: RowCounts,
): StagedChange {
  const { snapshot, txn, domains, info } = request
  const counts = { ...rows, filesAdded: files.add.length, filesRemoved: files.remove.length }
  const staged = stageRemoveAndAdd(snapshot, {
    remove: files.remove.map(file => file.path),
    files: files.add,
    dataChange: true,
    schema,
    txn,
    domains,
    info: { ...info, operationMetrics: { ...operationMetrics(info.operation, counts), ...info.operationMetrics } },
  })
  return { staged, counts }
}

async function writeAppend<Rows, Expr>(request: ChangeRequest<Rows, Expr>, schema: StructType): Promise<DataFile[]> {
  return request.append === undefined ? [] : request.parquet.write(request.append, writeOptions(request, schema))
}

function writeOptions<Rows, Expr>(request: ChangeRequest<Rows, Expr>, schema: StructType): WriteOptions {
  const { snapshot, statsColumns, signal } = request
  return {
    tablePath: snapshot.tablePath,
    schema,
    ...(statsColumns === undefined ? {} : { statsColumns: [...statsColumns] }),
    ...(signal === undefined ? {} : { signal }),
  }
}

/** True when every row of the file is deleted, so that there is nothing left to read. */
function isEmptied(file: AddFile, hit: FileHits | undefined): boolean {
  return hit !== undefined && hit.updateCount === 0n && parseStats(file.stats)?.numRecords === hit.deleteCount
}

function ambiguous(tablePath: string, count: bigint): DeltaError {
  const message =
    `${count} rows of ${tablePath} are each matched by more than one row of the source, so what they should become is ` +
    `undecided. Nothing was changed. Keep one row of the source for each key.`
  return new DeltaError('MERGE_AMBIGUOUS', message, { tablePath, count })
}
