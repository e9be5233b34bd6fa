/**
 * The contract between the stream runner and the kinds of flow: what a kind makes of a batch before anything is
 * written, and how it applies that to a snapshot of the target.
 */
import type { Snapshot, Staged, StructType } from '@tidemark/delta'
import type { Sql } from '../engine/sql.ts'
import type { Ledger } from '../model/step.ts'

/** What every commit of a batch carries. */
export interface CommitParts {
  txn: { appId: string; version: bigint }[]
  domains?: { domain: string; configuration: string; removed?: boolean }[]
  info: { operation: string; operationParameters?: Record<string, string>; runId: string }
}

export interface Attempt {
  snapshot: Snapshot
  /** The target's schema after the commit. */
  schema: StructType
  /** First batch of a rebuild: the commit replaces every row, and rows that are there count for nothing. */
  overwrite: boolean
  parts: CommitParts
}

export interface Prepared {
  /** Columns the flow writes. */
  schema: StructType
  /** Rejected rows to put aside; undefined where a sibling flow keeps them. */
  rejects: { judged: Sql; rejected: bigint; schema: StructType } | undefined
  warnings: readonly string[]
  /** Stage the batch against one snapshot of the target; called again after a lost race. */
  apply: (attempt: Attempt) => Promise<{ staged: Staged; ledger: Ledger }>
}
