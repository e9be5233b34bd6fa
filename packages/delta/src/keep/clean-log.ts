/**
 * Removing what is older than a table's log is kept (Delta protocol, "Metadata Cleanup"). Everything rests on one
 * checkpoint at or before the cut: it is read to its end before anything is removed, and it, the commit of its own
 * version and all that is later stay.
 */
import { DeltaError, isDeltaError } from '../errors.ts'
import type { Checkpoint } from '../log/checkpoints.ts'
import { type LogListing, listLog } from '../log/listing.ts'
import { logFilePath, logFolderPath, parseLogName, type Version } from '../log/log-path.ts'
import { readSidecarNames } from '../log/read-checkpoint.ts'
import { retentionOf } from '../log/retention.ts'
import type { TableStore } from '../log/table-store.ts'
import { checkWritable } from '../snapshot/protocol.ts'
import { readSnapshot } from '../snapshot/read-snapshot.ts'
import { loadCheckpoint } from '../snapshot/replay-listed.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import { commitTimes } from '../snapshot/version-at.ts'

export interface CleanPorts extends TableStore {
  clock: { now(): number }
}

export interface CleanedLog {
  /** The oldest version that can be read from now on; undefined when nothing was removed. */
  oldest: Version | undefined
  /** Store paths of what was removed. */
  removed: readonly string[]
}

const DAY_MS = 24 * 60 * 60 * 1000
const NOTHING: CleanedLog = { oldest: undefined, removed: [] }

/** Files removed at the same time. */
const AT_ONCE = 16

/**
 * Remove commits, checkpoints and checksums before the newest checkpoint that is at least as old as
 * `delta.logRetentionDuration` (30 days), counted from midnight UTC; then sidecars that no checkpoint names any more.
 * Nothing is removed where `delta.enableExpiredLogCleanup` is off. No commit does this by itself: whoever reads a table's
 * commits as a stream must have read those that go.
 *
 * @throws FEATURE_UNSUPPORTED when the table has a feature this package may not clean up under
 * @throws WRITE_REFUSED when the retention is not understood
 *
 * @example
 * ```ts
 * await writeCheckpoint(ports, { tablePath: 'people' })
 * const later = { ...ports, clock: { now: () => Date.UTC(2100, 0) } }
 * const { oldest, removed } = await cleanLog(later, { tablePath: 'people' })
 * console.log(oldest) // 1n
 * console.log(removed.at(-1)) // people/_delta_log/00000000000000000000.json
 * ```
 */
export async function cleanLog(
  ports: CleanPorts,
  request: { tablePath: string; signal?: AbortSignal | undefined },
): Promise<CleanedLog> {
  const { tablePath, signal } = request
  const snapshot = await readSnapshot(ports, request)
  if (snapshot === undefined) throw new DeltaError('NOT_FOUND', `There is no table at ${tablePath}.`, { tablePath })
  if (snapshot.configuration['delta.enableExpiredLogCleanup']?.toLowerCase() === 'false') return NOTHING
  refuseProtected(snapshot)
  const { logMs } = retentionOf(tablePath, snapshot.configuration)
  const midnight = ports.clock.now() - (ports.clock.now() % DAY_MS)
  const listing = await listLog(ports.store, tablePath)
  const kept = await findKeptCheckpoint(ports, { tablePath, listing, cut: cutBefore(ports, logMs), signal })
  if (kept === undefined) return NOTHING
  const older = await listOlder(ports, { tablePath, before: kept.version })
  const remove = (paths: readonly string[]): Promise<readonly string[]> => removeAll(ports.store, paths, signal)
  const removed = [...(await remove(older.others)), ...(await remove(older.checkpoints))]
  removed.push(...(await removeSidecars(ports, { tablePath, olderThan: midnight - DAY_MS, signal })))
  removed.push(...(await remove(older.commits.slice(0, 1))), ...(await remove(older.commits.slice(1))))
  return { oldest: kept.version, removed }
}

/** Midnight UTC of the day that the retention reaches back to. */
function cutBefore({ clock }: CleanPorts, logMs: number): number {
  const time = clock.now() - logMs
  return time - (((time % DAY_MS) + DAY_MS) % DAY_MS)
}

/** What is not understood may need what would be removed; checkpointProtection says so outright. */
function refuseProtected({ tablePath, protocol, metaData, schema }: Snapshot): void {
  checkWritable(tablePath, protocol, metaData, schema)
  const name = 'checkpointProtection'
  if (!protocol.writerFeatures?.includes(name)) return
  const message = `The log of ${tablePath} is not cleaned up: it has the feature ${name}.`
  throw new DeltaError('FEATURE_UNSUPPORTED', message, { tablePath, features: [name] })
}

