/**
 * The first load of a big table: read in parts on several connections that share the run's snapshot, committed at once.
 * Parts that an earlier run has read are not read again; what changed since that run began is read after the commit, as
 * an ordinary increment from where the server stood then.
 */
import type { DataFile, StructType } from '@tidemark/delta'
import { ident, join, sql } from '../engine/sql.ts'
import { Problem } from '../errors/problem.ts'
import type { ChunkSlice, TableChunks } from '../sources/source.ts'
import { Brake } from './brake.ts'
import { beginLoad, type LoadedPart, type LoadPlan, readParts, recordPart } from './load-record.ts'
import { partsProgress } from './parts-progress.ts'
import { readInto } from './read.ts'
import { lakeColumnName } from './system-columns.ts'
import { fileRelation, nextCursor, type Work } from './work.ts'

export interface LoadedTable {
  files: readonly DataFile[]
  rows: bigint
  /** Keys in them; fewer than rows when a row was read twice, in versions of two snapshots. */
  keys: bigint
  /** The load as it was begun, for the mark: its position is the earliest of all parts. */
  plan: LoadPlan
  /** Highest `_seq` in the files. */
  seq: bigint
  /** Parts taken over from earlier runs. */
  resumed: number
  /** How long parts have waited for a source that was busy with others. */
  heldMs: number
}

/** How often one part is read before the run gives up on the table. */
const MAX_TRIES = 3
const PAUSE_MS = 1000

/** The table's parts, when it is worth and able to be cut; one whole read otherwise. */
export async function cutTable({ snapshot, wanted, context }: Work): Promise<TableChunks | undefined> {
  const isBig = wanted.table.sizeBytes >= 2n * context.chunkBytes
  // Without a mark to go on from, whatever an earlier run has read would have to be compared row by row.
  const isContinued = wanted.reading.kind !== 'full compare'
  if (!isBig || !isContinued || snapshot.cutTable === undefined) return undefined
  const cut = await snapshot.cutTable(wanted.table, context.chunkBytes, context.signal)
  return cut !== undefined && cut.chunks.length > 1 ? cut : undefined
}

/** Read all parts that are not there yet, a few at a time. Nothing is committed. */
export async function loadInParts(work: Work, cut: TableChunks, schema: StructType): Promise<LoadedTable> {
  const { context, snapshot, wanted } = work
  const { store } = context
  const plan = await beginLoad(store, wanted.tablePath, {
    loadId: context.ids.uuid(),
    fit: fitOf(work, cut, schema),
    position: snapshot.position,
    cursor: await nextCursor(work),
    chunks: cut.chunks,
  })
  const parts = await readParts(store, wanted.tablePath, plan)
  const resumed = parts.size
  const missing = plan.chunks.map((_, n) => n).filter(n => !parts.has(n))
  const progress = partsProgress(plan, parts, context.progress)
  const { clock, signal } = context
  const brake = new Brake({ snapshot, clock, hold: progress.hold, signal })
  const next = missing[Symbol.iterator]()
  const reader = async (): Promise<void> => {
    await using session = await context.engine.session()
    for (const n of next) {
      const own = { ...context, progress: progress.of(n) }
      parts.set(n, await brake.read(() => readPart({ ...work, session, context: own }, plan, n, schema)))
      progress.tell()
    }
  }
  const readers = Array.from({ length: Math.min(snapshot.parallelReads, missing.length) }, reader)
  const outcomes = await Promise.allSettled(readers)
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  const loaded = [...parts.values()].sort((a, b) => a.chunk - b.chunk)
  const files = loaded.flatMap(part => part.files)
  const rows = loaded.reduce((sum, part) => sum + part.rows, 0n)
  const seq = loaded.reduce((max, part) => (part.seq > max ? part.seq : max), plan.position.order)
  return {
    files,
    rows,
    keys: await countKeys(work, { files, rows, resumed }),
    plan,
    seq,
    resumed,
    heldMs: brake.heldMs,
  }
}

/** One part, tried again while the reason is one that passes: a connection that broke, a server that was busy. */
async function readPart(work: Work, plan: LoadPlan, n: number, schema: StructType): Promise<LoadedPart> {
  const { context, snapshot, wanted } = work
  const chunk = plan.chunks[n] as ChunkSlice
  const seq = snapshot.position.order
  for (let tries = 1; ; tries += 1) {
    try {
      const { rows, files } = await readInto(work, chunk, schema, seq)
      // A part may outlive this run, so nothing in it may be what a crash of the server takes back.
      await snapshot.durable(context.signal)
      return await recordPart(context.store, wanted.tablePath, plan, { chunk: n, seq, rows, files })
    } catch (error) {
      const passes = error instanceof Problem && error.retry === 'later' && !context.signal.aborted
      if (!passes || tries === MAX_TRIES) throw error
      context.warn(`${wanted.name}: part ${n + 1} of ${plan.chunks.length} is read again: ${error.message}`)
      await context.clock.sleep(PAUSE_MS * tries, context.signal)
    }
  }
}

/** Parts of one snapshot hold each key once; parts of several may hold two versions of it. */
async function countKeys(
  work: Work,
  at: { files: readonly DataFile[]; rows: bigint; resumed: number },
): Promise<bigint> {
  if (at.resumed === 0) return at.rows
  const { context, wanted, session } = work
  const keys = join(wanted.keys.map(key => ident(lakeColumnName(key))))
  const rows = await fileRelation(work, at.files)
  return await session.count(sql`SELECT count(*) FROM (SELECT DISTINCT ${keys} FROM ${rows})`, context.signal)
}

/** A change of any of these and the parts no longer make one table. */
function fitOf({ snapshot, wanted }: Work, cut: TableChunks, schema: StructType): string {
  const { keys, settings, table } = wanted
  return JSON.stringify([snapshot.position.identity, table.fingerprint, cut.storage, settings, keys, schema])
}
