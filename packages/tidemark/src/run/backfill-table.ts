/** `backfill`: a range of one bronze table, read again as a run of its own with a single step. */
import { backfill, type BackfillRange } from '../ingest/backfill.ts'
import type { PlanStep } from '../model/plan.ts'
import type { RunOutcome } from './account.ts'
import { runOnBronze } from './bronze-run.ts'
import type { StepOutcome } from './execute.ts'
import type { OpenSource } from './prepare.ts'
import type { RunPorts, RunRequest } from './run-project.ts'
import { findTable, type IngestScope, ingestContext } from './work-on.ts'

export interface BackfillRequest extends Pick<RunRequest, 'project' | 'emit' | 'beforeEnd' | 'signal'> {
  /** A bronze table, with or without its layer. */
  table: string
  range: BackfillRange
}

/**
 * Read a range of one table again and append what bronze lacks. A failed step does not reject: its result says so.
 *
 * @throws {RUN_IN_PROGRESS} {LAKE_OF_ANOTHER_PROJECT} {STEP_UNKNOWN} as `runOnBronze`
 */
export function backfillTable(ports: RunPorts, { table, range, ...request }: BackfillRequest): Promise<RunOutcome> {
  const work = (scope: IngestScope, sources: readonly OpenSource[], step: PlanStep): Promise<StepOutcome> =>
    readRange(scope, sources, step, range)
  return runOnBronze(ports, { ...request, tables: [table], method: 'backfill', work })
}

async function readRange(
  scope: IngestScope,
  sources: readonly OpenSource[],
  step: PlanStep,
  range: BackfillRange,
): Promise<StepOutcome> {
  const { source, table, snapshot } = findTable(sources, step.table)
  const outcome = await backfill(ingestContext(scope, source, step), snapshot, table, range)
  const { status, reason, ledger, versionBefore, versionAfter } = outcome
  return { status, reason, ledger, versionBefore, versionAfter, warnings: [] }
}
