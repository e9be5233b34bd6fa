/**
 * VACUUM: remove files of a table's folder that no version within the retention needs. What is not certainly garbage
 * stays: files younger than the retention, because a writer may be about to commit them, everything hidden, and tables
 * that lie inside.
 */
import { locateVector } from '../deletion-vector/read-vectors.ts'
import { DeltaError } from '../errors.ts'
import type { Action, DeletionVectorDescriptor, RemoveFile } from '../log/actions.ts'
import { canonicalDataPath } from '../log/data-path.ts'
import { logFolderPath, parseLogName, type Version } from '../log/log-path.ts'
import type { TableStore } from '../log/table-store.ts'
import { checkWritable } from '../snapshot/protocol.ts'
import { readCommits } from '../snapshot/read-commits.ts'
import { readState, refreshSnapshot } from '../snapshot/read-snapshot.ts'
import { finishReplay, type Snapshot } from '../snapshot/snapshot.ts'
import type { ObjectStore, StoredObject } from '../store/store.ts'
import { findStorePath } from '../store/store-location.ts'
import { retentionOf } from '../log/retention.ts'
import { listOldFiles } from './old-files.ts'

/** Files removed at the same time. */
const WORKERS = 16

export interface VacuumPorts extends TableStore {
  clock: { now(): number }
}

export interface VacuumRequest {
  tablePath: string
  /** Milliseconds; the table's own retention when left out. */
  retentionMs?: number | undefined
  /** Allow less than the table's own retention: readers of older versions, and writers that have not committed, break. */
  allowShortRetention?: boolean
  /** True for a path that a writer of tables may have made; others are left where they are. Any may when left out. */
  among?: (path: string) => boolean
  /** Only say what would be removed. */
  dryRun?: boolean
  signal?: AbortSignal | undefined
}

export interface VacuumResult {
  version: Version
  /** Store paths of the files that were removed, or would be. */
  removed: readonly string[]
  sizeBytes: bigint
}

/**
 * Remove the files that no version newer than the retention refers to.
 *
 * @throws NOT_FOUND when there is no table
 * @throws WRITE_REFUSED when the retention is shorter than the table's own, and that was not allowed
 * @throws FEATURE_UNSUPPORTED when the table has a feature whose files this package does not know
 *
 * @example
 * ```ts
 * const later = { ...ports, clock: { now: () => Date.UTC(2100, 0) } }
 * const { removed, sizeBytes } = await vacuum(later, { tablePath: 'people', dryRun: true })
 * console.log([removed, sizeBytes]) // [ [ 'people/c' ], 22n ]
 * ```
 */
export async function vacuum(ports: VacuumPorts, request: VacuumRequest): Promise<VacuumResult> {
  const { store, clock } = ports
  const { tablePath, signal } = request
  const state = await readState(ports, { tablePath, removed: true, signal })
  if (state === undefined) throw new DeltaError('NOT_FOUND', `There is no table at ${tablePath}.`, { tablePath })
  const snapshot = finishReplay(tablePath, state.version, state)
  checkWritable(tablePath, snapshot.protocol, snapshot.metaData, snapshot.schema)
  const oldest = clock.now() - checkedRetention(snapshot, request)
  const old = await listOldFiles(store, snapshot, { oldest, signal })
  // Only now, because listing takes long: a commit may have brought an old file back meanwhile, as RESTORE does.
  const current = await refreshSnapshot(ports, snapshot)
  const needed = await neededPaths(store, current, { oldest, removed: state.removed?.values() ?? [], signal })
  const isGarbage = (path: string): boolean =>
    (request.among?.(path) ?? true) && !needed.paths.has(path) && !needed.names.has(baseName(path))
  const garbage = old.filter(({ path }) => isGarbage(path))
  if (request.dryRun !== true) await removeAll(store, garbage, signal)
  return {
    version: snapshot.version,
    removed: garbage.map(object => object.path),
    sizeBytes: garbage.reduce((sum, object) => sum + BigInt(object.size), 0n),
  }
}

