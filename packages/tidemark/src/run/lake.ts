/**
 * A lake opened: to be read, which creates nothing in it, or for work, with an engine that may write and a scratch folder
 * of its own.
 */
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { LocalStore, type ObjectStore } from '@tidemark/delta'
import { openDuckdb } from '../engine/duckdb.ts'
import type { Engine } from '../engine/engine.ts'
import { LAKE_NOT_READABLE } from '../errors/run.ts'
import type { Ids, LakeStore } from '../model/ports.ts'
import type { Processes } from './lease.ts'
import { makeScratch } from './scratch.ts'

/** A lake to look at. */
export interface LakeReader extends LakeStore, AsyncDisposable {
  /** May read the lake's folder and nothing else. */
  engine: Engine
  /** Local folder of this work alone, removed when the lake is closed; undefined where none could be made. */
  scratch: string | undefined
  /** Remove one file of the scratch folder. */
  discard: (path: string) => Promise<void>
}

/** A lake to work in. */
export interface Lake extends LakeReader {
  root: string
  scratch: string
}

/** Opens the store of a lake's folder; tests put a failing one between a run and its files. */
export type OpenStore = (root: string) => ObjectStore

export interface LakeWork {
  /** What the scratch folder is for, such as a run id. */
  work: string
  ids: Ids
  processes: Processes
  /** The folder's own store when left out. */
  openStore?: OpenStore | undefined
}

/**
 * Open a local lake for work, creating its folder when it is missing.
 *
 * @throws {LAKE_NOT_WRITABLE} the folder cannot be created or written
 */
export async function openLake(root: string, { work, ids, processes, openStore }: LakeWork): Promise<Lake> {
  const scratch = await makeScratch(root, work, processes)
  const store = (openStore ?? openLocal)(root)
  const engine = await openDuckdb({ store, ids, scratch, folders: [root] })
  return {
    root,
    store,
    logParquet: engine.logParquet,
    engine,
    scratch,
    discard: path => rm(path, { force: true }),
    [Symbol.asyncDispose]: async () => {
      await engine.close()
      await rm(scratch, { recursive: true, force: true })
    },
  }
}

/**
 * The store of a lake, for what needs no engine. Opening creates nothing; a lake that does not exist yet is empty.
 *
 * @throws {LAKE_NOT_READABLE} the folder is no folder, or may not be read
 */
export async function lakeStore(root: string): Promise<ObjectStore> {
  try {
    await readdir(root)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    const reason = code === 'ENOTDIR' ? 'it is not a folder' : code === 'EACCES' ? `no permission (${code})` : code
    if (code !== 'ENOENT') throw LAKE_NOT_READABLE({ lake: root, reason }, { cause: error })
  }
  return openLocal(root)
}

/**
 * Open a lake to read its rows. Nothing is created in it; what a query spills goes into a folder of its own under
 * `temporary`, and where that cannot be made a query has to do within memory.
 *
 * @param options.temporary existing folder outside the lake
 * @param options.folders absolute folders that may be read beside the lake
 * @throws {LAKE_NOT_READABLE} as for its store
 */
export async function openLakeReader(
  root: string,
  { ids, temporary, folders = [] }: { ids: Ids; temporary: string; folders?: readonly string[] },
): Promise<LakeReader> {
  const store = await lakeStore(root)
  const scratch = await mkdtemp(join(temporary, 'tidemark-')).catch(() => undefined)
  const engine = await openDuckdb({ store, ids, scratch, folders: [root, ...folders] })
  return {
    store,
    logParquet: engine.logParquet,
    engine,
    scratch,
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
