/**
 * RunEvent: everything that happens in a run, as one stream of plain values. Terminal, NDJSON, system facts and alerts
 * are readers of this stream. Counts are `bigint`; `--events` prints them as strings.
 */
import type { Estimate, WholeReading } from './plan.ts'
import type { Ledger, StepId, StepKind } from './step.ts'

export type RunEvent =
  | { kind: 'run started'; runId: string; at: number; target: string; steps: readonly AnnouncedStep[] }
  | { kind: 'step started'; runId: string; at: number; step: StepId }
  | { kind: 'step waiting'; runId: string; at: number; step: StepId; for: string }
  | ({ kind: 'step progress'; runId: string; at: number; step: StepId } & PhaseProgress)
  | {
      kind: 'step finished'
      runId: string
      at: number
      result: StepResult
      /** Of a failed step: what is written and what is not. It may quote rows: it is shown to whoever runs, and kept nowhere. */
      state?: string | undefined
    }
  | { kind: 'warning'; runId: string; at: number; step: StepId | undefined; text: string }
  | {
      kind: 'run finished'
      runId: string
      at: number
      status: RunStatus
      results: readonly StepResult[]
      /** Why the run as a whole could not go on, when that is not the failure of a step. */
      problem?: ProblemFact | undefined
      /** What the run cost in the store of a lake that is no folder. */
      storage?: StorageUse | undefined
    }

/** How far a step has come in what it does now. */
export interface PhaseProgress {
  rows: bigint
  bytes: bigint
  /** For people; another phase counts anew. */
  phase: string
  /** Rows that the phase will have handled at its end: counted, or estimated. */
  expectedRows?: bigint | undefined
  /** A reading in parts: how many of them are done. */
  parts?: { done: number; of: number } | undefined
  /** Why parts wait at the moment. */
  held?: string | undefined
}

/** Requests to a store, each of which is paid for, and bytes that travelled. */
export interface StorageUse {
  readonly requests: number
  readonly sentBytes: number
  readonly receivedBytes: number
}

/** A step as a run announces it, before anything is done. */
export interface AnnouncedStep {
  id: StepId
  kind: StepKind
  /** What `plan` printed for the step after its name, so that a person recognises the line. */
  planned?: string | undefined
  /** What reading its table whole is expected to take; undefined for steps that do not. */
  estimate?: Estimate | undefined
}

export type RunStatus = 'succeeded' | 'failed' | 'abandoned' | 'cancelled'

export type StepStatus = 'changed' | 'unchanged' | 'failed' | 'skipped'

/** What a step did; also a line of the run's fact in the lake. */
export interface StepResult {
  step: StepId
  kind: StepKind
  /** The table the step fills, `schema.table`. */
  table: string
  status: StepStatus
  ledger: Ledger | undefined
  versionBefore: bigint | undefined
  versionAfter: bigint | undefined
  startedAt: number
  durationMs: number
  /** Why nothing was done, for unchanged and skipped steps. */
  reason: string | undefined
  /** Skipped steps: the failed steps this one waited for, directly or through others. */
  blockedBy?: readonly StepId[] | undefined
  problem: ProblemFact | undefined
  /** Succeeded steps: the instant of the source up to which the table is complete; undefined when it is not known. */
  asOf?: string | undefined
  /** Extract steps: guarantee, method, and the position that proves the table complete as long as it stays equal. */
  source?: SourceFact | undefined
  warnings: readonly string[]
}

/** How an extract step read its source. */
export interface SourceFact {
  name: string
  guarantee: string
  method: string
  position: string
  /** Set when the step read all of the table, and nothing of it was read by an earlier run: what its duration measures. */
  whole?: WholeReading | undefined
}

/** A Problem as it is stored and sent: plain text, no values of the user's data. */
export interface ProblemFact {
  code: string
  title: string
  message: string
  hint: string | undefined
  place: string | undefined
}
