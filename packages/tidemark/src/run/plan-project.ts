/** Plan a project against an open lake and open sources: gather the facts, then hand them to the pure planner. */
import type { Engine } from '../engine/engine.ts'
import { STEP_UNKNOWN } from '../errors/run.ts'
import { type Problem, Problems } from '../errors/problem.ts'
import { changeLogOf, whyScanned } from '../ingest/listed.ts'
import { decideSlice } from '../ingest/slice.ts'
import type { ResolvedTable } from '../ingest/resolve.ts'
import type { SourceSnapshot } from '../sources/source.ts'
import { type EndedRuns, readLatestRuns, type RunEnd } from './facts.ts'
import type { Plan, PlanStep } from '../model/plan.ts'
import type { Clock, LakeStore } from '../model/ports.ts'
import type { StepId } from '../model/step.ts'
import { findUnknownColumns } from './column-check.ts'
import { directNotes } from './direct-notes.ts'
import { listTables } from './lake-tables.ts'
import { costOf } from './pace.ts'
import { type PlannedFlow, type PlannedTable, planRun, stepId, unknownSelections } from './plan.ts'
import type { OpenSource } from './prepare.ts'
import { suggest } from '../config/suggest.ts'
import { readTableStates } from './states.ts'
import { planReload, planTable, type TableState } from './table-plan.ts'
import { isWanted } from './wanted.ts'

/** Tables below this size are counted exactly while planning; larger ones are only estimated. */
const COUNT_BYTES = 256n * 1024n * 1024n
/** Ended runs searched for the last proof about a table. */
const RUNS_SEARCHED = 5
/** Ended runs searched for a load by which a big one can be judged. */
const RUNS_LOOKED_BACK = 200

export interface PlanRequest {
  lake: LakeStore
  clock: Clock
  sources: readonly OpenSource[]
  flows: readonly PlannedFlow[]
  select: readonly string[] | undefined
  /** Bronze tables that are read anew. */
  reloadSource?: readonly string[]
  /** Tries the ways in which a source may be read that a plan tells; a run finds out by reading. */
  engine?: Engine
  /** The runs that have ended, where they were listed already. */
  ended?: EndedRuns
  /** Count changed rows exactly where it is cheap; `plan` does, `run` finds out by reading. */
  count: boolean
  signal: AbortSignal
}

export interface ProjectPlan extends Plan {
  /** Why the refused steps will fail, each reason once, in the order of the steps. */
  problems: readonly Problem[]
}

/**
 * The plan of a project.
 *
 * @throws {STEP_UNKNOWN} for each selected name that is no table of the project
 */
export async function planProject(request: PlanRequest): Promise<ProjectPlan> {
  const { lake, sources, flows, select, reloadSource = [], signal } = request
  const lastRuns = await readLatestRuns(lake.store, RUNS_SEARCHED, request.ended)
  const known = sources.flatMap(({ config, tables }) => tables.map(table => ({ source: config.name, table })))
  const states = await readTableStates({ ...lake, signal }, known, lastRuns)
  const tables: PlannedTable[] = []
  for (const source of sources) {
    const noteOf = request.engine && directNotes(request.engine, source, signal)
    for (const table of source.tables) {
      const state = states.get(table.name)
      const { snapshot } = source
      if (snapshot === undefined || state === undefined) continue
      const count = request.count ? await countChanges(request, snapshot, table, state) : undefined
      const planned = await withNote(
        planTable(table, state, snapshot, { count, now: request.clock.now() }),
        table,
        noteOf,
      )
      const reload = reloadSource.length > 0 && isWanted(table.name, reloadSource) && state.mark !== undefined
      tables.push(reload ? planReload(table, planned) : planned)
    }
    for (const { name, problem } of source.refused) {
      const expect = { kind: 'refused' as const, code: problem.code, reason: problem.message }
      tables.push({ name, guarantee: '-', method: 'cannot be read', expect, notes: [] })
    }
  }
  const sourceOf = new Map(known.map(({ source, table }) => [table.name, source]))
  const priced = await withCosts(lake.store, tables, sourceOf, { lastRuns, ended: request.ended })
  const filled = new Set([...tables.map(({ name }) => name), ...flows.map(({ flow }) => flow.target)])
  const others = await listTables(lake.store, ['bronze', 'silver', 'gold'], name => !filled.has(name))
  const input = { tables: priced, flows, lake: others }
  const planned = planRun({ ...input, select })
  if (select !== undefined) assertKnown(planRun({ ...input, select: undefined }), select)
  const unknown = await unknownColumns(request, states)
  const plan = { ...planned, steps: planned.steps.map(step => refuse(step, unknown.get(step.id))) }
  return { ...plan, problems: findProblems(plan, request, { states, unknown }) }
}

