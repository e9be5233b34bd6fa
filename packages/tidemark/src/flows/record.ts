/**
 * Batch records: `system/batches/<flow>/<n>.json`, each written once and never changed. Whoever creates the file has
 * decided the batch for everybody.
 */
import { isDeltaError, type Snapshot } from '@tidemark/delta'
import { FLOW_BATCH_UNREADABLE } from '../errors/flow-run.ts'
import type { AppendFlow, AutoCdcFlow, DerivedFlow, Flow, TableName } from '../model/flow.ts'
import { fileSafeName } from '../model/names.ts'
import type { ObjectStore } from '../model/ports.ts'

/** Flows that read a stream in batches. */
export type StreamFlow = DerivedFlow | AppendFlow | AutoCdcFlow

export interface BatchRecord {
  /** Counts from 1 in each flow. */
  batch: bigint
  /** The whole flow as it was when the batch was decided; the batch is finished by these rules. */
  flow: StreamFlow
  /** Rebuilds of the target so far; a batch of an older generation than the target's is void. */
  generation: bigint
  /** The streamed table: commits after `after` (all rows of `upTo` when undefined) up to `upTo`, inclusive. */
  source: {
    table: TableName
    tableId: string
    after: bigint | undefined
    upTo: bigint
    /** When `upTo` was committed; see `ReadVersion`. */
    committedAt?: number | undefined
  }
  /** Tables read beside the stream, at the version this batch sees. */
  reads: readonly { table: TableName; tableId: string; version: bigint }[]
  createdBy: string
}

/** Application id of a batch's commits (Delta protocol, "Transaction Identifiers"). */
export function appIdOf(record: BatchRecord): string {
  return `${record.flow.name}/${record.source.tableId}`
}

/** The last batch of a flow, of whatever source, that is in a table. */
export function lastBatchIn(table: Pick<Snapshot, 'txns'> | undefined, flow: Pick<Flow, 'name'>): bigint | undefined {
  let last: bigint | undefined
  for (const [appId, batch] of table?.txns ?? []) {
    const isOfFlow = appId.slice(0, appId.lastIndexOf('/')) === flow.name
    if (isOfFlow && (last === undefined || batch > last)) last = batch
  }
  return last
}

function folderOf(flow: Pick<Flow, 'name'>): string {
  return `system/batches/${fileSafeName(flow.name)}`
}

/** Numbers are padded so that names sort as numbers do. */
export function recordPath(flow: Pick<Flow, 'name'>, batch: bigint): string {
  return `${folderOf(flow)}/${batch.toString().padStart(12, '0')}.json`
}

/**
 * The newest record of a flow, or undefined before its first batch. A batch is recorded only when the one before it is in the
 * target, so at most one record follows the last batch there: both are asked for, and the folder is listed only where that does
 * not tell.
 */
export async function readLastRecord(
  store: ObjectStore,
  flow: Pick<Flow, 'name'>,
  target: Pick<Snapshot, 'txns'> | undefined,
): Promise<BatchRecord | undefined> {
  const reached = lastBatchIn(target, flow)
  if (reached !== undefined) {
    const near = [reached, reached + 1n, reached + 2n].map(batch => recordPath(flow, batch))
    const [at, next] = await Promise.all(near.slice(0, 2).map(path => findRecord(store, flow, path)))
    // A target that was put back has more records after it.
    const isCertain =
      at !== undefined && (next === undefined || (await findRecord(store, flow, near[2] ?? '')) === undefined)
    if (isCertain) return next ?? at
  }
  let last: string | undefined
  for await (const { path } of store.list(folderOf(flow))) if (path.endsWith('.json')) last = path
  return last === undefined ? undefined : await read(store, flow, last)
}

/** A record, or undefined where there is none. */
export async function findRecord(
  store: ObjectStore,
  flow: Pick<Flow, 'name'>,
  path: string,
): Promise<BatchRecord | undefined> {
  try {
    return await read(store, flow, path)
  } catch (error) {
    if (isDeltaError(error, 'NOT_FOUND')) return undefined
    throw error
  }
}

async function read(store: ObjectStore, flow: Pick<Flow, 'name'>, path: string): Promise<BatchRecord> {
  // What the store says of itself is no word about the record.
  const bytes = await store.get(path)
  try {
    return parseRecord(new TextDecoder().decode(bytes))
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw FLOW_BATCH_UNREADABLE({ flow: flow.name, path, reason }, { cause: error })
  }
}

/** Decide a batch. False when a record of that number is there already: then that one counts. */
export async function writeRecord(store: ObjectStore, record: BatchRecord): Promise<boolean> {
  const bytes = new TextEncoder().encode(printRecord(record))
  return (await store.putIfAbsent(recordPath(record.flow, record.batch), bytes)) === 'created'
}

/** JSON with 64-bit integers as text. */
export function printRecord(record: BatchRecord): string {
  const { source, reads, ...rest } = record
  const value = { format: 1, ...rest, sources: [{ ...source, after: source.after ?? null }], reads }
  return `${JSON.stringify(value, (_key, v: unknown) => (typeof v === 'bigint' ? v.toString() : v))}\n`
}

/** Read a record back. Throws a SyntaxError for text that is not one. */
export function parseRecord(text: string): BatchRecord {
  const value = JSON.parse(text) as Record<string, unknown>
  if (value['format'] !== 1) throw new SyntaxError(`format ${String(value['format'])} is not known`)
  const [source] = (value['sources'] ?? []) as Record<string, unknown>[]
  const flow = value['flow'] as StreamFlow | undefined
  if (source === undefined || flow === undefined) throw new SyntaxError('its source or flow is missing')
  const reads = value['reads'] as { table: string; tableId: string; version: string }[]
  return {
    batch: BigInt(String(value['batch'])),
    flow,
    generation: BigInt(String(value['generation'])),
    source: {
      table: String(source['table']),
      tableId: String(source['tableId']),
      after: source['after'] === null ? undefined : BigInt(String(source['after'])),
      upTo: BigInt(String(source['upTo'])),
      ...(typeof source['committedAt'] === 'number' ? { committedAt: source['committedAt'] } : {}),
    },
    reads: reads.map(read => ({ ...read, version: BigInt(read.version) })),
    createdBy: String(value['createdBy']),
  }
}
