/** One declared flow or view to the value a run executes: query resolved, rules checked, stream found. */
import { type Problem, Problems } from '../../errors/problem.ts'
import { FLOW_STREAM_MISSING } from '../../errors/flow.ts'
import type {
  AppendFlow,
  AutoCdcFlow,
  CompiledQuery,
  Dataset,
  DeclaredFlow,
  MaterializedViewFlow,
  Query,
} from '../../model/flow.ts'
import type { Expectation } from '../../model/project.ts'
import { type Catalog, resolveQuery } from './catalog.ts'
import type { Checked, PortableSql } from './portable/portable-sql.ts'

/** What compiling shares: the names, the checker, and where problems go. */
export interface Compiling {
  catalog: Catalog
  portable: Pick<PortableSql, 'check' | 'emitExpression'>
  problems: Problem[]
  /** Temporary views being inlined, outermost first. */
  path?: readonly string[]
}

type StreamingTable = Dataset & { kind: 'streaming table' }

export async function compileView(
  view: Dataset & { kind: 'materialized view' },
  c: Compiling,
): Promise<MaterializedViewFlow[]> {
  await checkRules(view.expectations, c)
  const resolved = await resolveQuery(view.query, 'view', c)
  if (!resolved) return []
  const { name, expectations, properties, place } = view
  return [
    {
      kind: 'materialized view',
      name,
      target: name,
      expectations,
      properties,
      query: compiledQuery(resolved.query, resolved.checked),
      place,
    },
  ]
}

export async function compileAppend(
  flow: DeclaredFlow & { kind: 'append' },
  target: StreamingTable,
  c: Compiling,
): Promise<AppendFlow[]> {
  await checkRules(target.expectations, c)
  const resolved = await resolveQuery(flow.query, 'stream', c)
  if (!resolved) return []
  if (resolved.checked.streams === undefined) {
    c.problems.push(FLOW_STREAM_MISSING({ flow: flow.name }, { place: flow.query.place }))
    return []
  }
  const query = compiledQuery(resolved.query, resolved.checked)
  const { name, place } = flow
  const { expectations, properties } = target
  return [{ kind: 'append', name, target: target.name, expectations, properties, query, place }]
}

export async function compileAutoCdc(
  flow: DeclaredFlow & { kind: 'auto cdc' },
  target: StreamingTable,
  c: Compiling,
): Promise<AutoCdcFlow[]> {
  const { name, place, keys, sequenceBy, applyAsDeleteWhen, scdType } = flow
  await checkRules(target.expectations, c)
  if (applyAsDeleteWhen !== undefined) await checkCondition(applyAsDeleteWhen, place, c)
  const input = await resolveInput(flow, c)
  if (!input) return []
  const { expectations, properties } = target
  return [
    {
      kind: 'auto cdc',
      name,
      target: target.name,
      expectations,
      properties,
      ...input,
      keys,
      sequenceBy,
      applyAsDeleteWhen,
      scdType,
      place,
    },
  ]
}

/** The streamed table, directly or below a temporary view. */
async function resolveInput(
  flow: DeclaredFlow & { kind: 'auto cdc' },
  c: Compiling,
): Promise<Pick<AutoCdcFlow, 'source' | 'query'> | undefined> {
  const view = c.catalog.find(flow.source)
  if (view?.kind !== 'temporary view') {
    const source = c.catalog.streamSource({ name: flow.source, place: flow.place }, c)
    return source === undefined ? undefined : { source, query: undefined }
  }
  const resolved = await resolveQuery(view.query, 'stream', c)
  if (!resolved) return undefined
  if (resolved.checked.streams === undefined) {
    c.problems.push(FLOW_STREAM_MISSING({ flow: flow.name }, { place: view.query.place }))
    return undefined
  }
  return { source: resolved.checked.streams, query: compiledQuery(resolved.query, resolved.checked) }
}

function compiledQuery(query: Query, { reads, streams, volatile }: Checked): CompiledQuery {
  return { ...query, reads, streams, volatile }
}

async function checkRules(rules: readonly Expectation[], c: Compiling): Promise<void> {
  for (const rule of rules) if (rule.place) await checkCondition(rule.expression, rule.place, c)
}

async function checkCondition(text: string, place: Query['place'], c: Compiling): Promise<void> {
  try {
    await c.portable.emitExpression(text, place, { result: 'condition' })
  } catch (error) {
    if (!(error instanceof Problems)) throw error
    c.problems.push(...error.problems)
  }
}
