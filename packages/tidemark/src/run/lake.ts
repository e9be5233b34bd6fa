/**
 * A lake opened: to be read, which creates nothing in it, or for work, with an engine that may write and a scratch folder
 * of its own.
 */
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { LocalStore, type ObjectStore } from '@tidemark/delta'
import { openDuckdb } from '../engine/duckdb.ts'
import type { Engine } from '../engine/engine.ts'
import { LAKE_NOT_READABLE, LAKE_NOT_WRITABLE } from '../errors/run.ts'
import type { StorageUse } from '../model/event.ts'
import type { Ids, LakeStore } from '../model/ports.ts'
import type { GiveUpOptions, UnfinishedUpload } from '../storage/give-up-uploads.ts'
import type { LakeProbe } from '../storage/probe-lake.ts'
import type { Processes } from './lease.ts'
import { makeScratch } from './scratch.ts'

/** A lake to look at. */
export interface LakeReader extends LakeStore, AsyncDisposable {
  /** May read the lake's folder and nothing else. */
  engine: Engine
  /** Local folder of this work alone, removed when the lake is closed; undefined where none could be made. */
  scratch: string | undefined
  /** Requests and bytes since the lake was opened; undefined for a folder. */
  usage: (() => StorageUse) | undefined
  /** Remove one file of the scratch folder. */
  discard: (path: string) => Promise<void>
}

/** A lake to work in. */
export interface Lake extends LakeReader {
  /** Local folder whose `_tmp` has the scratch of all who work in the lake from here. */
  root: string
  scratch: string
}

/** A lake that is no folder of this machine. */
export interface RemoteLakePlace {
  /** Absolute folder of this machine for what is on its way to the lake and copies of what was read of it. */
  readonly local: string
  /**
   * Open its store; nothing is asked of it yet.
   *
   * @param scratch folder of this work alone, to hold what an engine opens; a store opened without one holds nothing
   */
  readonly open: (scratch: string | undefined) => Promise<MeteredStore>
  /** The places that a lake around this one could have, with their stores. */
  readonly above: () => Promise<readonly { lake: string; store: ObjectStore }[]>
  /** Try each right that a run needs, under a name of the probe's own. */
  readonly probe: () => Promise<LakeProbe>
  /** Give up old uploads of the lake's tables that nobody will finish. */
  readonly giveUpUploads: (options: GiveUpOptions) => Promise<readonly UnfinishedUpload[]>
}

/** A store that counts what it costs. */
export interface MeteredStore extends ObjectStore {
  readonly usage: StorageUse
}

/** Where a lake is: its absolute folder, or elsewhere. */
export type LakePlace = string | RemoteLakePlace

/** Opens the store of a lake's folder; tests put a failing one between a run and its files. */
export type OpenStore = (root: string) => ObjectStore

export interface LakeWork {
  /** What the scratch folder is for, such as a run id. */
  work: string
  ids: Ids
  processes: Processes
  /** What the engine may hold, such as `2GB`; its own default when left out. */
  memory?: string | undefined
  /** The folder's own store when left out. */
  openStore?: OpenStore | undefined
}

export interface ReaderOptions {
  ids: Ids
  temporary: string
  processes: Processes
  /** What the engine may hold; its own default when left out. */
  memory?: string | undefined
  folders?: readonly string[]
}

/**
 * Open a lake for work, creating the folder of a local one when it is missing. Of one elsewhere nothing is asked yet.
 *
 * @throws {LAKE_NOT_WRITABLE} the folder, or the one for local files, cannot be created or written
 */
export async function openLake(place: LakePlace, { work, ids, processes, memory, openStore }: LakeWork): Promise<Lake> {
  const root = typeof place === 'string' ? place : place.local
  const scratch = await makeScratch(root, work, processes)
  if (typeof place === 'string') {
    const store = (openStore ?? openLocal)(place)
    const engine = openDuckdb({ store, ids, scratch, folders: [root], memoryLimit: memory })
    return lakeOf({ root, scratch, store, engine, usage: undefined })
  }
  const store = await place.open(scratch)
  const engine = openDuckdb({ store, ids, scratch, folders: [], memoryLimit: memory })
  return lakeOf({ root, scratch, store, engine, usage: () => store.usage })
}

