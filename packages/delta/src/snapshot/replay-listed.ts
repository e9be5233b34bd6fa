/**
 * Building a version from what a listing shows: the newest checkpoint that can be read, then compacted logs and commits.
 * A checkpoint that cannot be read costs time, never the table, as long as anything older reaches as far.
 */
import { DeltaError, isDeltaError } from '../errors.ts'
import type { Action } from '../log/actions.ts'
import type { Checkpoint } from '../log/checkpoints.ts'
import { findCommit } from '../log/find-commit.ts'
import type { Compacted, LogListing } from '../log/listing.ts'
import { parseLines } from '../log/log-lines.ts'
import { logFilePath, type Version } from '../log/log-path.ts'
import { lineParser } from '../log/parse-action.ts'
import { readCheckpoint } from '../log/read-checkpoint.ts'
import type { TableStore } from '../log/table-store.ts'
import { type Replay, replayAction, replayActions, replayCommit, startReplay } from './snapshot.ts'
import { logGap, walkCommits } from './walk-commits.ts'

export interface ListedRequest {
  tablePath: string
  listing: LogListing
  /** The latest when left out. */
  version?: Version | undefined
  /** A state of an earlier version, to go on from unless a checkpoint is newer. */
  base?: Replay | undefined
  removed?: boolean
  signal?: AbortSignal | undefined
}

/** The state at a version, or at the latest one that the listing shows. */
export async function replayListed(tables: TableStore, request: ListedRequest): Promise<Replay> {
  const { tablePath, listing } = request
  const latest = latestVersion(listing)
  if (latest === undefined) throw withoutCommits(tablePath)
  const wanted = request.version ?? latest
  if (wanted < 0n || wanted > latest) throw versionNotFound(tablePath, wanted, `the latest is ${latest}`, { latest })
  const state = await findBeginning(tables, { ...request, wanted })
  await goOn(tables, request, state, wanted)
  if (state.last === undefined) {
    const { signal } = request
    state.last = await findCommit(tables.store, tablePath, wanted, { signal })
  }
  return state
}

/** The latest version that a listing shows, as a commit or as a checkpoint. */
function latestVersion({ latest, checkpoints }: LogListing): Version | undefined {
  const checkpoint = checkpoints[0]?.version
  if (latest === undefined || checkpoint === undefined) return latest ?? checkpoint
  return latest > checkpoint ? latest : checkpoint
}

/**
 * The state that a checkpoint holds.
 *
 * @throws CHECKPOINT_INVALID when it cannot be read or is not complete
 * @throws CHECKPOINT_NEEDED when it is Parquet and there is nobody to read that
 */
export async function loadCheckpoint(
  tables: TableStore,
  request: { tablePath: string; checkpoint: Checkpoint; removed?: boolean; signal?: AbortSignal | undefined },
): Promise<Replay> {
  const { tablePath, checkpoint } = request
  const { version } = checkpoint
  const state = startReplay(undefined, request)
  for await (const actions of readCheckpoint(tables, request)) for (const action of actions) replayAction(state, action)
  for (const action of ['protocol', 'metaData'] as const) {
    if (state[action] !== undefined) continue
    const [file] = checkpoint.files
    const message = `The checkpoint of version ${version} of ${tablePath} (${file}) has no ${action} action.`
    throw new DeltaError('CHECKPOINT_INVALID', message, { tablePath, version, file, action })
  }
  state.version = version
  state.tail = { checkpoint: version, sizeInBytes: 0 }
  return state
}

/** The newest state at or before the wanted version from which the log goes on without a gap. */
async function findBeginning(tables: TableStore, request: ListedRequest & { wanted: Version }): Promise<Replay> {
  const { tablePath, listing, base, wanted } = request
  let failure: DeltaError | undefined
  for (const checkpoint of listing.checkpoints) {
    if (checkpoint.version > wanted) continue
    if (base !== undefined && checkpoint.version <= base.version) break
    try {
      return await loadCheckpoint(tables, { ...request, checkpoint })
    } catch (error) {
      if (!isDeltaError(error, 'CHECKPOINT_INVALID', 'CHECKPOINT_NEEDED')) throw error
      failure ??= error
    }
  }
  if (base !== undefined) return base
  if (listing.commits[0]?.version === 0n) return startReplay(undefined, request)
  if (failure !== undefined) throw failure
  const oldest = listing.checkpoints.at(-1)?.version
  if (oldest === undefined) throw logGap(tablePath, 0n)
  throw versionNotFound(tablePath, wanted, `the oldest that is kept is ${oldest}`, { oldest })
}

