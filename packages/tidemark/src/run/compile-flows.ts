/** Flows of a project, compiled against its tables, each with what it would do now. */
import { FLOW_UNKNOWN_TABLE } from '../errors/flow.ts'
import { Problems } from '../errors/problem.ts'
import { SOURCE_NOT_ASKED } from '../errors/run.ts'
import { type FlowForecast, forecastFlow } from '../flows/status.ts'
import type { Flow } from '../model/flow.ts'
import type { Clock, Ids } from '../model/ports.ts'
import type { Project, TableEntry } from '../model/project.ts'
import { mapInLanes } from '../storage/lanes.ts'
import { graphWith } from './flow-graph.ts'
import { hiddenTables, knownTables } from './known-tables.ts'
import type { LakeReader } from './lake.ts'
import type { PlannedFlow } from './plan.ts'
import type { OpenSource } from './prepare.ts'
import { toProblem } from './problem-fact.ts'
import { refreshedBy } from './refreshed.ts'
import { bareContext } from './run-flow.ts'

/** Flows whose tables are opened side by side. */
const LANES = 16

export interface CompiledFlows {
  /** In graph order. */
  flows: readonly PlannedFlow[]
  /** Targets to rebuild from the layer below, cascades included. */
  refreshed: ReadonlySet<string>
}

export interface CompileRequest {
  project: Project
  sources: readonly OpenSource[]
  lake: LakeReader
  clock: Clock
  ids: Ids
  fullRefresh: readonly string[]
  signal: AbortSignal
}

/**
 * Compile the project's flows against the tables its sources have, and ask each what it would do now. A flow whose log
 * cannot be continued keeps its problem; the others go on.
 *
 * @throws {Problems} everything wrong with the flows, together
 */
export async function compileFlows(request: CompileRequest): Promise<CompiledFlows> {
  await using session = await request.lake.engine.session()
  const tables = request.sources.flatMap(knownTables)
  const notAsked = new Set(request.sources.filter(isNotAsked).map(({ config }) => config.name))
  const mayBring = ({ source }: TableEntry): boolean => notAsked.has(source)
  const { flows, brought } = await graphWith(session, request.project, { tables, mayBring }).catch((error: unknown) => {
    throw (missesTable(error) ? hiddenTables(request.sources) : undefined) ?? error
  })
  const refreshed = refreshedBy(flows, request.fullRefresh, tables)
  const away = new Set([...request.sources.flatMap(({ refused }) => refused), ...brought].map(({ name }) => name))
  const forecast = async (flow: Flow): Promise<FlowForecast> => {
    // Its declaration may be known in part only, and its step is skipped anyway.
    if (flow.kind === 'derived' && away.has(flow.source)) return { status: { kind: 'follows' }, notes: [] }
    const context = { ...bareContext(request, session), fullRefresh: refreshed.has(flow.target) }
    return await forecastFlow(context, flow).catch((error: unknown): FlowForecast => {
      if (request.signal.aborted) throw error
      return { status: { kind: 'refused', problem: toProblem(error, flow.target) }, notes: [] }
    })
  }
  const planned = await mapInLanes(flows, LANES, async flow => ({ flow, ...(await forecast(flow)) }))
  return { flows: planned, refreshed }
}

/** Nobody needs it in this command: what its patterns stand for is nobody's mistake. */
function isNotAsked({ refused }: OpenSource): boolean {
  return refused.some(({ problem }) => problem.code === SOURCE_NOT_ASKED.code)
}

function missesTable(error: unknown): boolean {
  return error instanceof Problems && error.problems.some(({ code }) => code === FLOW_UNKNOWN_TABLE.code)
}