function checkedRetention({ tablePath, configuration }: Snapshot, request: VacuumRequest): number {
  const { filesMs } = retentionOf(tablePath, configuration)
  const { retentionMs = filesMs, allowShortRetention = false } = request
  if (retentionMs >= filesMs || (allowShortRetention && retentionMs >= 0)) return retentionMs
  const reason = `a retention of ${retentionMs} ms is shorter than its own of ${filesMs} ms`
  throw new DeltaError('WRITE_REFUSED', `${tablePath} cannot be cleaned: ${reason}.`, { tablePath, reason })
}

interface Needed {
  readonly paths: ReadonlySet<string>
  /**
   * Names of files whose place is absolute and not one of the store as it is opened. It may be one by another way, such as
   * a link to the lake or another spelling of its address, so no file of such a name is certainly garbage.
   */
  readonly names: ReadonlySet<string>
}

interface Since {
  /** Milliseconds since 1970 UTC. */
  readonly oldest: number
  /** Files that checkpoints and commits tell to be removed; the commits may be gone by now. */
  readonly removed: Iterable<RemoveFile>
  readonly signal: AbortSignal | undefined
}

/**
 * What the newest version holds, what was removed since a time, and whatever a commit since then speaks of: it may have
 * been current until that commit.
 */
async function neededPaths(
  store: ObjectStore,
  snapshot: Snapshot,
  { oldest, removed, signal }: Since,
): Promise<Needed> {
  const { tablePath, version } = snapshot
  const needed = { paths: new Set<string>(), names: new Set<string>() }
  const addPath = (named: string): void => {
    const path = storePath(store, tablePath, named)
    if (path === undefined) needed.names.add(baseName(named))
    else needed.paths.add(path)
  }
  const add = (file: { path: string; deletionVector?: DeletionVectorDescriptor }): void => {
    addPath(file.path)
    const { deletionVector } = file
    if (deletionVector?.storageType === 'p') return addPath(canonicalDataPath(deletionVector.pathOrInlineDv))
    const context = { store, tablePath, version }
    const vector = deletionVector && locateVector(context, { dataFile: file.path, vector: deletionVector })
    if (vector !== undefined) needed.paths.add(vector)
  }
  for (const file of snapshot.files.values()) add(file)
  for (const file of removed) if ((file.deletionTimestamp ?? 0) >= oldest) add(file)
  const first = await firstVersionSince(store, tablePath, oldest)
  if (first === undefined) return needed
  const commits = await readCommits(store, tablePath, { after: first - 1n, upTo: version, signal })
  for (const action of commits.flatMap(commit => commit.actions)) fileOf(action).forEach(add)
  return needed
}

function fileOf(action: Action): { path: string; deletionVector?: DeletionVectorDescriptor }[] {
  switch (action.kind) {
    case 'add':
      return [action.add]
    case 'remove':
      return [action.remove]
    case 'cdc':
      return [action.cdc]
    default:
      return []
  }
}

/** The oldest commit that was written within the retention, by the store's clock as the data files are judged by it. */
async function firstVersionSince(store: ObjectStore, tablePath: string, oldest: number): Promise<Version | undefined> {
  const folder = logFolderPath(tablePath)
  let first: Version | undefined
  for await (const { path, modifiedAt } of store.list(folder)) {
    const name = parseLogName(path.slice(folder.length + 1))
    if (name?.kind !== 'commit' || modifiedAt < oldest) continue
    if (first === undefined || name.version < first) first = name.version
  }
  return first
}

/** A file that the log names by an absolute place may still lie in the table's folder. */
function storePath(store: ObjectStore, tablePath: string, path: string): string | undefined {
  const isAbsolute = path.startsWith('/') || /^[a-z][a-z0-9+.-]*:/i.test(path)
  return isAbsolute ? findStorePath(store, path) : `${tablePath}/${path}`
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

async function removeAll(store: ObjectStore, objects: readonly StoredObject[], signal?: AbortSignal): Promise<void> {
  const queue = objects.values()
  const work = async (): Promise<void> => {
    for (const { path } of queue) {
      signal?.throwIfAborted()
      await store.delete(path)
    }
  }
  await Promise.all(Array.from({ length: WORKERS }, work))
}
