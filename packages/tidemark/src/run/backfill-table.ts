/** `backfill`: a range of one bronze table, read again as a run of its own with a single step. */
import { backfill, type BackfillRange } from '../ingest/backfill.ts'
import type { PlanStep } from '../model/plan.ts'
import { keepAccount, type RunOutcome } from './account.ts'
import { executePlan, type StepOutcome } from './execute.ts'
import { openLake } from './lake.ts'
import { claimLake } from './lake-owner.ts'
import { takeLease } from './lease.ts'
import { listLoaded } from './loaded.ts'
import { closeSources, type OpenSource, openSources } from './prepare.ts'
import type { RunPorts, RunRequest } from './run-project.ts'
import { assertKnown, isWanted } from './wanted.ts'
import { findTable, type IngestScope, ingestContext } from './work-on.ts'

export interface BackfillRequest extends Pick<RunRequest, 'project' | 'emit' | 'beforeEnd' | 'signal'> {
  /** A bronze table, with or without its layer. */
  table: string
  range: BackfillRange
}

/**
 * Read a range of one table again and append what bronze lacks. A failed step does not reject: its result says so.
 *
 * @throws {RUN_IN_PROGRESS} another run holds the lease
 * @throws {LAKE_OF_ANOTHER_PROJECT}
 * @throws {STEP_UNKNOWN} the name is no bronze table of the project; then there was no run
 */
export async function backfillTable(ports: RunPorts, request: BackfillRequest): Promise<RunOutcome> {
  const { clock, ids, processes, opener } = ports
  const { project, table, emit, beforeEnd, signal } = request
  const startedAt = clock.now()
  const runId = ids.runId(startedAt)
  await using lake = await openLake(project.lake, { work: runId, ids, processes, openStore: ports.openStore })
  await using lease = await takeLease({ store: lake.store, clock, processes }, runId)
  void lease
  await claimLake(lake.store, project)
  const only = (name: string): boolean => isWanted(name, [table])
  const loaded = (source: string): ReturnType<typeof listLoaded> => listLoaded(lake, source)
  const sources = await openSources(project, opener, { signal, only, loaded })
  try {
    assertKnown(project, sources, [table])
    const target = project.target.name
    return await keepAccount(ports, { lake, runId, startedAt, target, emit, beforeEnd, signal }, emitInRun => {
      const step = planStep(sources, only)
      emitInRun({ kind: 'run started', runId, at: clock.now(), target, steps: [{ id: step.id, kind: step.kind }] })
      const scope: IngestScope = { ports, lake, runId, request: { allowMassDelete: [], emit: emitInRun, signal } }
      const work = (): Promise<StepOutcome> => readRange(scope, sources, step, request.range)
      return executePlan([step], { runId, clock, parallel: 1, emit: emitInRun, work, instants: new Map(), signal })
    })
  } finally {
    await closeSources(sources)
  }
}

/** The step of the table, also of one that cannot be read. */
function planStep(sources: readonly OpenSource[], only: (name: string) => boolean): PlanStep {
  const known = sources.flatMap(({ tables, refused }) => [...tables, ...refused])
  const name = known.find(one => only(one.name))?.name
  if (name === undefined) throw new TypeError('this is a bug in tidemark: the table was known')
  const base = { id: name, kind: 'extract' as const, table: name, needs: [], notes: [] }
  return { ...base, guarantee: undefined, method: 'backfill', expect: { kind: 'whole table', rowEstimate: undefined } }
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
