/**
 * Opening a table: from the newest checkpoint that can be read, through the commits after it. A table with a hint, or a
 * short log, is opened without listing anything; everything else is found out from one listing.
 */
import { isDeltaError } from '../errors.ts'
import { findCommit } from '../log/find-commit.ts'
import { readLastCheckpoint } from '../log/last-checkpoint.ts'
import { listLog } from '../log/listing.ts'
import type { Version } from '../log/log-path.ts'
import type { TableStore } from '../log/table-store.ts'
import { loadCheckpoint, replayListed } from './replay-listed.ts'
import { finishReplay, type Replay, replayCommit, type Snapshot, startReplay } from './snapshot.ts'
import { logGap, type Walk, walkCommits } from './walk-commits.ts'

export interface SnapshotRequest {
  tablePath: string
  /** The latest when left out. */
  version?: Version | undefined
  signal?: AbortSignal | undefined
}

/** Commits that are asked for one by one; a longer log is listed, which also finds newer checkpoints. */
const MOST_WALKED = 64n

/**
 * Read a table at a version. Returns undefined when there is no log at all; throws LOG_GAP, LOG_INVALID,
 * LOG_INCOMPLETE, CHECKPOINT_NEEDED, CHECKPOINT_INVALID, FEATURE_UNSUPPORTED or VERSION_NOT_FOUND when there is one
 * that does not tell.
 *
 * @example
 * ```ts
 * const table = await readSnapshot(ports, { tablePath: 'people' })
 * console.log([table?.version, table?.files.size]) // [ 1n, 2 ]
 * console.log(await readSnapshot(ports, { tablePath: 'nowhere' })) // undefined
 * ```
 */
export async function readSnapshot(tables: TableStore, request: SnapshotRequest): Promise<Snapshot | undefined> {
  const state = await readState(tables, request)
  return state && finishReplay(request.tablePath, state.version, state)
}

/** As `readSnapshot`, but the state that can be replayed onto, with the removed files when they are wanted. */
export async function readState(
  tables: TableStore,
  request: SnapshotRequest & { removed?: boolean },
): Promise<Replay | undefined> {
  const { tablePath } = request
  const start = await findStart(tables, request)
  const walked = start && (await walk(tables, request, start))
  if (walked?.isDone) return walked.state
  const listing = await listLog(tables.store, tablePath)
  if (listing.isEmpty) return undefined
  return replayListed(tables, { ...request, listing, base: walked?.state })
}

/**
 * The latest snapshot, reading only commits newer than the given one: one request when there are none, and then the
 * same value. The snapshot must not be older than the log is kept: commits after it that were cleaned away since are
 * not missed here, though no commit can be made on it.
 *
 * @example
 * ```ts
 * const latest = await refreshSnapshot(ports, people)
 * console.log(latest === people) // true
 * ```
 */
export async function refreshSnapshot(
  tables: TableStore,
  snapshot: Snapshot,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<Snapshot> {
  const { tablePath, version } = snapshot
  const { signal } = options
  const state = startReplay(snapshot)
  const isWhole = await replayWalk(tables, state, { tablePath, from: version + 1n, ahead: 1, signal })
  // The log is damaged, or a checkpoint has taken the place of what is missing.
  if (!isWhole) return rereadSnapshot(tables, snapshot, signal)
  return state.version === version ? snapshot : finishReplay(tablePath, state.version, state)
}

async function rereadSnapshot(tables: TableStore, old: Snapshot, signal: AbortSignal | undefined): Promise<Snapshot> {
  const { tablePath, version } = old
  const found = await readSnapshot(tables, { tablePath, signal })
  if (found === undefined) throw logGap(tablePath, version + 1n)
  return found
}

/** What can be begun with before anything is listed: the hint's checkpoint, or nothing when the log begins at 0. */
async function findStart(
  tables: TableStore,
  request: SnapshotRequest & { removed?: boolean },
): Promise<Replay | undefined> {
  const { tablePath, version, signal } = request
  const hint = await readLastCheckpoint(tables, tablePath, { signal })
  if (hint.kind === 'none')
    return version === undefined || version < MOST_WALKED ? startReplay(undefined, request) : undefined
  if (hint.kind === 'unusable') return undefined
  const { checkpoint } = hint
  if (version !== undefined && checkpoint.version > version) return undefined
  try {
    return await loadCheckpoint(tables, { ...request, checkpoint })
  } catch (error) {
    // Whatever is wrong with it, the listing knows of others, and says so when there are none.
    if (isDeltaError(error, 'CHECKPOINT_INVALID', 'CHECKPOINT_NEEDED')) return undefined
    throw error
  }
}

/**
 * Go on from a start, commit by commit. Done unless the wanted version was not reached, the log is long, or its end is
 * not certain: a log is cleaned from its beginning, so nothing is missing after a commit that is there, while a stale
 * hint may lead to a checkpoint after which commits were cleaned away.
 */
async function walk(
  tables: TableStore,
  request: SnapshotRequest,
  state: Replay,
): Promise<{ state: Replay; isDone: boolean } | undefined> {
  const { tablePath, version, signal } = request
  const from = state.version + 1n
  const until = version ?? from + MOST_WALKED
  const isWhole = await replayWalk(tables, state, { tablePath, from, until, ahead: 2, signal })
  if (!isWhole || state.version < 0n) return undefined
  if (state.last === undefined) state.last = await findCommit(tables.store, tablePath, state.version, { signal })
  const isEnd = state.version < until && state.last !== undefined
  return { state, isDone: version === undefined ? isEnd : state.version === version }
}

/** Apply the commits of a walk; false when one of them is missing. */
async function replayWalk({ store }: TableStore, state: Replay, walked: Walk): Promise<boolean> {
  try {
    for await (const commit of walkCommits(store, walked)) replayCommit(state, commit)
    return true
  } catch (error) {
    if (isDeltaError(error, 'LOG_GAP')) return false
    throw error
  }
}