/**
 * The store of a lake, for what needs no engine. Opening creates nothing; a lake that does not exist yet is empty.
 *
 * @throws {LAKE_NOT_READABLE} the folder is no folder, or may not be read
 */
export async function lakeStore(place: LakePlace): Promise<ObjectStore> {
  if (typeof place !== 'string') return await place.open(undefined)
  try {
    await readdir(place)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    const reason = code === 'ENOTDIR' ? 'it is not a folder' : code === 'EACCES' ? `no permission (${code})` : code
    if (code !== 'ENOENT') throw LAKE_NOT_READABLE({ lake: place, reason }, { cause: error })
  }
  return openLocal(place)
}

/**
 * Open a lake to read its rows. Nothing is created in it; what a query spills goes into a folder of its own under
 * `temporary`, and where that cannot be made a query has to do within memory. What is read of a lake elsewhere lies in its
 * folder for local files, which must be writable.
 *
 * @param options.temporary existing folder outside the lake
 * @param options.folders absolute folders that may be read beside the lake
 * @throws {LAKE_NOT_READABLE} as for its store
 * @throws {LAKE_NOT_WRITABLE} the folder for local files cannot be written
 */
export async function openLakeReader(
  place: LakePlace,
  { ids, temporary, processes, memory, folders = [] }: ReaderOptions,
): Promise<LakeReader> {
  if (typeof place !== 'string') {
    const scratch = await makeScratch(place.local, `read-${ids.uuid()}`, processes)
    const store = await place.open(scratch)
    const engine = openDuckdb({ store, ids, scratch, folders, memoryLimit: memory })
    return lakeOf({ root: place.local, scratch, store, engine, usage: () => store.usage })
  }
  const store = await lakeStore(place)
  const scratch = await mkdtemp(join(temporary, 'tidemark-')).catch(() => undefined)
  const engine = openDuckdb({ store, ids, scratch, folders: [place, ...folders], memoryLimit: memory })
  return lakeOf({ root: place, scratch, store, engine, usage: undefined })
}

/**
 * Open a store to read what others keep in it. What is read lies in a folder of its own under `temporary` meanwhile.
 *
 * @throws {LAKE_NOT_WRITABLE} nothing can be made there
 */
export async function openStoreReader(
  open: (scratch: string) => Promise<ObjectStore>,
  { ids, temporary, memory }: Pick<ReaderOptions, 'ids' | 'temporary' | 'memory'>,
): Promise<LakeReader> {
  const scratch = await mkdtemp(join(temporary, 'tidemark-')).catch((cause: unknown) => {
    throw LAKE_NOT_WRITABLE({ lake: temporary, reason: 'nothing can be made in it' }, { cause })
  })
  const store = await open(scratch)
  const engine = openDuckdb({ store, ids, scratch, folders: [], memoryLimit: memory })
  return lakeOf({ root: scratch, scratch, store, engine, usage: undefined })
}

function lakeOf<Scratch extends string | undefined>(
  parts: Pick<Lake, 'root' | 'store' | 'engine' | 'usage'> & { scratch: Scratch },
): Omit<Lake, 'scratch'> & { scratch: Scratch } {
  const { engine, scratch } = parts
  return {
    ...parts,
    logParquet: engine.logParquet,
    discard: path => rm(path, { force: true }),
    [Symbol.asyncDispose]: async () => {
      await engine.close()
      if (scratch !== undefined) await rm(scratch, { recursive: true, force: true })
    },
  }
}

/** What lies at an absolute path; undefined for nothing that can be looked at. */
export async function kindOfPath(path: string): Promise<'folder' | 'file' | undefined> {
  const found = await stat(path).catch(() => undefined)
  return found?.isDirectory() ? 'folder' : found?.isFile() ? 'file' : undefined
}

const openLocal: OpenStore = root => new LocalStore(root)
