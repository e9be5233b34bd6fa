/**
 * Reading a table's log from the store: the latest version, a snapshot at a version, the commits of a range.
 */

import { DeltaError, isDeltaError } from '../errors.ts'
import type { AddFile, Commit } from '../log/actions.ts'
import { commitPath, logFolderPath, parseLogName, printLogName, type Version } from '../log/log-path.ts'
import { parseCommit } from '../log/parse-commit.ts'
import type { TableStore } from '../log/table-store.ts'
import type { ObjectStore } from '../store/store.ts'
import { deletionVectorUnsupported } from './protocol.ts'
import { finishReplay, replayCommit, type Snapshot, startReplay } from './snapshot.ts'

/** Commits read at the same time. */
const READ_AHEAD = 16

export interface SnapshotRequest {
  tablePath: string
  /** The latest when left out. */
  version?: Version | undefined
  signal?: AbortSignal | undefined
}

/**
 * Read a table at a version. Returns undefined when there is no log at all; throws LOG_GAP, LOG_INVALID,
 * LOG_INCOMPLETE, CHECKPOINT_NEEDED, FEATURE_UNSUPPORTED or VERSION_NOT_FOUND when there is one that does not tell.
 */
export async function readSnapshot({ store }: TableStore, request: SnapshotRequest): Promise<Snapshot | undefined> {
  const { tablePath, signal } = request
  const log = await listLog(store, tablePath)
  if (log.isEmpty) return undefined
  if (log.latest === undefined) throw withoutCommits(tablePath, log)
  const version = request.version ?? log.latest
  if (version > log.latest || version < 0n) {
    const message = `${tablePath} has no version ${version}; the latest is ${log.latest}.`
    throw new DeltaError('VERSION_NOT_FOUND', message, { tablePath, version, latest: log.latest })
  }
  const state = startReplay()
  try {
    for await (const commit of readRange(store, tablePath, { first: 0n, last: version, signal })) {
      replayCommit(state, commit)
    }
  } catch (error) {
    if (isDeltaError(error, 'LOG_GAP') && log.hasCheckpoint) throw checkpointNeeded(tablePath, error)
    throw error
  }
  return finishReplay(tablePath, version, state)
}

/** The latest snapshot, reading only commits newer than the given one; the same value when there are none. */
export async function refreshSnapshot({ store }: TableStore, snapshot: Snapshot): Promise<Snapshot> {
  const { tablePath, version } = snapshot
  const { latest } = await listLog(store, tablePath, version)
  if (latest === undefined || latest <= version) return snapshot
  const state = startReplay(snapshot)
  for await (const commit of readRange(store, tablePath, { first: version + 1n, last: latest })) {
    replayCommit(state, commit)
  }
  return finishReplay(tablePath, latest, state)
}

/**
 * The commits after `after` (exclusive) up to `upTo` (inclusive), in order. Throws LOG_GAP when one of them is gone,
 * so that a streaming reader never passes over data.
 */
export async function readCommits(
  store: ObjectStore,
  tablePath: string,
  range: { after: Version; upTo: Version; signal?: AbortSignal | undefined },
): Promise<Commit[]> {
  const commits: Commit[] = []
  const { after, upTo, signal } = range
  for await (const commit of readRange(store, tablePath, { first: after + 1n, last: upTo, signal })) {
    commits.push(commit)
  }
  return commits
}

/** The files whose rows a commit added: new data only, not files that were merely rewritten. */
export function addedFiles(commit: Commit): AddFile[] {
  const files = commit.actions.flatMap(action => (action.kind === 'add' && action.add.dataChange ? [action.add] : []))
  if (files.some(file => file.deletionVector !== undefined)) {
    throw deletionVectorUnsupported(`Version ${commit.version}`)
  }
  return files
}

/** True when all data changes of a commit are adds, so `addedFiles` is everything that happened to the rows. */
export function isAppendOnly(commit: Commit): boolean {
  return !commit.actions.some(a => a.kind === 'cdc' || (a.kind === 'remove' && a.remove.dataChange))
}

/** Read one commit; undefined when it does not exist. */
export async function findCommit(store: ObjectStore, tablePath: string, version: Version): Promise<Commit | undefined> {
  try {
    return parseCommit(version, await store.get(commitPath(tablePath, version)))
  } catch (error) {
    if (isDeltaError(error, 'NOT_FOUND')) return undefined
    throw error
  }
}

/** What the log folder holds, from one listing. */
export interface LogListing {
  isEmpty: boolean
  latest: Version | undefined
  hasCheckpoint: boolean
}

/** List the log's folder, from a version on when one is given. */
export async function listLog(store: ObjectStore, tablePath: string, after?: Version): Promise<LogListing> {
  const folder = logFolderPath(tablePath)
  const startAfter = after === undefined ? undefined : commitPath(tablePath, after)
  const found: LogListing = { isEmpty: true, latest: undefined, hasCheckpoint: false }
  for await (const { path } of store.list(folder, { startAfter })) {
    found.isEmpty = false
    const name = parseLogName(path.slice(folder.length + 1))
    if (name?.kind === 'commit' && name.version > (found.latest ?? -1n)) found.latest = name.version
    if (name?.kind === 'checkpoint') found.hasCheckpoint = true
  }
  return found
}

/** Commits in order, read ahead by a bounded number. A listing may miss a name that is just being made; a get cannot. */
async function* readRange(
  store: ObjectStore,
  tablePath: string,
  range: { first: Version; last: Version; signal?: AbortSignal | undefined },
): AsyncGenerator<Commit> {
  const pending: Promise<Commit>[] = []
  let next = range.first
  for (let version = range.first; version <= range.last; version += 1n) {
    for (; next <= range.last && pending.length < READ_AHEAD; next += 1n) {
      const reading = readCommit(store, tablePath, next, range.signal)
      // A later read may fail while an earlier one is awaited; its error is thrown when its turn comes.
      reading.catch(() => {})
      pending.push(reading)
    }
    const commit = await pending.shift()
    if (commit) yield commit
  }
}

async function readCommit(
  store: ObjectStore,
  tablePath: string,
  version: Version,
  signal: AbortSignal | undefined,
): Promise<Commit> {
  try {
    return parseCommit(version, await store.get(commitPath(tablePath, version), { signal }))
  } catch (error) {
    if (isDeltaError(error, 'LOG_INVALID')) throw ofTable(tablePath, error)
    if (!isDeltaError(error, 'NOT_FOUND')) throw error
    const file = printLogName(version)
    const message = `The log of ${tablePath} lacks version ${version} (${file}).`
    throw new DeltaError('LOG_GAP', message, { tablePath, version, file }, error)
  }
}

/** A commit's bytes do not say whose they are; the error must, since one reader looks at many tables. */
function ofTable(tablePath: string, error: DeltaError): DeltaError {
  const message = `The log of ${tablePath} is broken. ${error.message}`
  return new DeltaError(error.code, message, { ...error.details, tablePath }, error)
}

function withoutCommits(tablePath: string, log: LogListing): DeltaError {
  if (log.hasCheckpoint) return checkpointNeeded(tablePath)
  const message = `${tablePath} has a _delta_log folder without any commit in it.`
  return new DeltaError('LOG_INCOMPLETE', message, { tablePath })
}

function checkpointNeeded(tablePath: string, cause?: unknown): DeltaError {
  const message = `${tablePath} keeps its older versions in checkpoints only; reading it needs checkpoint support, which this version lacks.`
  return new DeltaError('CHECKPOINT_NEEDED', message, { tablePath }, cause)
}
