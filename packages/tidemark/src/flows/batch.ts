/**
 * Deciding batches. A flow has at most one open batch: recorded, but not yet in the target. It is finished as recorded
 * before another is decided, so a crash at any point leads to the same tables.
 */
import { type Commit, isAppendOnly, readCommits, type Snapshot } from '@tidemark/delta'
import { FLOW_BATCH_MISSING, FLOW_DECLARATION_CHANGED, FLOW_SOURCE_REWRITTEN } from '../errors/flow-run.ts'
import type { TableName } from '../model/flow.ts'
import { findUnreadable, listPaths } from './cleaned.ts'
import { getSource, readTable } from './commit-table.ts'
import { isWholeTable } from './computed.ts'
import type { FlowContext } from './context.ts'
import { generationOf, isRebuild } from '../ingest/generation.ts'
import { readVersionOf, whyPutBack } from './put-back.ts'
import { quarantineName } from './quarantine.ts'
import {
  appIdOf,
  type BatchRecord,
  findRecord,
  lastBatchIn,
  readLastRecord,
  recordPath,
  type StreamFlow,
} from './record.ts'
import { assertSameIdentity } from './row-identity.ts'

export type Decision =
  /** Everything there is has been processed, the last time with the batch `last`. */
  | { kind: 'nothing'; reason: string; last: BatchRecord }
  /** Recorded by this or an earlier run and to be finished as it is. */
  | { kind: 'open'; record: BatchRecord }
  /** To be recorded once it is known that it can be computed; `last` is the one before, if any. */
  | { kind: 'new'; record: BatchRecord; last: BatchRecord | undefined }

/** The table whose commits make a flow's batches. */
export function streamedTable(flow: StreamFlow): TableName {
  if (flow.kind === 'derived') return flow.source
  const streamed = flow.kind === 'append' ? flow.query.streams : (flow.query?.streams ?? flow.source)
  if (streamed === undefined) throw new TypeError(`this is a bug in tidemark: ${flow.name} streams nothing`)
  return streamed
}

/**
 * Decide the next batch of a flow. Reads only.
 *
 * Rows are all of the source at first, then what its later commits add. Commits that add nothing make no batch. A
 * source that was rebuilt on purpose makes this flow rebuild its target too, and so does a target whose rows were
 * computed as a whole before: a view or keyless table that became a stream.
 *
 * @throws {FLOW_DECLARATION_CHANGED} when the target's rows were made by clauses that the flow no longer has, or the stream is another table
 * @throws {FLOW_BATCH_MISSING} when the target holds a batch whose record is gone
 * @throws {FLOW_SOURCE_REWRITTEN} when rows already read were changed or removed, or the source was put back
 * @throws {FLOW_SOURCE_CLEANED} when files of a batch that was recorded and not finished were removed
 */
export async function decideBatch(
  context: FlowContext,
  flow: StreamFlow,
  target: Snapshot | undefined,
): Promise<Decision> {
  const last = await readLastRecord(context.store, flow, target)
  const rebuilt = generationOf(target)
  const refresh =
    isWholeTable(target) || (context.fullRefresh && target !== undefined && rebuilt.runId !== context.runId)
  const reached = lastBatchIn(target, flow) ?? 0n
  const open = await findOpen(context, flow, { target, last, reached, refresh })
  const isPending = open !== undefined && (!refresh || open.generation > rebuilt.generation)
  const cleaned = isPending ? await findUnreadable(context, open) : undefined
  if (isPending && cleaned === undefined) return { kind: 'open', record: open }
  if (!refresh && (last?.batch ?? 0n) < reached) throw missing(flow, reached)
  // A first load and a rebuild take all rows there are: those of today do as well.
  if (cleaned !== undefined && last?.source.after !== undefined) throw cleaned
  // The target was removed, or put back to a time before the last batch: its rows are made anew.
  const isLost = last !== undefined && target?.txn(appIdOf(last)) === undefined
  const isAnew = refresh || isLost || cleaned !== undefined
  if (target !== undefined && !isAnew) assertContinues(flow, target, last)
  const source = await getSource(context, flow, streamedTable(flow))
  const next = (after: bigint | undefined, generation: bigint): Promise<Decision> =>
    newBatch(context, flow, source, { last, reached, after, generation })
  const newest = last === undefined || rebuilt.generation > last.generation ? rebuilt.generation : last.generation
  if (isAnew) return next(undefined, newest + 1n)
  if (last === undefined) return next(undefined, rebuilt.generation)
  if (rebuilt.generation > last.generation) return next(undefined, rebuilt.generation)
  if (source.metaData.id !== last.source.tableId) throw rewritten(flow, 'it was made anew')
  const putBack = await findPutBack(context, flow, source, last)
  if (putBack !== undefined) throw rewritten(flow, putBack)
  if (source.version === last.source.upTo) return { kind: 'nothing', reason: `${last.source.table} is unchanged`, last }
  const range = { after: last.source.upTo, upTo: source.version }
  const changes = (await readCommits(context.store, source.tablePath, range)).filter(changesData)
  if (changes.some(isRebuild)) return next(undefined, newest + 1n)
  const rewrite = changes.find(commit => !isAppendOnly(commit))
  if (rewrite !== undefined) throw rewritten(flow, `its version ${rewrite.version} removes rows`)
  if (changes.length === 0) return { kind: 'nothing', reason: `${last.source.table} has no new rows`, last }
  return next(last.source.upTo, last.generation)
}

