/**
 * What a load in parts has done so far, kept in the lake: one that dies is continued by the next run, which reads only the
 * parts that are missing. A first load goes by its table's path.
 */
import { type DataFile, isDeltaError, type ObjectStore } from '@tidemark/delta'
import type { Position } from '../sources/position.ts'
import type { ChunkSlice } from '../sources/source.ts'
import type { Mark } from './mark.ts'

/** How a load was begun. Parts of later runs belong to it as long as all of `fit` is still the same. */
export interface LoadPlan {
  loadId: string
  /** Everything that must be unchanged for parts of different runs to make one table: server, relation, storage, entry. */
  fit: string
  /** Generation of the table whose rows the load replaces; left out for one that makes the table, and for a backfill. */
  replaces?: bigint | undefined
  /** Where the server stood before the first part was read. */
  position: Position
  /** From where what was written since then is found, of a table that is read by a cursor. */
  cursor: Mark['cursor']
  chunks: readonly ChunkSlice[]
}

/** A part that was read whole, from one snapshot. */
export interface LoadedPart {
  chunk: number
  /** Order of the snapshot it was read from, which is also the `_seq` of its rows. */
  seq: bigint
  rows: bigint
  files: readonly DataFile[]
}

const FOLDER = 'system/loads'
const planPath = (tablePath: string): string => `${FOLDER}/${tablePath}/plan.json`
const partPath = (tablePath: string, { loadId }: LoadPlan, chunk: number): string =>
  `${FOLDER}/${tablePath}/${loadId}/${String(chunk).padStart(6, '0')}.json`

/**
 * The load that was begun, by this run or an earlier one; `planned` when there is none yet, or none that can be continued:
 * one that came to its end and could not say so any more, or one of a source that has gone back since.
 */
export async function beginLoad(store: ObjectStore, tablePath: string, planned: LoadPlan): Promise<LoadPlan> {
  await store.putIfAbsent(planPath(tablePath), encode(planned))
  const begun = decode<LoadPlan>(await store.get(planPath(tablePath)))
  if (begun !== undefined && isContinuedBy(begun, planned)) return begun
  await endLoad(store, tablePath)
  await store.putIfAbsent(planPath(tablePath), encode(planned))
  return planned
}

function isContinuedBy(begun: LoadPlan, planned: LoadPlan): boolean {
  const [before, now] = [begun.position, planned.position]
  const isAhead = before.order > now.order || before.log > now.log
  return begun.fit === planned.fit && begun.replaces === planned.replaces && !isAhead
}

/** A load that was begun and has not ended. */
export interface BegunLoad {
  /** Time of the source when it was begun, ISO 8601 UTC. */
  asOf: string
  done: number
  of: number
}

/** How far a load is that a run will go on with unless the table has changed; undefined where none was begun. Changes nothing. */
export async function findBegunLoad(store: ObjectStore, tablePath: string): Promise<BegunLoad | undefined> {
  const bytes = await store.get(planPath(tablePath)).catch((error: unknown) => {
    if (isDeltaError(error, 'NOT_FOUND')) return undefined
    throw error
  })
  const plan = bytes && decode<LoadPlan>(bytes)
  if (plan === undefined) return undefined
  let done = 0
  for await (const _ of store.list(`${FOLDER}/${tablePath}/${plan.loadId}`)) done += 1
  return { asOf: plan.position.asOf, done, of: plan.chunks.length }
}

export interface ListedLoad {
  /** Whose it is: the path of its table, or what follows it. */
  of: string
  begunAt: number
  /** When it last came further. */
  lastAt: number
  plan: LoadPlan | undefined
}

/** Every load that was begun. */
export async function* listLoads(store: ObjectStore): AsyncGenerator<ListedLoad> {
  const records: { path: string; modifiedAt: number }[] = []
  for await (const record of store.list(FOLDER)) records.push(record)
  for (const { path, modifiedAt: begunAt } of records) {
    const of = /^system\/loads\/(.+)\/plan\.json$/.exec(path)?.[1]
    if (of === undefined) continue
    const own = records.filter(record => record.path.startsWith(`${FOLDER}/${of}/`))
    const lastAt = own.reduce((latest, { modifiedAt }) => Math.max(latest, modifiedAt), begunAt)
    yield { of, begunAt, lastAt, plan: decode<LoadPlan>(await store.get(path)) }
  }
}

/** Record a part; the first record of a part stands, and is what comes back. */
export async function recordPart(
  store: ObjectStore,
  tablePath: string,
  plan: LoadPlan,
  part: LoadedPart,
): Promise<LoadedPart> {
  const path = partPath(tablePath, plan, part.chunk)
  const outcome = await store.putIfAbsent(path, encode(part))
  return outcome === 'created' ? part : (decode<LoadedPart>(await store.get(path)) ?? part)
}

/** The parts that are done and whose files are all there, by the number of their chunk. */
export async function readParts(
  store: ObjectStore,
  tablePath: string,
  plan: LoadPlan,
): Promise<Map<number, LoadedPart>> {
  const sizes = new Map<string, number>()
  for await (const { path, size } of store.list(tablePath)) sizes.set(path, size)
  const parts = new Map<number, LoadedPart>()
  for await (const { path } of store.list(`${FOLDER}/${tablePath}/${plan.loadId}`)) {
    const part = decode<LoadedPart>(await store.get(path))
    const isThere = (file: DataFile): boolean => sizes.get(`${tablePath}/${file.path}`) === Number(file.size)
    if (part?.files.every(isThere) === true) parts.set(part.chunk, part)
    else await store.delete(path)
  }
  return parts
}

/** Forget a load: its parts are in the table, or of no more use. The plan goes last, so that parts never lose theirs. */
export async function endLoad(store: ObjectStore, tablePath: string): Promise<void> {
  const plan = planPath(tablePath)
  for await (const { path } of store.list(`${FOLDER}/${tablePath}`)) if (path !== plan) await store.delete(path)
  await store.delete(plan)
}

const encode = (value: object): Uint8Array =>
  new TextEncoder().encode(
    JSON.stringify(value, (_key, one: unknown) => (typeof one === 'bigint' ? { bigint: one.toString() } : one)),
  )

/** A record that is damaged is none: what it spoke of is read again. */
function decode<T>(bytes: Uint8Array): T | undefined {
  try {
    return JSON.parse(new TextDecoder().decode(bytes), (_key, one: unknown) =>
      typeof one === 'object' && one !== null && 'bigint' in one ? BigInt(String(one.bigint)) : one,
    ) as T
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