interface Search {
  tablePath: string
  listing: LogListing
  cut: number
  signal?: AbortSignal | undefined
}

/** The newest checkpoint not newer than the newest commit not later than the cut, if it and all after it can be read. */
async function findKeptCheckpoint(ports: CleanPorts, search: Search): Promise<Checkpoint | undefined> {
  const { listing, cut } = search
  const last = commitTimes(listing.commits).findLast(({ timestamp }) => timestamp <= cut)
  if (last === undefined) return undefined
  for (const checkpoint of listing.checkpoints) {
    if (checkpoint.version > last.version || !reachesLatest(listing, checkpoint.version)) continue
    // Reading it is only worth while when something is older.
    if (!holdsOlder(listing, checkpoint.version)) return undefined
    try {
      await loadCheckpoint(ports, { ...search, checkpoint })
      return checkpoint
    } catch (error) {
      if (!isDeltaError(error, 'CHECKPOINT_INVALID', 'CHECKPOINT_NEEDED')) throw error
    }
  }
  return undefined
}

function holdsOlder({ commits, checkpoints }: LogListing, version: Version): boolean {
  return [commits[0], checkpoints.at(-1)].some(oldest => oldest !== undefined && oldest.version < version)
}

/** True when no commit from this version to the latest is missing. */
function reachesLatest({ commits, latest }: LogListing, from: Version): boolean {
  const count = commits.filter(({ version }) => version >= from).length
  return latest !== undefined && latest >= from && BigInt(count) === latest - from + 1n
}

/**
 * What is removed, in the order of its removal. Checkpoints go before commits, and the oldest commit before the others: a
 * reader that finds a checkpoint, or version 0, goes on from there, and must not take what is left of the log for all of
 * it. Commits go last, since it is by them that a clean-up which was interrupted is found and finished.
 */
interface Older {
  /** Checksums and compacted commits, which any reader can do without. */
  readonly others: string[]
  readonly checkpoints: string[]
  readonly commits: string[]
}

async function listOlder(
  { store }: CleanPorts,
  { tablePath, before }: { tablePath: string; before: Version },
): Promise<Older> {
  const folder = logFolderPath(tablePath)
  const older: Older = { others: [], checkpoints: [], commits: [] }
  for await (const { path } of store.list(folder)) {
    const name = path.slice(folder.length + 1)
    if (name > ':') break
    const parsed = parseLogName(name)
    if (parsed === undefined || parsed.version > before) continue
    if (parsed.kind === 'compacted') older.others.push(path)
    else if (parsed.version === before) continue
    else if (parsed.kind === 'checkpoint') older.checkpoints.push(path)
    else if (parsed.kind === 'commit') older.commits.push(path)
    else older.others.push(path)
  }
  return older
}

/** Sidecars that no checkpoint names, old enough that no checkpoint is being written with them. */
async function removeSidecars(
  ports: CleanPorts,
  { tablePath, olderThan, signal }: { tablePath: string; olderThan: number; signal: AbortSignal | undefined },
): Promise<readonly string[]> {
  const folder = `${logFolderPath(tablePath)}/_sidecars`
  const old: string[] = []
  for await (const { path, modifiedAt } of ports.store.list(folder)) if (modifiedAt < olderThan) old.push(path)
  if (old.length === 0) return []
  const named = new Set<string>()
  for (const checkpoint of (await listLog(ports.store, tablePath)).checkpoints) {
    try {
      for (const name of await readSidecarNames(ports, { tablePath, checkpoint, signal })) {
        named.add(logFilePath(tablePath, `_sidecars/${name}`))
      }
    } catch (error) {
      // Which sidecars it names is not known, so none is safe to remove.
      if (isDeltaError(error, 'CHECKPOINT_INVALID', 'CHECKPOINT_NEEDED')) return []
      throw error
    }
  }
  const garbage = old.filter(path => !named.has(path))
  return removeAll(ports.store, garbage, signal)
}

async function removeAll(
  store: CleanPorts['store'],
  paths: readonly string[],
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  for (let at = 0; at < paths.length; at += AT_ONCE) {
    signal?.throwIfAborted()
    await Promise.all(paths.slice(at, at + AT_ONCE).map(path => store.delete(path)))
  }
  return paths
}
