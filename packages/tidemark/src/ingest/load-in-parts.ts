/**
 * The first load of a big table: read in parts on several connections that share the run's snapshot, committed at once.
 * Parts that an earlier run has read are not read again; what changed since that run began is read after the commit, as
 * an ordinary increment from where the server stood then.
 */
import type { DataFile, Snapshot, StructType } from '@tidemark/delta'
import { ident, join, sql } from '../engine/sql.ts'
import type { ChunkSlice, TableChunks } from '../sources/source.ts'
import { generationOf } from './generation.ts'
import { beginLoad, type LoadedPart, type LoadPlan, readParts, recordPart } from './load-record.ts'
import { estimatedRows } from './parts-progress.ts'
import { readMissing } from './parts-pool.ts'
import { readInto } from './read-into.ts'
import { lakeColumnName } from './system-columns.ts'
import { nextCursor } from './make-mark.ts'
import { fileRelation, type Work } from './work.ts'

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

const IN_ONE_GO =
  'big, and read in one go: neither its storage nor its key can be cut into parts, so that a read that breaks begins anew'

/** The table's parts, when it is worth and able to be cut; one whole read otherwise. */
export async function cutTable({ snapshot, wanted, context }: Work): Promise<TableChunks | undefined> {
  const isBig = wanted.table.sizeBytes >= 2n * context.chunkBytes
  // Without a mark to go on from, whatever an earlier run has read would have to be compared row by row.
  const isContinued = wanted.reading.kind !== 'full compare'
  if (!isBig || !isContinued || snapshot.cutTable === undefined) return undefined
  const cut = await snapshot.cutTable(wanted.table, context.chunkBytes, context.signal)
  if (cut === undefined) context.warn(IN_ONE_GO)
  return cut !== undefined && cut.chunks.length > 1 ? cut : undefined
}

/**
 * Read all parts that are not there yet, a few at a time. Nothing is committed.
 *
 * @param current the table whose rows are replaced; undefined for one that is made
 */
export async function loadInParts(
  work: Work,
  cut: TableChunks,
  { schema, current }: { schema: StructType; current: Snapshot | undefined },
): Promise<LoadedTable> {
  const { context, snapshot, wanted } = work
  const { store } = context
  const plan = await beginLoad(store, wanted.tablePath, {
    loadId: context.ids.uuid(),
    fit: fitOf(work, cut, schema),
    replaces: current === undefined ? undefined : generationOf(current).generation,
    position: snapshot.position,
    cursor: await nextCursor(work),
    chunks: cut.chunks,
  })
  const parts = await readParts(store, wanted.tablePath, plan)
  const resumed = parts.size
  const missing = { plan, parts, rows: estimatedRows(wanted.table) }
  const heldMs = await readMissing(work, missing, (own, n) => readPart(own, plan, n, schema))
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
    heldMs,
  }
}

async function readPart(work: Work, plan: LoadPlan, n: number, schema: StructType): Promise<LoadedPart> {
  const { context, snapshot, wanted } = work
  const seq = snapshot.position.order
  const { rows, files } = await readInto(work, plan.chunks[n] as ChunkSlice, schema, seq)
  // A part may outlive this run, so nothing in it may be what a crash of the server takes back.
  await snapshot.durable(context.signal)
  return await recordPart(context.store, wanted.tablePath, plan, { chunk: n, seq, rows, files })
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

/** A change of any of these and parts of different runs no longer make one table. */
export function fitOf({ snapshot, wanted }: Work, cut: TableChunks, schema: StructType): string {
  const { keys, settings, table } = wanted
  return JSON.stringify([snapshot.position.identity, table.fingerprint, cut.storage, settings, keys, schema])
}
