/**
 * What a commit says about itself, in Spark's words: its history shows it, and other writers judge their own changes by
 * it, so what it says of reading is only what was declared.
 */
import type { CommitInfo } from '../log/actions.ts'
import { isBlindAppend, isolationOf } from './isolation.ts'
import type { Staged } from './staged.ts'

/** The commitInfo of one attempt. `readVersion` stays what the change was decided on, however far it was carried on. */
export function commitInfoOf(staged: Staged, attempt: { txnId: string; timestamp: number }): CommitInfo {
  const { operation, operationParameters = {}, operationMetrics, engineInfo, userMetadata, runId } = staged.info
  return {
    timestamp: attempt.timestamp,
    operation,
    operationParameters,
    ...(staged.base ? { readVersion: staged.base.version } : {}),
    isolationLevel: isolationOf(staged),
    isBlindAppend: isBlindAppend(staged),
    ...(operationMetrics === undefined ? {} : { operationMetrics }),
    ...(userMetadata === undefined ? {} : { userMetadata }),
    ...(runId === undefined ? {} : { runId }),
    engineInfo: engineInfo ?? '@tidemark/delta',
    txnId: attempt.txnId,
  }
}