/**
 * The batch that the target takes in next, of those that are recorded: the last one, unless the target was put back to a time
 * before others, too. One that takes all rows there are makes up for those before it.
 *
 * @throws {FLOW_BATCH_MISSING}
 */
async function findOpen(
  { store }: FlowContext,
  flow: StreamFlow,
  at: { target: Snapshot | undefined; last: BatchRecord | undefined; reached: bigint; refresh: boolean },
): Promise<BatchRecord | undefined> {
  const { target, last, reached, refresh } = at
  if (last === undefined || !isOpen(last, target)) return undefined
  if (refresh || last.source.after === undefined) return last
  for (let batch = reached + 1n; batch < last.batch; batch++) {
    const record = await findRecord(store, flow, recordPath(flow, batch))
    if (record === undefined) throw missing(flow, batch)
    if (isOpen(record, target)) return record
  }
  return last
}

/** True when a recorded batch is not in the target yet and still counts there. */
function isOpen(record: BatchRecord, target: Snapshot | undefined): boolean {
  if (target === undefined) return record.source.after === undefined
  const done = target.txn(appIdOf(record))
  if (done === undefined)
    return record.source.after === undefined && record.generation >= generationOf(target).generation
  return done < record.batch && record.generation >= generationOf(target).generation
}

async function newBatch(
  context: FlowContext,
  flow: StreamFlow,
  source: Snapshot,
  at: {
    last: BatchRecord | undefined
    /** The last batch that is in the target; greater than `last` where records are gone. */
    reached: bigint
    after: bigint | undefined
    generation: bigint
  },
): Promise<Decision> {
  const { last, after, generation } = at
  const batch = (await lastNumber(context, flow, at)) + 1n
  const names = flow.kind === 'append' ? flow.query.reads : flow.kind === 'auto cdc' ? (flow.query?.reads ?? []) : []
  const reads = await Promise.all(
    names.map(async table => {
      const { metaData, version } = await getSource(context, flow, table)
      return { table, tableId: metaData.id, version }
    }),
  )
  const { version: upTo, committedAt } = readVersionOf(source)
  const streamed = { table: streamedTable(flow), tableId: source.metaData.id, after, upTo, committedAt }
  return { kind: 'new', record: { batch, flow, generation, source: streamed, reads, createdBy: context.runId }, last }
}

/** Why the rows that were read last are not those of the table's version. */
async function findPutBack(
  context: FlowContext,
  flow: StreamFlow,
  source: Snapshot,
  { source: { table, upTo: version, committedAt } }: BatchRecord,
): Promise<string | undefined> {
  const reason = await whyPutBack(context.store, source, { version, committedAt })
  if (reason === undefined || source.version >= version) return reason
  // A plan may have opened it before another run went on, and remembers what was not there; a listing tells what is.
  await listPaths(context.store, source.tablePath)
  return await whyPutBack(context.store, await getSource(context, flow, table), { version, committedAt })
}

/** A number is never given twice: tables would take the batch for the one that they have. */
async function lastNumber(
  context: FlowContext,
  flow: StreamFlow,
  { last, reached }: { last: BatchRecord | undefined; reached: bigint },
): Promise<bigint> {
  const given = last?.batch ?? lastBatchIn(await readTable(context, quarantineName(flow.target)), flow) ?? 0n
  return given > reached ? given : reached
}

/** True when a commit adds or removes rows, as opposed to compaction, settings and marks. */
function changesData(commit: Commit): boolean {
  return commit.actions.some(
    a => (a.kind === 'add' && a.add.dataChange) || (a.kind === 'remove' && a.remove.dataChange),
  )
}

function missing(flow: StreamFlow, batch: bigint): Error {
  const at = { flow: flow.name, target: flow.target, batch: String(batch), path: recordPath(flow, batch) }
  return FLOW_BATCH_MISSING(at, { place: flow.place, state: `${flow.target} is unchanged.` })
}

function rewritten(flow: StreamFlow, reason: string): Error {
  const at = { flow: flow.name, table: streamedTable(flow), reason, target: flow.target }
  return FLOW_SOURCE_REWRITTEN(at, { place: flow.place, state: 'Nothing was written.' })
}

/** Throws FLOW_DECLARATION_CHANGED when the flow's rows would not belong beside those that are there. */
function assertContinues(flow: StreamFlow, target: Snapshot, last: BatchRecord | undefined): void {
  assertSameIdentity(flow, target, last)
  if (last === undefined || last.source.table === streamedTable(flow)) return
  const [before, now] = [`STREAM(${last.source.table})`, `STREAM(${streamedTable(flow)})`]
  const { name, target: table, place } = flow
  throw FLOW_DECLARATION_CHANGED({ flow: name, table, before, now }, { place, state: `${table} is unchanged.` })
}