/** Apply everything after the state up to the wanted version. */
async function goOn(tables: TableStore, request: ListedRequest, state: Replay, wanted: Version): Promise<void> {
  const { tablePath, listing, signal } = request
  refuseGap(request, state.version, wanted)
  for (const compacted of chainOf(listing.compacted, state.version + 1n, wanted)) {
    await walkTo(tables, request, state, compacted.from - 1n)
    const actions = await readCompacted(tables, tablePath, compacted, signal)
    if (actions === undefined) continue
    replayActions(state, actions.list)
    state.version = compacted.to
    state.last = undefined
    state.tail = { ...state.tail, sizeInBytes: state.tail.sizeInBytes + actions.sizeInBytes }
  }
  await walkTo(tables, request, state, wanted)
}

async function walkTo(tables: TableStore, request: ListedRequest, state: Replay, until: Version): Promise<void> {
  const { tablePath, signal } = request
  if (state.version >= until) return
  const from = state.version + 1n
  for await (const commit of walkCommits(tables.store, { tablePath, from, until, ahead: 16, signal })) {
    replayCommit(state, commit)
  }
  if (state.version < until) throw logGap(tablePath, state.version + 1n)
}

/** Compacted logs that follow each other from a version on, the longest wherever there is a choice. */
function chainOf(all: readonly Compacted[], from: Version, until: Version): Compacted[] {
  const chain: Compacted[] = []
  let at = from
  for (const one of all.filter(({ to }) => to <= until).sort(byStart)) {
    if (one.from < at) continue
    chain.push(one)
    at = one.to + 1n
  }
  return chain
}

function byStart(a: Compacted, b: Compacted): number {
  if (a.from !== b.from) return a.from < b.from ? -1 : 1
  return a.to < b.to ? 1 : a.to > b.to ? -1 : 0
}

/** A compacted log only saves time: one that cannot be read is passed by, and its commits are read. */
async function readCompacted(
  { store }: TableStore,
  tablePath: string,
  { to, name }: Compacted,
  signal: AbortSignal | undefined,
): Promise<{ list: Action[]; sizeInBytes: number } | undefined> {
  try {
    const bytes = await store.get(logFilePath(tablePath, name), { signal })
    const list: Action[] = []
    for (const line of parseLines({ version: to, file: name }, bytes, lineParser())) {
      if (line.kind !== 'commitInfo' && line.kind !== 'sidecar' && line.kind !== 'checkpointMetadata') list.push(line)
    }
    return { list, sizeInBytes: bytes.length }
  } catch {
    signal?.throwIfAborted()
    return undefined
  }
}

/** Every version must be there, unless the state has it already. */
function refuseGap({ tablePath, listing }: ListedRequest, after: Version, wanted: Version): void {
  let expected = after + 1n
  for (const { version } of listing.commits) {
    if (version <= after) continue
    if (version > wanted) break
    if (version !== expected) throw logGap(tablePath, expected)
    expected += 1n
  }
  if (expected <= wanted) throw logGap(tablePath, expected)
}

function withoutCommits(tablePath: string): DeltaError {
  const message = `${tablePath} has a _delta_log folder without any commit in it.`
  return new DeltaError('LOG_INCOMPLETE', message, { tablePath })
}

function versionNotFound(tablePath: string, version: Version, reason: string, details: object): DeltaError {
  const message = `${tablePath} has no version ${version}; ${reason}.`
  return new DeltaError('VERSION_NOT_FOUND', message, { tablePath, version, ...details })
}
