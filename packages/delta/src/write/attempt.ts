/**
 * Attempt: a staged change as it is at one version. Times and row ids depend on the version that is reached and on the
 * commit before it, so they are decided anew for every version tried.
 */
import type { CommitInfo } from '../log/actions.ts'
import type { Attempt } from '../log/print-commit.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import { commitInfoOf } from './commit-info.ts'
import { withInCommitTimestamp } from './in-commit-timestamp.ts'
import { withRowIds } from './row-tracking.ts'
import type { Staged } from './staged.ts'

export interface AttemptContext {
  /** The table just before; undefined for a new one. */
  readonly current: Snapshot | undefined
  readonly txnId: string
  /** Id for the table when the change creates it. */
  readonly tableId: string
  /** Milliseconds since 1970 UTC. */
  readonly now: number
  /** Time of the commit before, from `findTimeBefore`. */
  readonly before: number | undefined
}

/** The change to print and what its commit says about itself. */
export function attemptOf(staged: Staged, context: AttemptContext): { change: Staged; attempt: Attempt } {
  const { current, txnId, tableId, now, before } = context
  const timed = withInCommitTimestamp(staged, { current, now, before })
  const { change, tags } = withRowIds(timed.change, { current, tableId })
  const commitInfo: CommitInfo = {
    ...(timed.inCommitTimestamp === undefined ? {} : { inCommitTimestamp: timed.inCommitTimestamp }),
    ...commitInfoOf(staged, { txnId, timestamp: now }),
    ...(tags === undefined ? {} : { tags }),
  }
  return { change, attempt: { commitInfo, tableId, timestamp: now } }
}
