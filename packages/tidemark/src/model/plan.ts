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
  | { kind: 'nothing'; why: string }
  | { kind: 'known'; rows: bigint }
  | { kind: 'at most'; rows: bigint; since: string | undefined }
  | { kind: 'whole table'; rowEstimate: bigint | undefined }
  | { kind: 'follows'; of: readonly TableName[] }
  | { kind: 'refused'; code: string; reason: string }
