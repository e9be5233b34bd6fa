/** A trace: where one row stands in its source, in every version bronze has of it, and in what was made of those. */
import type { ProblemFact } from './event.ts'
import type { TableName } from './flow.ts'

/** A row as it is shown: integers are exact, everything that is not text or boolean comes as text. */
export type TracedRow = Readonly<Record<string, string | bigint | boolean | null>>

export interface Trace {
  /** The bronze table. */
  table: TableName
  /** The key as it was asked for, under the source's names. */
  key: Readonly<Record<string, string>>
  source: TracedSource
  /** Every version in bronze, oldest first. */
  versions: readonly TracedVersion[]
  silver: TracedSilver | undefined
  /** The AUTO CDC targets that are fed with this row. */
  gold: readonly TracedTarget[]
}

export interface TracedSource {
  /** unknown: the source could not be asked, and `problem` says why. */
  state: 'present' | 'absent' | 'unknown'
  /** `schema.table` in the source. */
  table: string
  asOf: string | undefined
  row: TracedRow | undefined
  problem: ProblemFact | undefined
}

/**
 * What silver made of a version. current: it is the row there. duplicate: newer, and says the same as that row.
 * superseded: a newer one took its place. deleted: the key was deleted by it. quarantined: a rule rejected it. waiting:
 * no batch of silver has reached it yet.
 */
export type Decision = 'current' | 'duplicate' | 'superseded' | 'deleted' | 'quarantined' | 'waiting'

export interface TracedVersion {
  seq: bigint
  op: string
  /** Table version of the commit that brought it; undefined when that commit is no longer in the log. */
  commit: bigint | undefined
  runId: string
  /** Source time of the snapshot that saw it. */
  asOf: string
  /** Undefined where the table list does not fill silver from this table. */
  decision: Decision | undefined
  /** Why it is in quarantine: names of the broken rules, or the reason. */
  rejectedBy: readonly string[]
  /** What the rules of today say of it; empty for a delete, which is not judged. */
  rules: readonly { rule: string; action: 'warn' | 'drop' | 'fail'; passes: boolean }[]
  row: TracedRow
}

export interface TracedSilver {
  table: TableName
  state: 'present' | 'absent' | 'not filled'
  row: TracedRow | undefined
}

export interface TracedTarget {
  table: TableName
  scdType: 1 | 2
  state: 'filled' | 'not filled'
  /** The rows of the key, in the order of the target's sequence. */
  rows: readonly TracedRow[]
}
