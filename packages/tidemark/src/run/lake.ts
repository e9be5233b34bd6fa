/** A lake opened for work: its store, its engine, a scratch folder of its own, and the sweep of what dead runs left. */
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { LocalStore, type ObjectStore } from '@tidemark/delta'
import { openDuckdb } from '../engine/duckdb.ts'
import type { Engine } from '../engine/engine.ts'
import { LAKE_NOT_WRITABLE } from '../errors/run.ts'
import type { Ids, LakeStore } from '../model/ports.ts'

export interface Lake extends LakeStore, AsyncDisposable {
  root: string
  engine: Engine
  /** Local folder of this run alone; removed when the lake is closed. */
  scratch: string
  /** Remove one file of the scratch folder. */
  discard: (path: string) => Promise<void>
}

/** Opens the store of a lake's folder; tests put a failing one between a run and its files. */
export type OpenStore = (root: string) => ObjectStore

/**
 * Open a local lake, creating its folder when it is missing.
 *
 * @param run name of the scratch folder under `_tmp`
 * @throws {LAKE_NOT_WRITABLE} the folder cannot be created or written
 */
export async function openLake(root: string, run: string, ids: Ids, openStore: OpenStore = openLocal): Promise<Lake> {
  const scratch = join(root, '_tmp', run)
  try {
    await mkdir(scratch, { recursive: true, mode: 0o700 })
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
    throw LAKE_NOT_WRITABLE({ lake: root, reason }, { cause: error, state: 'Nothing was read or written.' })
  }
  const store = openStore(root)
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

const openLocal: OpenStore = root => new LocalStore(root)

/** Remove the scratch folders of runs that are no longer alive. Only called while holding the lease. */
export async function sweepScratch(root: string, keep: string): Promise<void> {
  const folder = join(root, '_tmp')
  const entries = await readdir(folder).catch(() => [])
  for (const name of entries) if (name !== keep) await rm(join(folder, name), { recursive: true, force: true })
}
