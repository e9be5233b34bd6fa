/** `verify --repair`: tables are compared, corrected where they differ, and compared again, as a run of their own. */
import { repair } from '../ingest/repair.ts'
import { type Verdict, verifyTable } from '../ingest/verify.ts'
import type { PlanStep } from '../model/plan.ts'
import { keepAccount, type RunOutcome } from './account.ts'
import { executePlan, type StepOutcome } from './execute.ts'
import { openLake } from './lake.ts'
import { claimLake } from './lake-owner.ts'
import { takeLease } from './lease.ts'
import { listLoaded } from './loaded.ts'
import { closeSources, type OpenSource, openSources } from './prepare.ts'
import type { RunPorts, RunRequest } from './run-project.ts'
import { writeVerdict } from './verdicts.ts'
import { assertKnown, isWanted } from './wanted.ts'
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
 * @throws {RUN_IN_PROGRESS} another run holds the lease
 * @throws {LAKE_OF_ANOTHER_PROJECT}
 * @throws {STEP_UNKNOWN} a name is no bronze table of the project; then there was no run
 */
export async function repairTables(ports: RunPorts, request: RepairRequest): Promise<RunOutcome> {
  const { clock, ids, processes, opener } = ports
  const { project, tables, emit, beforeEnd, signal } = request
  const startedAt = clock.now()
  const runId = ids.runId(startedAt)
  await using lake = await openLake(project.lake, { work: runId, ids, processes, openStore: ports.openStore })
  await using lease = await takeLease({ store: lake.store, clock, processes }, runId)
  void lease
  await claimLake(lake.store, project)
  const only = (name: string): boolean => isWanted(name, tables)
  const loaded = (source: string): ReturnType<typeof listLoaded> => listLoaded(lake, source)
  const sources = await openSources(project, opener, { signal, only, loaded })
  try {
    assertKnown(project, sources, tables)
    const target = project.target.name
    return await keepAccount(ports, { lake, runId, startedAt, target, emit, beforeEnd, signal }, emitInRun => {
      const steps = planSteps(sources, only)
      const announced = steps.map(({ id, kind }) => ({ id, kind }))
      emitInRun({ kind: 'run started', runId, at: clock.now(), target, steps: announced })
      const scope: IngestScope = { ports, lake, runId, request: { allowMassDelete: [], emit: emitInRun, signal } }
      const work = (step: PlanStep): Promise<StepOutcome> => repairStep(scope, sources, step, request)
      return executePlan(steps, { runId, clock, parallel: 1, emit: emitInRun, work, instants: new Map(), signal })
    })
  } finally {
    await closeSources(sources)
  }
}

/** A step for each wanted table, also for those that cannot be read. */
function planSteps(sources: readonly OpenSource[], only: (name: string) => boolean): PlanStep[] {
  const known = sources.flatMap(({ tables, refused }) => [...tables, ...refused])
  return known
    .filter(({ name }) => only(name))
    .map(({ name }) => ({
      id: name,
      kind: 'extract' as const,
      table: name,
      needs: [],
      notes: [],
      guarantee: undefined,
      method: 'repair',
      expect: { kind: 'whole table' as const, rowEstimate: undefined },
    }))
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
