/**
 * Commit: one conditional create of the next version's file. The answer is always decided: the commit is there, another
 * writer's is, or a COMMIT_UNDECIDED says that neither could be found out.
 */

import { DeltaError, isDeltaError } from '../errors.ts'
import type { Commit, CommitInfo } from '../log/actions.ts'
import { commitPath, type Version } from '../log/log-path.ts'
import { parseCommit } from '../log/parse-commit.ts'
import { printCommit } from '../log/print-commit.ts'
import { findCommit, listLog } from '../snapshot/read-log.ts'
import { finishReplay, replayCommit, type Snapshot, startReplay } from '../snapshot/snapshot.ts'
import type { ObjectStore } from '../store/store.ts'
import type { Staged } from './staged.ts'

export interface CommitPorts {
  store: ObjectStore
  clock: { now(): number; sleep(ms: number, signal?: AbortSignal): Promise<void> }
  ids: { uuid(): string }
}

export type CommitResult =
  | { kind: 'committed'; version: Version; snapshot: Snapshot }
  /** Another writer has this version. Nothing was changed: read again, plan again. */
  | { kind: 'conflict'; version: Version; reason: string; winner: CommitInfo | undefined }

/** How often one commit is tried before its outcome is given up as undecided. */
const ATTEMPTS = 6
const FIRST_PAUSE_MS = 50

/**
 * Publish a staged change as the version after the one it was staged on. Whatever the winner at that version did, it
 * is a conflict. An attempt whose outcome is unknown is looked up and repeated with the same bytes, so a commit happens
 * once or not at all.
 *
 * @throws COMMIT_UNDECIDED when the store does not answer: the commit may exist, so no staged file may be deleted
 * @throws NOT_WRITTEN when the store refused the write before it could have any effect
 */
export async function commit(
  ports: CommitPorts,
  staged: Staged,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<CommitResult> {
  const { signal } = options
  signal?.throwIfAborted()
  const txnId = ports.ids.uuid()
  const version = staged.base === undefined ? 0n : staged.base.version + 1n
  if (staged.base === undefined) {
    const existing = await findExistingTable(ports.store, staged.tablePath)
    if (existing) return existing
  }
  const bytes = printCommit(staged, { txnId, tableId: ports.ids.uuid(), timestamp: ports.clock.now() })
  // Built before anything is published, from the bytes a reader will see: nothing can fail once the commit is there.
  const ours = parseCommit(version, bytes)
  const state = startReplay(staged.base)
  replayCommit(state, ours)
  const snapshot = finishReplay(staged.tablePath, version, state)
  const found = await createCommit(ports, { tablePath: staged.tablePath, ours, txnId, bytes, signal })
  if (found.commitInfo?.txnId === txnId) return { kind: 'committed', version, snapshot }
  const reason = `version ${version} was committed by another writer (${found.commitInfo?.operation ?? 'unknown operation'})`
  return { kind: 'conflict', version, reason, winner: found.commitInfo }
}

interface Creation {
  tablePath: string
  ours: Commit
  txnId: string
  bytes: Uint8Array
  signal: AbortSignal | undefined
}

/** Make sure that the version exists, and return who it is. */
async function createCommit(ports: CommitPorts, creation: Creation): Promise<Commit> {
  const { tablePath, ours, txnId, bytes, signal } = creation
  const { version } = ours
  const path = commitPath(tablePath, version)
  let mayExist = false
  let failure: unknown
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    if (attempt > 0) await pause(ports, txnId, attempt)
    try {
      const outcome = await ports.store.putIfAbsent(path, bytes, { signal })
      if (outcome === 'created') return ours
      mayExist = true
    } catch (error) {
      // What was refused outright is decided, unless an earlier attempt is still open.
      if (isDeltaError(error, 'NOT_WRITTEN') && !mayExist) throw error
      mayExist = true
      failure = error
    }
    try {
      // Without the signal: a cancelled caller, too, must learn what happened.
      const found = await findCommit(ports.store, tablePath, version)
      if (found) return found
    } catch (error) {
      failure = error
    }
    if (signal?.aborted) break
  }
  throw undecided(tablePath, version, failure)
}

/** Version 0 may have been cleaned away from a table that lives; creating it again would corrupt that table. */
async function findExistingTable(store: ObjectStore, tablePath: string): Promise<CommitResult | undefined> {
  const log = await listLog(store, tablePath)
  if (log.latest === undefined && !log.hasCheckpoint) return undefined
  const winner = log.latest === undefined ? undefined : (await findCommit(store, tablePath, log.latest))?.commitInfo
  return { kind: 'conflict', version: log.latest ?? 0n, reason: `${tablePath} already is a table`, winner }
}

/** Doubling pauses, spread by the attempt's uuid so that writers that failed together do not return together. */
function pause(ports: CommitPorts, txnId: string, attempt: number): Promise<void> {
  const jitter = Number.parseInt(txnId.slice(0, 2), 16) / 255 || 0
  return ports.clock.sleep(FIRST_PAUSE_MS * 2 ** (attempt - 1) * (0.5 + jitter))
}

function undecided(tablePath: string, version: Version, cause: unknown): DeltaError {
  const message =
    `It could not be found out whether version ${version} of ${tablePath} was committed: the store does not answer. ` +
    `No file may be deleted. Read the table again when the store is back; the commit is there or it is not.`
  return new DeltaError('COMMIT_UNDECIDED', message, { tablePath, version }, cause)
}
