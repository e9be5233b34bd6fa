/**
 * Datasets, flows and the table list to the flows a run executes, in an order in which inputs come first. Everything
 * that is wrong is collected; with a problem there is no graph.
 */
import { Problem } from '../../errors/problem.ts'
import { FLOW_CYCLE, FLOW_DUPLICATE, FLOW_QUERY, FLOW_UNKNOWN_TARGET } from '../../errors/flow.ts'
import type { Dataset, DeclaredFlow, DerivedFlow, Flow, FlowSource, TableName } from '../../model/flow.ts'
import { tablePath } from '../../model/names.ts'
import { openCatalog } from './catalog.ts'
import { compileAppend, compileAutoCdc, compileView, type Compiling } from './compile-flow.ts'
import { suggest } from '../../config/suggest.ts'
import { placeOfFlow, printPlace } from './place.ts'
import type { PortableSql } from './portable/portable-sql.ts'

/** A silver table that the table list gives by itself. */
export interface DerivedTable {
  /** Its flow, with output `current`; `buildGraph` adds the `changes` flow of a table that is streamed. */
  flow: DerivedFlow
  /** False for a table without a key, whose rows are replaced as a whole. */
  streamable: boolean
}

/** A table that no flow fills: bronze. */
export interface ListedTable {
  name: TableName
  streamable: boolean
}

export interface GraphInput {
  sources: readonly FlowSource[]
  derived: readonly DerivedTable[]
  tables: readonly ListedTable[]
  portable: Pick<PortableSql, 'check' | 'emitExpression'>
}

/**
 * Resolve names, inline temporary views, check every query and rule, and put the flows in order.
 *
 * A flow that targets `silver.x` replaces the derived one. A streamed `silver.t` brings `silver.t_changes` into being,
 * which is then what the stream reads. Names are found ignoring case and come out in their declared spelling.
 */
export async function buildGraph(input: GraphInput): Promise<{ flows: Flow[]; problems: Problem[] }> {
  const datasets = input.sources.flatMap(source => source.datasets)
  const declared = input.sources.flatMap(source => source.flows)
  const catalog = openCatalog(datasets, declared, input)
  const problems = [...findDuplicates(datasets, declared), ...findUnusableNames(datasets)]
  const compiling: Compiling = { catalog, portable: input.portable, problems }
  const flows: Flow[] = []
  for (const dataset of datasets) {
    if (dataset.kind === 'materialized view') flows.push(...(await compileView(dataset, compiling)))
    else if (dataset.kind === 'temporary view') {
      if (catalog.find(dataset.name) === dataset) await catalog.inline(dataset.name, compiling)
    } else if (!declared.some(f => same(f.target, dataset.name))) {
      const reason = `${dataset.name} is declared, but no flow fills it.`
      const hint = `Give it a query of its own (AS SELECT …), or a flow: CREATE FLOW name AS INSERT INTO ${dataset.name} BY NAME SELECT …, or AS AUTO CDC INTO ${dataset.name}.`
      problems.push(FLOW_QUERY({ reason, hint }, { place: dataset.place }))
    }
  }
  for (const flow of declared) flows.push(...(await compileDeclared(flow, declared, compiling)))
  const derived = input.derived.filter(table => !datasets.some(d => same(d.name, table.flow.target)))
  const changes = derived.filter(table => catalog.streamed.has(table.flow.target)).map(table => changesOf(table.flow))
  const all = [...derived.map(table => table.flow), ...changes, ...flows]
  const ordered = inOrder(all, problems)
  return problems.length > 0 ? { flows: [], problems: once(problems) } : { flows: ordered, problems: [] }
}

const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase()

/** The flow of every version, beside the flow of the newest ones. */
function changesOf(flow: DerivedFlow): DerivedFlow {
  return { ...flow, name: `${flow.name}_changes`, target: `${flow.target}_changes`, output: 'changes' }
}

async function compileDeclared(
  flow: DeclaredFlow,
  all: readonly DeclaredFlow[],
  compiling: Compiling,
): Promise<Flow[]> {
  const { catalog, problems } = compiling
  const target = catalog.find(flow.target)
  if (target?.kind !== 'streaming table') {
    const suggestion = suggest(flow.target, catalog.streamingTables())
    const { name, place } = flow
    problems.push(FLOW_UNKNOWN_TARGET({ flow: name, target: flow.target, suggestion }, { place }))
    return []
  }
  const other = all.find(f => f !== flow && same(f.target, flow.target) && f.kind === 'auto cdc')
  if (other) {
    const at = printPlace(other.place)
    problems.push(FLOW_DUPLICATE({ what: 'AUTO CDC flow into', name: flow.target, other: at }, { place: flow.place }))
    return []
  }
  return flow.kind === 'append' ? compileAppend(flow, target, compiling) : compileAutoCdc(flow, target, compiling)
}

function* findDuplicates(datasets: readonly Dataset[], flows: readonly DeclaredFlow[]): Generator<Problem> {
  const seen = new Map<string, { place: Dataset['place'] }>()
  const views = datasets.filter(d => d.kind === 'materialized view')
  const named = [
    ...datasets.map(d => ({ what: 'table or view', name: d.name, place: d.place })),
    ...[...flows, ...views].map(f => ({ what: 'flow', name: f.name, place: f.place })),
  ]
  for (const { what, name, place } of named) {
    const key = `${what} ${name.toLowerCase()}`
    const first = seen.get(key)
    if (first) yield FLOW_DUPLICATE({ what, name, other: printPlace(first.place) }, { place })
    else seen.set(key, { place })
  }
}

/** Names of tables that no folder can have. A view that is only inlined has none. */
function findUnusableNames(datasets: readonly Dataset[]): Problem[] {
  return datasets.flatMap(({ kind, name, place }) => {
    try {
      if (kind !== 'temporary view') tablePath(name)
      return []
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      return [error.at(place)]
    }
  })
}

function inputsOf(flow: Flow): readonly TableName[] {
  if (flow.kind === 'derived') return [flow.source]
  const query = flow.query
  const read = query ? [...query.reads, ...(query.streams === undefined ? [] : [query.streams])] : []
  return flow.kind === 'auto cdc' ? [flow.source, ...read] : read
}

/** Depth first, so that a flow stands behind its inputs and otherwise where it was declared. */
function inOrder(flows: readonly Flow[], problems: Problem[]): Flow[] {
  const byTarget = Map.groupBy(flows, flow => flow.target)
  const ordered: Flow[] = []
  const state = new Map<Flow, 'open' | 'done'>()
  const visit = (flow: Flow, path: readonly Flow[]): void => {
    if (state.get(flow) === 'done') return
    const here = [...path, flow]
    if (state.get(flow) === 'open') {
      const names = here.slice(here.indexOf(flow)).map(f => f.target)
      problems.push(FLOW_CYCLE({ path: names.join(' → ') }, { place: placeOfFlow(flow) }))
      return
    }
    state.set(flow, 'open')
    for (const input of inputsOf(flow)) for (const filler of byTarget.get(input) ?? []) visit(filler, here)
    state.set(flow, 'done')
    ordered.push(flow)
  }
  for (const flow of flows) visit(flow, [])
  return ordered
}

/** A view that two flows read reports its problems once. */
function once(problems: readonly Problem[]): Problem[] {
  return [...new Map(problems.map(p => [`${p.code} ${p.place && printPlace(p.place)} ${p.message}`, p])).values()]
}
