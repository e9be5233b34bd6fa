/**
 * A run: lease, snapshot, plan, steps, facts. Everything that happens goes out as one stream of RunEvents; terminal,
 * NDJSON, facts and alerts are readers of it.
 */
import type { RunEvent, StepResult } from '../model/event.ts'
import { estimateOf, type Plan } from '../model/plan.ts'
import type { Project } from '../model/project.ts'
import {
  type AccountPorts,
  type AccountRequest,
  announced,
  type BeforeEnd,
  closeRun,
  keepAccount,
  type RunOutcome,
} from './account.ts'
import type { EndedRuns } from './facts.ts'
import { findInstants } from './as-of.ts'
import { executePlan } from './execute.ts'
import { compileFlows } from './compile-flows.ts'
import { holdLake } from './held-lake.ts'
import { lakeStore, type Lake, type OpenStore, type RemoteLakePlace } from './lake.ts'
import { listTables } from './lake-tables.ts'
import { askForLake } from './lake-owner.ts'
import { planProject } from './plan-project.ts'
import { listLoaded } from './loaded.ts'
import { closeSources, type OpenSource, openSources } from './prepare.ts'
import { problemFact } from './problem-fact.ts'
import { releaseLogs } from './release-logs.ts'
import { stillStore } from './still-store.ts'
import type { SourceOpener } from './prepare.ts'
import { assertKnown, isWanted } from './wanted.ts'
import { workOn } from './work-on.ts'

export type { RunOutcome } from './account.ts'

export interface RunPorts extends AccountPorts {
  opener: SourceOpener
  /** Puts something between a run and the lake's folder. */
  openStore?: OpenStore
  /** Where the project's lake is, when that is no folder. */
  remote?: RemoteLakePlace | undefined
}

export interface RunRequest {
  project: Project
  /** Tables, each with `+` for what follows; undefined runs everything. */
  select: readonly string[] | undefined
  /** Silver and gold tables to rebuild from the layer below; what streams from them follows. */
  fullRefresh: readonly string[]
  /** Bronze tables that are read anew, in place of all they hold; what streams from them is rebuilt. */
  reloadSource: readonly string[]
  /** Bronze tables for which a mass delete is accepted. */
  allowMassDelete: readonly string[]
  /** Hashes of changed table lists that are accepted. */
  acceptLists: readonly string[]
  emit: (event: RunEvent) => void
  /** Called with the plan before the first step starts. */
  onPlan: (plan: Plan) => void
  beforeEnd: BeforeEnd
  signal: AbortSignal
}

/**
 * Run a project once.
 *
 * A failed step does not reject: its result says so and the status is `failed`. Rejects when nothing could start.
 *
 * @throws {RUN_IN_PROGRESS} another run holds the lease
 * @throws {LAKE_OF_ANOTHER_PROJECT} {LAKES_OVERLAP}
 * @throws {LAKE_NOT_WRITABLE} the lake's folder cannot be written
 * @throws {LIST_HASH_UNKNOWN}
 * @throws {RUN_CANCELLED} the signal came before the first step
 */
export async function runProject(ports: RunPorts, request: RunRequest): Promise<RunOutcome> {
  const { signal, emit, beforeEnd } = request
  const { select, reloadSource } = request
  const tables = select === undefined ? undefined : [...select, ...reloadSource]
  return await holdLake(ports, request, async ({ project, ...held }) => {
    const { lake, runId } = held
    const account = { ...held, target: project.target.name, emit, beforeEnd, signal }
    return await keepAccount(ports, account, async (emitInRun, before) => {
      const loaded = (source: string): ReturnType<typeof listLoaded> => listLoaded(lake, source)
      const loading = { engine: lake.engine, there: () => listTables(lake.store, ['bronze']) }
      const sources = await openSources(project, ports.opener, { signal, tables, loaded, loading })
      try {
        return await runSteps({
          ports,
          request: { ...request, project, emit: emitInRun },
          lake,
          runId,
          sources,
          before,
        })
      } finally {
        await closeSources(sources)
      }
    })
  })
}

/**
 * Record a run that could not begin, because its project is wrong: its events, its end, and the alarm that `beforeEnd`
 * raises. It takes no lease, so it writes no start that another run could take for its own to close.
 */
export async function recordFailedStart(
  ports: AccountPorts & Pick<RunPorts, 'remote'>,
  request: Pick<RunRequest, 'project' | 'beforeEnd' | 'emit'> & { error: unknown },
): Promise<void> {
  const { clock, ids } = ports
  const { project, beforeEnd } = request
  const startedAt = clock.now()
  const runId = ids.runId(startedAt)
  const target = project.target.name
  const store = await lakeStore(ports.remote ?? project.lake)
  const claim = await askForLake(store, project, ports.remote)
  await claim()
  const emit: AccountRequest['emit'] = announced({ emit: request.emit, target, startedAt })
  const problem = problemFact(request.error, 'the project')
  await closeRun(ports, { store, runId, startedAt, target, emit, beforeEnd }, { status: 'failed', steps: [], problem })
}

export interface RunScope {
  ports: RunPorts
  request: RunRequest
  lake: Lake
  runId: string
  sources: readonly OpenSource[]
  /** Runs that had ended when this one began. */
  before: EndedRuns
}

async function runSteps(scope: RunScope): Promise<StepResult[]> {
  const { ports, request, lake, runId, sources, before } = scope
  const { project, signal, emit } = request
  const { clock, ids } = ports
  const { fullRefresh } = request
  const still = { ...lake, store: stillStore(lake.store) }
  const compiled = await compileFlows({ project, sources, lake: still, clock, ids, fullRefresh, signal })
  const { select, reloadSource, allowMassDelete } = request
  assertKnown(project, sources, [...reloadSource, ...allowMassDelete])
  const wanted = { flows: compiled.flows, select, reloadSource }
  const planRequest = { lake: still, clock, sources, ...wanted, ended: before, count: false, signal }
  const plan = await planProject(planRequest)
  request.onPlan(plan)
  const warn = (text: string): void => emit({ kind: 'warning', runId, at: clock.now(), step: undefined, text })
  const steps = plan.steps.map(({ id, kind, expect }) => ({ id, kind, estimate: estimateOf(expect) }))
  emit({ kind: 'run started', runId, at: ports.clock.now(), target: project.target.name, steps })
  const left = reloadSource.filter(name => !plan.steps.some(step => isWanted(step.table, [name])))
  if (left.length > 0) warn(`not selected, and so not reloaded: ${left.join(', ')}`)
  const results = await executePlan(plan.steps, {
    runId,
    clock: ports.clock,
    parallel: project.parallel,
    emit,
    work: (step, earlier) => workOn(scope, compiled, step, earlier),
    instants: findInstants(
      plan.steps,
      compiled.flows.map(({ flow }) => flow),
      snapshotInstants(sources),
    ),
    signal,
  })
  if (!signal.aborted) await releaseLogs(lake, sources, { warn, signal })
  return results
}

/** Instant of the snapshot behind each bronze table. */
function snapshotInstants(sources: readonly OpenSource[]): Map<string, string> {
  return new Map(
    sources.flatMap(({ tables, snapshot }) =>
      snapshot === undefined ? [] : tables.map(({ name }) => [name, snapshot.position.asOf] as const),
    ),
  )
}
