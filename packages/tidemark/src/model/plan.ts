/** A plan as a value: one reader prints it, another executes it. */
import type { TableName } from './flow.ts'
import type { StepId, StepKind } from './step.ts'

export interface Plan {
  steps: readonly PlanStep[]
  /** Tables of the lake that nothing in the project fills any more. They stay as they are. */
  unfilled: readonly TableName[]
}

export interface PlanStep {
  id: StepId
  kind: StepKind
  /** The table the step fills. */
  table: TableName
  /** Extract steps: class of the guarantee, and the method that gives it. */
  guarantee: string | undefined
  method: string
  expect: Expectation
  /** Steps that must have succeeded (or had nothing to do) before. */
  needs: readonly StepId[]
  /** What else a person should know: window, lossy columns, zones. */
  notes: readonly string[]
}

/** How much is known about what a step will do. */
export type Expectation =
  /** Proved of this version of the table; undefined for a table that is not there. */
  | { kind: 'nothing'; why: string; version: bigint | undefined }
  | { kind: 'known'; rows: bigint }
  | { kind: 'at most'; rows: bigint; since: string | undefined }
  | ({ kind: 'whole table'; rowEstimate: bigint | undefined } & Partial<ReadingCost>)
  | { kind: 'follows'; of: readonly TableName[] }
  | { kind: 'refused'; code: string; reason: string }

/** What reading all of a table takes. Left out where only a part of it is read. */
export interface ReadingCost extends WholeReading {
  /** How long that is likely to take; undefined when nothing like it was ever measured. */
  durationMs: number | undefined
  /** Where the duration comes from: an earlier reading of the table, others of its source, or nothing but a usual pace. */
  pace: 'this table' | 'this source' | 'assumed' | undefined
}

/** A reading of all of a table, by the source's own statistics. */
export interface WholeReading {
  /** `load` when the rows become files as they are, `compare` when each is compared, `scan` when only those that changed are taken. */
  reading: 'load' | 'compare' | 'scan'
  /** Size of the table in the source. */
  bytes: bigint
}

/** What a step that reads its table whole is announced with. */
export type Estimate = Omit<ReadingCost, 'reading'> & { rows: bigint | undefined }

/** The estimate of a step that reads its table whole; undefined for all others. */
export function estimateOf(expect: Expectation): Estimate | undefined {
  if (expect.kind !== 'whole table' || expect.bytes === undefined) return undefined
  const { rowEstimate: rows, bytes, durationMs, pace } = expect
  return { rows, bytes, durationMs, pace }
}
