/**
 * A run: lease, snapshot, plan, steps, facts. Everything that happens goes out as one stream of RunEvents; terminal,
 * NDJSON, facts and alerts are readers of it.
 */
import { Problems } from '../errors/problem.ts'
import type { ProblemFact, RunEvent, RunStatus, StepResult } from '../model/event.ts'
import type { Plan } from '../model/plan.ts'
import type { Clock, Ids, ObjectStore } from '../model/ports.ts'
import type { Project } from '../model/project.ts'
import { findInstants } from './as-of.ts'
import { executePlan } from './execute.ts'
import { findAbandoned, type RunEnd, writeRunEnd, writeRunStart } from './facts.ts'
import { compileFlows } from './flows.ts'
import { type Lake, type OpenStore, openLake, lakeStore } from './lake.ts'
import { type Processes, takeLease } from './lease.ts'
import { planProject } from './plan-project.ts'
import { listLoaded } from './loaded.ts'
import { closeSources, type OpenSource, openSources } from './prepare.ts'
import { problemFact } from './problem-fact.ts'
import { sweepScratch } from './scratch.ts'
import type { SourceAdapter } from './source-adapter.ts'
import { workOn } from './work-on.ts'

export interface RunPorts {
  clock: Clock
  ids: Ids
  processes: Processes
  adapter: SourceAdapter
  /** The lake's own folder when left out. */
  openStore?: OpenStore
}

export interface RunRequest {
  project: Project
  /** Tables, each with `+` for what follows; undefined runs everything. */
  select: readonly string[] | undefined
  /** Silver and gold tables to rebuild from the layer below; what streams from them follows. */
  fullRefresh: readonly string[]
  /** Bronze tables for which a mass delete is accepted. */
  allowMassDelete: readonly string[]
  emit: (event: RunEvent) => void
  /** Called with the plan before the first step starts. */
  onPlan: (plan: Plan) => void
  /**
   * Called before the run's end is written, and for runs found dead: what must survive a crash (alert records) is made
   * durable here, before the run counts as ended.
   */
  beforeEnd: (store: ObjectStore, end: RunEnd) => Promise<void>
  signal: AbortSignal
}

export interface RunOutcome {
  runId: string
  status: RunStatus
  results: readonly StepResult[]
}

/**
 * Run a project once.
 *
 * A failed step does not reject: its result says so and the status is `failed`. Rejects when nothing could start.
 *
 * @throws {RUN_IN_PROGRESS} another run holds the lease
 * @throws {LAKE_NOT_WRITABLE} the lake's folder cannot be written
 */
export async function runProject(ports: RunPorts, request: RunRequest): Promise<RunOutcome> {
  const { clock, ids, processes, adapter } = ports
  const { project, signal } = request
  const startedAt = clock.now()
  const runId = ids.runId(startedAt)
  await using lake = await openLake(project.lake, { work: runId, ids, processes, openStore: ports.openStore })
  await using lease = await takeLease({ store: lake.store, clock, processes }, runId)
  void lease
  const target = project.target.name
  await sweepScratch(lake.root, processes, startedAt)
  for (const end of await findAbandoned(lake.store, runId, clock.now())) {
    await request.beforeEnd(lake.store, end)
    await writeRunEnd(lake.store, end)
  }
  await writeRunStart(lake.store, { runId, startedAt, target, host: processes.host, pid: processes.pid })
  const sources = await openSources(project, adapter, { signal, loaded: source => listLoaded(lake, source) })
  const close = async (end: Pick<RunEnd, 'status' | 'steps' | 'problem'>): Promise<RunEnd> => {
    const whole: RunEnd = { runId, startedAt, endedAt: clock.now(), target, ...end }
    await request.beforeEnd(lake.store, whole)
    await writeRunEnd(lake.store, whole)
    return whole
  }
  try {
    const results = await runSteps({ ports, request, lake, runId, sources })
    const status = runStatus(results, signal)
    const end = await close({ status, steps: results })
    request.emit({ kind: 'run finished', runId, at: end.endedAt, status, results })
    return { runId, status, results }
  } catch (error) {
    const [first] = error instanceof Problems ? error.problems : [error]
    await close({ status: signal.aborted ? 'cancelled' : 'failed', steps: [], problem: problemFact(first, 'the run') })
    throw error
  } finally {
    await closeSources(sources)
  }
}

/** Record a run that could not begin, because its project is wrong, and let `beforeEnd` raise the alarm. */
export async function recordFailedStart(
  ports: Pick<RunPorts, 'clock' | 'ids' | 'processes'>,
  request: Pick<RunRequest, 'project' | 'beforeEnd'> & { problem: ProblemFact },
): Promise<void> {
  const { clock, ids, processes } = ports
  const startedAt = clock.now()
  const runId = ids.runId(startedAt)
  const target = request.project.target.name
  const store = await lakeStore(request.project.lake)
  await writeRunStart(store, { runId, startedAt, target, host: processes.host, pid: processes.pid })
  const { problem } = request
  const end: RunEnd = { runId, status: 'failed', startedAt, endedAt: clock.now(), target, steps: [], problem }
  await request.beforeEnd(store, end)
  await writeRunEnd(store, end)
}

export interface RunScope {
  ports: RunPorts
  request: RunRequest
  lake: Lake
  runId: string
  sources: readonly OpenSource[]
}

async function runSteps(scope: RunScope): Promise<StepResult[]> {
  const { ports, request, lake, runId, sources } = scope
  const { project, signal, emit } = request
  const { clock, ids } = ports
  const { fullRefresh } = request
  const compiled = await compileFlows({ project, sources, lake, clock, ids, fullRefresh, signal })
  const planRequest = { lake, sources, flows: compiled.flows, select: request.select, count: false, signal }
  const plan = await planProject(planRequest)
  request.onPlan(plan)
  const steps = plan.steps.map(({ id, kind }) => ({ id, kind }))
  emit({ kind: 'run started', runId, at: ports.clock.now(), target: project.target.name, steps })
  return await executePlan(plan.steps, {
    runId,
    clock: ports.clock,
    parallel: project.parallel,
    emit,
    work: step => workOn(scope, compiled, step),
    instants: findInstants(
      plan.steps,
      compiled.flows.map(({ flow }) => flow),
      snapshotInstants(sources),
    ),
    signal,
  })
}

/** Instant of the snapshot behind each bronze table. */
function snapshotInstants(sources: readonly OpenSource[]): Map<string, string> {
  return new Map(
    sources.flatMap(({ tables, snapshot }) =>
      snapshot === undefined ? [] : tables.map(({ name }) => [name, snapshot.position.asOf] as const),
    ),
  )
}

function runStatus(results: readonly StepResult[], signal: AbortSignal): RunStatus {
  if (signal.aborted) return 'cancelled'
  return results.some(result => result.status === 'failed') ? 'failed' : 'succeeded'
}
