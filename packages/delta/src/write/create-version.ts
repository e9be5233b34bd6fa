/**
 * Creating one version: a conditional create that is looked up and repeated with the same bytes until it is known who
 * has the version.
 */

import { DeltaError, isDeltaError } from '../errors.ts'
import type { Commit } from '../log/actions.ts'
import { findCommit } from '../log/find-commit.ts'
import { commitPath, type Version } from '../log/log-path.ts'
import type { CommitPorts } from './commit.ts'

export interface Creation {
  tablePath: string
  version: Version
  bytes: Uint8Array
  /** Stands in the bytes' commitInfo; how the commit is recognised as ours. */
  txnId: string
  signal: AbortSignal | undefined
}

/** How often one version is tried before its outcome is given up as undecided. */
const ATTEMPTS = 6
const FIRST_PAUSE_MS = 50

/**
 * Make sure that the version exists, and say whose it is: ours, or the commit of another writer.
 *
 * @throws COMMIT_UNDECIDED when that could not be found out
 * @throws NOT_WRITTEN when the write was refused before it could have any effect
 */
export async function createVersion(ports: CommitPorts, creation: Creation): Promise<'ours' | Commit> {
  const { tablePath, version, bytes, txnId, signal } = creation
  let mayExist = false
  let failure: unknown
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    if (attempt > 0) await pause(ports, txnId, attempt)
    try {
      const outcome = await ports.store.putIfAbsent(commitPath(tablePath, version), bytes, { signal })
      if (outcome === 'created') return 'ours'
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
      if (found) return found.commitInfo?.txnId === txnId ? 'ours' : found
    } catch (error) {
      failure = error
    }
    if (signal?.aborted) break
  }
  throw undecided(tablePath, version, failure)
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
