/** What executing a flow came to. */
import type { Ledger } from '../model/step.ts'

export interface FlowOutcome {
  status: 'changed' | 'unchanged'
  /** Sum over the batches of this execution; undefined when nothing had to be done. */
  ledger: Ledger | undefined
  /** Version of the target before; undefined when this execution made the table. */
  versionBefore: bigint | undefined
  /** Version afterwards; undefined only for a target that does not exist. */
  versionAfter: bigint | undefined
  /** Why nothing was done. */
  reason: string | undefined
  warnings: readonly string[]
  /**
   * The target was rebuilt. Flows that stream from it, and other flows into it, find that in the log and follow by
   * themselves when they run next; in the same run they should stand behind this one.
   */
  rewritten: boolean
}