/** Columns that flows would not find; a run finds out by running. */
async function unknownColumns(
  { engine, lake, flows, signal }: PlanRequest,
  states: ReadonlyMap<string, TableState>,
): Promise<ReadonlyMap<StepId, Problem>> {
  if (engine === undefined) return new Map()
  const bronze = new Map([...states].flatMap(([name, { fitted }]) => (fitted ? [[name, fitted.schema] as const] : [])))
  return await findUnknownColumns({ lake, engine, flows: flows.map(({ flow }) => flow), bronze, signal })
}

/** A step that has nothing to do fails by no name. */
function refuse(step: PlanStep, problem: Problem | undefined): PlanStep {
  if (problem === undefined || step.expect.kind === 'nothing' || step.expect.kind === 'refused') return step
  return { ...step, expect: { kind: 'refused', code: problem.code, reason: problem.message } }
}

/** A first load says by which way it is read. */
async function withNote(
  planned: PlannedTable,
  table: ResolvedTable,
  noteOf: ReturnType<typeof directNotes> | undefined,
): Promise<PlannedTable> {
  const { expect, notes } = planned
  const isLoad = expect.kind === 'whole table' && expect.reading === 'load'
  const note = isLoad ? await noteOf?.(table) : undefined
  return note === undefined ? planned : { ...planned, notes: [...notes, note] }
}

function findProblems(
  plan: Plan,
  { sources, flows }: PlanRequest,
  { states, unknown }: { states: ReadonlyMap<string, TableState>; unknown: ReadonlyMap<StepId, Problem> },
): Problem[] {
  const problems = new Map<string, Problem | undefined>([
    ...[...states].map(([name, { problem }]) => [name, problem] as const),
    ...sources.flatMap(({ refused }) => refused.map(({ name, problem }) => [name, problem] as const)),
    ...flows.map(({ flow, status }) => {
      const id = stepId(flow)
      return [id, status.kind === 'refused' ? status.problem : unknown.get(id)] as const
    }),
  ])
  const refused = plan.steps.filter(step => step.expect.kind === 'refused')
  return [...new Set(refused.flatMap(step => problems.get(step.id) ?? []))]
}

/** What is read whole gets its likely duration. Older runs are only looked at where much is to be loaded and the last ones do not tell. */
async function withCosts(
  store: LakeStore['store'],
  tables: readonly PlannedTable[],
  sourceOf: ReadonlyMap<string, string>,
  { lastRuns, ended }: { lastRuns: readonly RunEnd[]; ended: EndedRuns | undefined },
): Promise<PlannedTable[]> {
  const price = (runs: readonly RunEnd[]): PlannedTable[] =>
    tables.map(table => {
      const { name, expect } = table
      if (expect.kind !== 'whole table' || expect.reading === undefined || expect.bytes === undefined) return table
      const { reading, bytes } = expect
      const cost = costOf({ table: name, source: sourceOf.get(name) ?? '', reading, bytes }, runs)
      return { ...table, expect: { ...expect, ...cost } }
    })
  const priced = price(lastRuns)
  const isUnclear = priced.some(
    ({ expect }) => expect.kind === 'whole table' && expect.pace === 'assumed' && (expect.bytes ?? 0n) >= COUNT_BYTES,
  )
  const isMore = isUnclear && lastRuns.length === RUNS_SEARCHED
  return isMore ? price(await readLatestRuns(store, RUNS_LOOKED_BACK, ended)) : priced
}

async function countChanges(
  { clock, signal }: PlanRequest,
  snapshot: SourceSnapshot,
  table: ResolvedTable,
  { mark, fitted }: TableState,
): Promise<bigint | undefined> {
  if (mark === undefined) return undefined
  const decision = decideSlice({ ...(fitted ?? table), mark, position: snapshot.position, now: clock.now() })
  if (decision.kind !== 'increment') return undefined
  const log = changeLogOf(snapshot, table)
  if (log !== undefined && whyScanned(log, table, mark) === undefined) {
    if (log.heldBytes > COUNT_BYTES) return undefined
    const reading = await log.read(signal)
    const changes = 'missing' in reading ? reading : reading.changedKeys(table.table)
    if ('keys' in changes) return BigInt(changes.keys.length)
  }
  if (table.table.sizeBytes > COUNT_BYTES) return undefined
  const counted = await snapshot.count({ table: table.table, slice: decision.slice, columns: [], signal })
  if (decision.slice.kind === 'cursor' && decision.slice.byIndex === true) return counted.inSlice
  const gone = mark.liveRows > counted.total ? mark.liveRows - counted.total : 0n
  return counted.inSlice + (table.deletes === 'detect' ? gone : 0n)
}

function assertKnown(plan: Plan, select: readonly string[]): void {
  const unknown = unknownSelections(plan, select)
  if (unknown.length === 0) return
  const names = plan.steps.flatMap(step => [step.id, step.table])
  throw new Problems(unknown.map(wanted => STEP_UNKNOWN({ wanted, suggestion: suggest(wanted, names) ?? '' })))
}
