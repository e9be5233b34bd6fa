/**
 * The plan: what a run would do, as values. Pure: declared tables and flows, the lake's state and the source's probe go
 * in. `plan` prints these lines and `run` ticks off the same ones.
 */
import type { FlowStatus } from '../flows/status.ts'
import type { Flow, TableName } from '../model/flow.ts'
import type { Expectation, Plan, PlanStep } from '../model/plan.ts'
import type { StepId, StepKind } from '../model/step.ts'

/** One table of the list as the planner sees it. */
export interface PlannedTable {
  name: TableName
  guarantee: string
  method: string
  expect: Expectation
  notes: readonly string[]
}

/** One flow as the planner sees it, with what its own state says. */
export interface PlannedFlow {
  flow: Flow
  /** What the flow's own log says it would do now, before any other step has run. */
  status: FlowStatus
  notes: readonly string[]
}

export interface PlanInput {
  tables: readonly PlannedTable[]
  /** In graph order: inputs before the flows that read them. */
  flows: readonly PlannedFlow[]
  /** Step or table names; a trailing `+` also selects what follows. Undefined selects everything. */
  select: readonly string[] | undefined
  /** Bronze, silver and gold tables that are in the lake; those that a step fills may be left out. */
  lake: readonly TableName[]
}

/** Put steps in order and say what each will do. Selected names must exist; check with `unknownSelections` first. */
export function planRun({ tables, flows, select, lake }: PlanInput): Plan {
  const byTable = new Map<TableName, StepId[]>()
  const quiet = new Set<StepId>()
  const steps: PlanStep[] = []
  const add = (step: PlanStep): void => {
    steps.push(step)
    const fillers = byTable.get(step.table)
    if (fillers === undefined) byTable.set(step.table, [step.id])
    else fillers.push(step.id)
    if (step.expect.kind === 'nothing') quiet.add(step.id)
  }
  for (const table of tables) {
    const { name, guarantee, method, expect, notes } = table
    add({ id: name, kind: 'extract', table: name, guarantee, method, expect, needs: [], notes })
  }
  for (const { flow, status, notes } of flows) {
    const needs = inputsOf(flow).flatMap(input => byTable.get(input) ?? [])
    const expect = expectFlow(flow, status, needs, quiet)
    add({
      id: stepId(flow),
      kind: stepKind(flow),
      table: flow.target,
      guarantee: undefined,
      method: flowMethod(flow),
      expect,
      needs,
      notes,
    })
  }
  if (select !== undefined) return { steps: selected(steps, select), unfilled: [] }
  return { steps, unfilled: lake.filter(name => !byTable.has(name)) }
}

/** Step id of a flow: its target, and its name when several flows may share the target. */
export function stepId(flow: Flow): StepId {
  return flow.kind === 'append' ? `${flow.target}#${flow.name}` : flow.target
}

function stepKind(flow: Flow): StepKind {
  return flow.kind === 'derived' ? 'silver' : flow.kind
}

/** Tables a flow reads, streamed ones included. */
export function inputsOf(flow: Flow): readonly TableName[] {
  if (flow.kind === 'derived') return [flow.source]
  if (flow.kind === 'auto cdc' && flow.query === undefined) return [flow.source]
  const { reads, streams } = flow.query ?? { reads: [], streams: undefined }
  return streams === undefined ? reads : [streams, ...reads]
}

/** The selections that name no step and no table of the plan, without their `+`. */
export function unknownSelections(plan: Plan, select: readonly string[]): string[] {
  const wanted = select.map(name => name.replace(/\+$/, ''))
  return wanted.filter(name => !plan.steps.some(step => names(step, name)))
}

function expectFlow(flow: Flow, status: FlowStatus, needs: readonly StepId[], quiet: ReadonlySet<StepId>): Expectation {
  if (status.kind === 'refused') {
    return { kind: 'refused', code: status.problem.code, reason: status.problem.message }
  }
  const settled = needs.every(id => quiet.has(id))
  if (settled && status.kind === 'unchanged') return { kind: 'nothing', why: status.reason, version: status.version }
  if (settled && status.kind === 'at most') return { kind: 'at most', rows: status.rows, since: undefined }
  return { kind: 'follows', of: inputsOf(flow) }
}

function flowMethod(flow: Flow): string {
  const rules = flow.expectations.length
  const judged = rules === 0 ? '' : `, ${rules} ${rules === 1 ? 'rule' : 'rules'}`
  switch (flow.kind) {
    case 'derived':
      if (flow.keys.length === 0) return `whole table${judged}`
      return `${flow.output === 'changes' ? 'every version' : 'newest by key'}${judged}`
    case 'append':
      return `append${judged}`
    case 'auto cdc':
      return `SCD ${flow.scdType}${judged}`
    case 'materialized view':
      return `materialized view${judged}`
  }
}

function selected(steps: readonly PlanStep[], select: readonly string[]): PlanStep[] {
  const chosen = new Set<StepId>()
  for (const wanted of select) {
    const name = wanted.replace(/\+$/, '')
    for (const step of steps) if (names(step, name)) chosen.add(step.id)
  }
  const cascading = new Set(select.filter(s => s.endsWith('+')).map(s => s.slice(0, -1)))
  const reached = new Set<StepId>()
  for (const step of steps) {
    const starts = [...cascading].some(name => names(step, name))
    if (starts || step.needs.some(id => reached.has(id))) reached.add(step.id)
  }
  return steps
    .filter(step => chosen.has(step.id) || reached.has(step.id))
    .map((step, _i, kept) => ({ ...step, needs: step.needs.filter(id => kept.some(k => k.id === id)) }))
}

/** A name without its layer means the table in every layer. */
function names(step: PlanStep, wanted: string): boolean {
  const folded = wanted.toLowerCase()
  const table = step.table.toLowerCase()
  return step.id.toLowerCase() === folded || table === folded || table.slice(table.indexOf('.') + 1) === folded
}
