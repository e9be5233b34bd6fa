/**
 * A run over some bronze tables alone, one step each, one after the other: what commands do that work on named tables. It
 * holds the lease and leaves an account like any other run.
 */
import type { PlanStep } from '../model/plan.ts'
import { keepAccount, type RunOutcome } from './account.ts'
import { executePlan, type StepOutcome } from './execute.ts'
import { holdLake } from './held-lake.ts'
import { listLoaded } from './loaded.ts'
import { closeSources, type OpenSource, openSources } from './prepare.ts'
import type { RunPorts, RunRequest } from './run-project.ts'
import { assertKnown, isWanted } from './wanted.ts'
import type { IngestScope } from './work-on.ts'

export interface BronzeRunRequest extends Pick<RunRequest, 'project' | 'emit' | 'beforeEnd' | 'signal'> {
  /** Bronze tables, with or without their layer; all of them when empty. */
  tables: readonly string[]
  /** What is done, for the steps' lines: `repair`. */
  method: string
  work: (scope: IngestScope, sources: readonly OpenSource[], step: PlanStep) => Promise<StepOutcome>
}

/**
 * Run one step for each table. A step that failed does not reject: its result says so.
 *
 * @throws {RUN_IN_PROGRESS} another run holds the lease
 * @throws {LAKE_OF_ANOTHER_PROJECT} {LAKES_OVERLAP}
 * @throws {STEP_UNKNOWN} a name is no bronze table of the project; then there was no run
 */
export async function runOnBronze(ports: RunPorts, request: BronzeRunRequest): Promise<RunOutcome> {
  const { clock, opener } = ports
  const { tables, method, emit, beforeEnd, signal } = request
  return await holdLake(ports, { project: request.project, acceptLists: [], signal }, async ({ project, ...held }) => {
    const { lake, runId } = held
    const only = (name: string): boolean => isWanted(name, tables)
    const loaded = (source: string): ReturnType<typeof listLoaded> => listLoaded(lake, source)
    const sources = await openSources(project, opener, { signal, only, tables, loaded })
    try {
      assertKnown(project, sources, tables)
      const target = project.target.name
      return await keepAccount(ports, { ...held, target, emit, beforeEnd, signal }, emitInRun => {
        const steps = planSteps(sources, only, method)
        const announced = steps.map(({ id, kind }) => ({ id, kind }))
        emitInRun({ kind: 'run started', runId, at: clock.now(), target, steps: announced })
        const scope: IngestScope = { ports, lake, runId, request: { allowMassDelete: [], emit: emitInRun, signal } }
        const work = (step: PlanStep): Promise<StepOutcome> => request.work(scope, sources, step)
        return executePlan(steps, { runId, clock, parallel: 1, emit: emitInRun, work, instants: new Map(), signal })
      })
    } finally {
      await closeSources(sources)
    }
  })
}

/** A step for each wanted table, also for those that cannot be read. */
function planSteps(sources: readonly OpenSource[], only: (name: string) => boolean, method: string): PlanStep[] {
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
      method,
      expect: { kind: 'whole table' as const, rowEstimate: undefined },
    }))
}
