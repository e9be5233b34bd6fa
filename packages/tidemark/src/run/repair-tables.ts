/** `verify --repair`: tables are compared, corrected where they differ, and compared again, as a run of their own. */
import { repair } from '../ingest/repair.ts'
import { type Verdict, verifyTable } from '../ingest/verify.ts'
import type { PlanStep } from '../model/plan.ts'
import type { RunOutcome } from './account.ts'
import { runOnBronze } from './bronze-run.ts'
import type { StepOutcome } from './execute.ts'
import type { OpenSource } from './prepare.ts'
import type { RunPorts, RunRequest } from './run-project.ts'
import { writeVerdict } from './verdicts.ts'
import { findTable, type IngestScope, ingestContext } from './work-on.ts'

export interface RepairRequest extends Pick<RunRequest, 'project' | 'emit' | 'beforeEnd' | 'signal'> {
  /** Bronze tables, with or without their layer; all of them when empty. */
  tables: readonly string[]
  /** Correct any number of keys. */
  allowMass: boolean
  /** Called for each table with the verdict after its repair. */
  onVerdict: (verdict: Verdict) => void
}

/**
 * Repair tables. A step that failed does not reject: its result says so, and its table has no verdict.
 *
 * @throws {RUN_IN_PROGRESS} {LAKE_OF_ANOTHER_PROJECT} {STEP_UNKNOWN} as `runOnBronze`
 */
export function repairTables(ports: RunPorts, request: RepairRequest): Promise<RunOutcome> {
  const { project, tables, emit, beforeEnd, signal } = request
  const work = (scope: IngestScope, sources: readonly OpenSource[], step: PlanStep): Promise<StepOutcome> =>
    repairStep(scope, sources, step, request)
  return runOnBronze(ports, { project, tables, emit, beforeEnd, signal, method: 'repair', work })
}

async function repairStep(
  scope: IngestScope,
  sources: readonly OpenSource[],
  step: PlanStep,
  { allowMass, onVerdict }: RepairRequest,
): Promise<StepOutcome> {
  const { source, table, snapshot } = findTable(sources, step.table)
  const context = ingestContext(scope, source, step)
  const { outcome, found } = await repair(context, snapshot, table, { allowMass })
  const { status, reason, ledger, versionBefore, versionAfter } = outcome
  const isRepaired = status === 'changed' && versionAfter !== undefined
  const { lost, stale, ghost } = found
  const verdict = isRepaired
    ? {
        ...(await verifyTable(context, snapshot, table)),
        repaired: { lost, stale, ghost, deletes: ledger.deletes, version: versionAfter, runId: scope.runId },
      }
    : found
  await writeVerdict(scope.lake.store, verdict)
  onVerdict(verdict)
  return { status, reason, ledger, versionBefore, versionAfter, warnings: [] }
}
