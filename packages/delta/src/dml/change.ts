/**
 * Change rows of a table: DELETE, UPDATE, MERGE and replacing by key are this one operation, in two phases. First the
 * rows of the files that may hold a hit are judged; then only files with a hit are written anew, or get a larger
 * deletion vector.
 */
import type { VectorPorts } from '../deletion-vector/write-vectors.ts'
import type { ParquetWriter, WriteOptions } from '../engine/parquet.ts'
import type { Judgement, Relations, RowChange } from '../engine/relations.ts'
import { DeltaError } from '../errors.ts'
import type { AddFile, DataFile } from '../log/actions.ts'
import { columnMappingOf } from '../schema/column-mapping.ts'
import type { StructType } from '../schema/schema.ts'
import { isActive } from '../snapshot/protocol.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import type { Predicate } from '../stats/predicate.ts'
import type { Reads } from '../write/reads.ts'
import { evolvedSchema } from '../write/schema-after.ts'
import { stageRemoveAndAdd } from '../write/stage.ts'
import type { Extras, Staged } from '../write/staged.ts'
import { findCandidates } from './candidates.ts'
import { checkChange } from './check-change.ts'
import { type ChangeCounts, operationMetrics } from './counts.ts'
import { markRows } from './mark-rows.ts'
import { groupForRewrite } from './rewrite-groups.ts'
import { type HitFiles, splitHits } from './split-hits.ts'

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

/** What the second phase wrote. */
interface Written {
  remove: readonly AddFile[]
  add: DataFile[]
  cdc: DataFile[]
  rows: Pick<ChangeCounts, 'inserted' | 'updated' | 'deleted' | 'copied'>
}

/**
 * Judge, write the new files and stage one commit. Nothing is visible until it is committed; when it never is, the new
 * files are orphans that `vacuum` removes.
 *
 * @throws MERGE_AMBIGUOUS when several rows of the source would update or delete one row of the table
 * @throws PREDICATE_INVALID when `where` does not fit the schema
 */
export async function stageChange<Rows, Expr>(request: ChangeRequest<Rows, Expr>): Promise<StagedChange> {
  const { snapshot, change, relations, signal } = request
  const schema = evolvedSchema(snapshot, request.schema)
  checkChange(snapshot, schema, change)
  const { files, predicate } = await findCandidates(request, relations)
  signal?.throwIfAborted()
  const reads: Reads = request.reads ?? { kind: 'files', files: files.map(file => file.path), predicate }
  const context = { ...request, reads, schema }
  if (files.length === 0 && (change.notMatched ?? []).length === 0) return finish(context, await append(context))
  await using judged = await relations.judge({ snapshot, files, schema, change, signal })
  if (judged.ambiguousCount > 0n) throw ambiguous(snapshot.tablePath, judged.ambiguousCount)
  return finish(context, await rewrite(context, judged))
}

type Context<Rows, Expr> = ChangeRequest<Rows, Expr> & { schema: StructType; reads: Reads }

/** No file holds a hit: all there may be to do is to add rows. */
async function append<Rows, Expr>(context: Context<Rows, Expr>): Promise<Written> {
  const add = context.append === undefined ? [] : await context.parquet.write(context.append, writeOptions(context))
  return { remove: [], add, cdc: [], rows: { inserted: 0n, updated: 0n, deleted: 0n, copied: 0n } }
}

/** The second phase: write what is left of the files with a hit, and what is new. */
async function rewrite<Rows, Expr>(context: Context<Rows, Expr>, judged: Judgement<Rows>): Promise<Written> {
  const { snapshot, parquet, relations, ports, signal } = context
  const hits = splitHits(snapshot, judged.hits)
  const updates = new Map(judged.hits.map(hit => [hit.path, hit.updateCount]))
  const updatesOf = (files: readonly AddFile[]): bigint => files.reduce((n, f) => n + (updates.get(f.path) ?? 0n), 0n)
  const add: DataFile[] = []
  for (const group of groupForRewrite(hits.rewritten)) {
    const kept = await judged.kept(group)
    const rows = updatesOf(group) > 0n ? relations.union([kept, await judged.updated(group)]) : kept
    add.push(...(await parquet.write(rows, writeOptions(context))))
  }
  const copied = add.reduce((n, file) => n + file.numRecords, 0n) - updatesOf(hits.rewritten)
  add.push(...(await markRows(ports, snapshot, hits.marked, judged.positions(hits.marked), signal)))
  const fresh = await freshRows(context, judged, updatesOf(hits.marked) > 0n ? hits.marked : [])
  if (fresh !== undefined) add.push(...(await parquet.write(fresh, writeOptions(context))))
  const deleted = judged.hits.reduce((n, hit) => n + hit.deleteCount, 0n)
  const updated = judged.hits.reduce((n, hit) => n + hit.updateCount, 0n)
  return {
    remove: [...hits.emptied, ...hits.marked, ...hits.rewritten],
    add,
    cdc: await writeChanges(context, judged, hits),
    rows: { inserted: judged.insertCount, updated, deleted, copied },
  }
}

/** Rows that get a file of their own: updated ones whose old versions are only marked, inserted and appended ones. */
async function freshRows<Rows, Expr>(
  { relations, append: appended }: Context<Rows, Expr>,
  judged: Judgement<Rows>,
  marked: readonly AddFile[],
): Promise<Rows | undefined> {
  const parts: Rows[] = []
  if (marked.length > 0) parts.push(await judged.updated(marked))
  if (judged.insertCount > 0n) parts.push(judged.inserted())
  if (appended !== undefined) parts.push(appended)
  const [first, ...more] = parts
  return first === undefined ? undefined : relations.union([first, ...more])
}

/**
 * Change data, where adds and removes do not say what happened: rows that were copied would seem changed, and an update
 * would be two unrelated rows (Delta protocol, "Add CDC File").
 */
async function writeChanges<Rows, Expr>(
  context: Context<Rows, Expr>,
  judged: Judgement<Rows>,
  { rewritten }: HitFiles,
): Promise<DataFile[]> {
  const { snapshot, relations, parquet, append: appended } = context
  if (!isActive('changeDataFeed', snapshot)) return []
  if (rewritten.length === 0 && judged.hits.every(hit => hit.updateCount === 0n)) return []
  const changes = await judged.changes()
  const rows = appended === undefined ? changes : relations.union([changes, relations.asInserted(appended)])
  return parquet.write(rows, { ...writeOptions(context), purpose: 'changes' })
}

/** Stage what was written, with counts that are true once it is committed. */
function finish<Rows, Expr>(context: Context<Rows, Expr>, { remove, add, cdc, rows }: Written): StagedChange {
  const { snapshot, schema, txn, domains, reads, features, checked, info } = context
  const counts = { ...rows, filesAdded: add.length, filesRemoved: remove.length }
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

function writeOptions<Rows, Expr>(context: Context<Rows, Expr>): WriteOptions {
  const { snapshot, schema, statsColumns, signal } = context
  return {
    tablePath: snapshot.tablePath,
    schema,
    columnMapping: columnMappingOf(snapshot),
    partitionColumns: snapshot.metaData.partitionColumns,
    configuration: snapshot.configuration,
    statsColumns,
    signal,
  }
}

function ambiguous(tablePath: string, count: bigint): DeltaError {
  const message =
    `${count} rows of ${tablePath} are each matched by more than one row of the source, so what they should become is ` +
    `undecided. Nothing was changed. Keep one row of the source for each key.`
  return new DeltaError('MERGE_AMBIGUOUS', message, { tablePath, count })
}
