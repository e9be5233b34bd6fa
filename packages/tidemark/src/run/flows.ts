/** Flows of a project, compiled against its tables, and the work of running one. */
import type { Engine, Session } from '../engine/engine.ts'
import { FLOW_UNKNOWN_TABLE } from '../errors/flow.ts'
import { type Problem, Problems } from '../errors/problem.ts'
import { FULL_REFRESH_OF_BRONZE, STEP_UNKNOWN } from '../errors/run.ts'
import { suggest } from '../config/suggest.ts'
import type { FlowContext } from '../flows/context.ts'
import { executeFlow } from '../flows/execute.ts'
import { buildGraph, type DerivedTable, type ListedTable } from '../flows/language/graph.ts'
import { createPortableSql } from '../flows/language/portable/portable-sql.ts'
import { type FlowForecast, forecastFlow } from '../flows/status.ts'
import { isPattern, matchesEntry } from '../ingest/resolve.ts'
import { lakeColumnName } from '../ingest/system-columns.ts'
import type { DerivedFlow, Flow } from '../model/flow.ts'
import { splitTableName, tableName } from '../model/names.ts'
import type { PlanStep } from '../model/plan.ts'
import type { Clock, Ids, LakeStore } from '../model/ports.ts'
import { mapInLanes } from '../storage/lanes.ts'
import type { Project, TableEntry } from '../model/project.ts'
import type { StepOutcome } from './execute.ts'
import type { LakeReader } from './lake.ts'
import { inputsOf, type PlannedFlow, stepId } from './plan.ts'
import type { OpenSource } from './prepare.ts'
import { toProblem } from './problem-fact.ts'
import type { RunScope } from './run-project.ts'

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
  const flows = await graphOf(session, request.project, tables).catch((error: unknown) => {
    throw (missesTable(error) ? hiddenTables(request.sources) : undefined) ?? error
  })
  const refreshed = cascade(flows, request.fullRefresh, tables)
  const away = new Set(request.sources.flatMap(({ refused }) => refused.map(({ name }) => name)))
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

/**
 * Check flows against the table list alone, without a database. A table that a pattern may bring is taken to be there.
 *
 * @throws {Problems} everything wrong with the flows, together
 */
export async function checkFlows(engine: Engine, project: Project): Promise<readonly Flow[]> {
  await using session = await engine.session()
  const written = project.tables.filter(entry => !isPattern(entry))
  const tables: KnownTable[] = written.map(entry => ({
    name: tableName('bronze', entry.name ?? entry.table),
    entry,
    keys: entry.primaryKey,
  }))
  try {
    return await graphOf(session, project, tables)
  } catch (error) {
    const brought = error instanceof Problems ? error.problems.flatMap(problem => byPattern(problem, project)) : []
    if (brought.length === 0) throw error
    const found = new Map(brought.map(table => [table.name.toLowerCase(), table]))
    return await graphOf(session, project, [...tables, ...found.values()])
  }
}

/** The bronze table that a flow was not found to have, if a pattern of the list may bring it. */
function byPattern({ code, params }: Problem, project: Project): KnownTable[] {
  const [, table] = /^(?:bronze|silver)\.(.+)$/is.exec(String(params['table'])) ?? []
  if (code !== FLOW_UNKNOWN_TABLE.code || table === undefined) return []
  const entry = project.tables.find(pattern => {
    const prefix = project.sources.find(({ name }) => name === pattern.source)?.prefix ?? ''
    const name = { schema: pattern.schema, table: table.slice(prefix.length) }
    return isPattern(pattern) && table.startsWith(prefix) && matchesEntry(pattern, name)
  })
  return entry === undefined ? [] : [{ name: tableName('bronze', table), entry, keys: entry.primaryKey }]
}

/** Run one flow's step in a session of its own. */
export async function runFlow(scope: RunScope, compiled: CompiledFlows, step: PlanStep): Promise<StepOutcome> {
  const flow = compiled.flows.find(planned => stepId(planned.flow) === step.id)?.flow
  if (flow === undefined) throw new TypeError(`this is a bug in tidemark: ${step.id} is no flow`)
  const { ports, lake, runId, request } = scope
  const { clock, ids } = ports
  const { signal } = request
  await using session = await lake.engine.session()
  const context: FlowContext = {
    ...bareContext({ lake, clock, ids, signal }, session),
    runId,
    progress: ({ rows, phase }) =>
      request.emit({ kind: 'step progress', runId, at: clock.now(), step: step.id, rows, bytes: 0n, phase }),
    warn: text => request.emit({ kind: 'warning', runId, at: clock.now(), step: step.id, text }),
    fullRefresh: compiled.refreshed.has(flow.target),
  }
  const { status, reason, ledger, versionBefore, versionAfter, warnings } = await executeFlow(context, flow)
  return { status, reason, ledger, versionBefore, versionAfter, warnings }
}

/** A bronze table as flows see it; keys are unknown for a table that could not be looked at. */
export interface KnownTable {
  name: string
  entry: TableEntry | undefined
  keys: readonly string[] | undefined
}

function missesTable(error: unknown): boolean {
  return error instanceof Problems && error.problems.some(({ code }) => code === FLOW_UNKNOWN_TABLE.code)
}

/**
 * Why a flow may seem to read a table that does not exist: a source cannot be asked what its patterns stand for, and
 * not everything was loaded from it yet.
 */
export function hiddenTables(sources: readonly OpenSource[]): Problems | undefined {
  const away = sources.filter(({ snapshot }) => snapshot === undefined)
  const problems = away.flatMap(({ refused }) => refused.filter(({ entry }) => entry === undefined || isPattern(entry)))
  return problems.length === 0 ? undefined : new Problems([...new Set(problems.map(({ problem }) => problem))])
}

function knownTables(source: OpenSource): KnownTable[] {
  const readable = source.tables.map(({ name, entry, keys }) => ({ name, entry, keys }))
  const refused = source.refused.flatMap(({ name, entry, keys }) =>
    entry === undefined ? [] : [{ name, entry, keys }],
  )
  return [...readable, ...refused]
}

async function graphOf(session: Session, project: Project, tables: readonly KnownTable[]): Promise<readonly Flow[]> {
  const derived = tables.map(derivedTable)
  const listed: ListedTable[] = derived.map(({ flow, streamable }) => ({ name: flow.source, streamable }))
  const graph = await buildGraph({
    sources: project.flows,
    derived,
    tables: listed,
    portable: createPortableSql(session),
  })
  if (graph.problems.length > 0) throw new Problems(graph.problems)
  return graph.flows
}

/** The flow by which the table list fills silver from a bronze table. */
export function derivedTable({ name, entry, keys }: KnownTable): DerivedTable {
  const target = tableName('silver', splitTableName(name).table)
  const flow: DerivedFlow = {
    kind: 'derived',
    output: 'current',
    name: target,
    target,
    source: name,
    keys: (keys ?? ['?']).map(lakeColumnName),
    transform: entry?.silver.transform ?? [],
    expectations: entry?.silver.expectations ?? [],
    properties: entry?.silver.properties,
    place: entry?.place,
  }
  return { flow, streamable: keys === undefined || keys.length > 0 }
}

/** The targets to rebuild, and everything that streams from them. */
function cascade(flows: readonly Flow[], wanted: readonly string[], tables: readonly KnownTable[]): Set<string> {
  const refreshed = new Set<string>()
  const problems = wanted.flatMap(name => {
    const found = flows.filter(flow => flow.target.toLowerCase() === name.toLowerCase())
    for (const flow of found) for (const target of withSibling(flow, flows)) refreshed.add(target)
    if (found.length > 0) return []
    if (tables.some(table => table.name.toLowerCase() === name.toLowerCase()))
      return [FULL_REFRESH_OF_BRONZE({ table: name })]
    return [
      STEP_UNKNOWN({
        wanted: name,
        suggestion:
          suggest(
            name,
            flows.map(flow => flow.target),
          ) ?? '',
      }),
    ]
  })
  if (problems.length > 0) throw new Problems(problems)
  for (const flow of flows) {
    const streamed = flow.kind === 'derived' || flow.kind === 'materialized view' ? [] : inputsOf(flow).slice(0, 1)
    if (streamed.some(input => refreshed.has(input))) refreshed.add(flow.target)
  }
  return refreshed
}

/** A derived silver table and its changes are one declaration: they are rebuilt together. */
function withSibling(flow: Flow, flows: readonly Flow[]): string[] {
  if (flow.kind !== 'derived') return [flow.target]
  return flows.filter(other => other.kind === 'derived' && other.source === flow.source).map(({ target }) => target)
}

/** What a flow is handed when it is only looked at. */
export function bareContext(
  ports: { lake: LakeStore; clock: Clock; ids: Ids; signal: AbortSignal },
  session: Session,
): FlowContext {
  const { lake, clock, ids, signal } = ports
  const { store, logParquet } = lake
  const portable = createPortableSql(session)
  const nothing = { runId: '', progress: () => undefined, warn: () => undefined, fullRefresh: false }
  return { store, logParquet, session, clock, ids, portable, signal, ...nothing }
}
