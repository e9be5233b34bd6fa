/** What table names mean in a project: found ignoring case, with the declared spelling, and whether a stream may read them. */
import { FLOW_CYCLE, FLOW_NOT_PORTABLE, FLOW_NOT_STREAMABLE, FLOW_UNKNOWN_TABLE } from '../../errors/flow.ts'
import type { Dataset, DeclaredFlow, Query, TableName } from '../../model/flow.ts'
import { findTableName } from '../../model/names.ts'
import type { Compiling } from './compile-flow.ts'
import type { GraphInput } from './graph.ts'
import { suggest } from '../../config/suggest.ts'
import { type Checked, type QueryUse, type Reference } from './portable/portable-sql.ts'
import { tokenize } from './token.ts'

export type Known =
  | Dataset
  | { kind: 'derived'; name: TableName; streamable: boolean }
  | { kind: 'listed'; name: TableName; streamable: boolean }

export interface Catalog {
  find(name: TableName): Known | undefined
  streamingTables(): TableName[]
  /** Derived silver tables that some flow streams; filled while queries are resolved. */
  readonly streamed: Set<TableName>
  /** The table a stream over this one reads, or a reported problem. */
  streamSource(reference: { name: TableName; place: Reference['place'] }, compiling: Compiling): TableName | undefined
  /** The text of a temporary view with its own names resolved; undefined when it has problems. */
  inline(name: TableName, compiling: Compiling): Promise<Query | undefined>
}

export function openCatalog(datasets: readonly Dataset[], flows: readonly DeclaredFlow[], input: GraphInput): Catalog {
  const known = new Map<string, Known>()
  for (const { name, streamable } of input.tables) known.set(name, { kind: 'listed', name, streamable })
  for (const { flow, streamable } of input.derived) {
    known.set(flow.target, { kind: 'derived', name: flow.target, streamable })
  }
  // Of two declarations the first one counts; the second is reported elsewhere.
  for (const dataset of datasets.toReversed()) {
    for (const name of known.keys()) if (name.toLowerCase() === dataset.name.toLowerCase()) known.delete(name)
    known.set(dataset.name, dataset)
  }
  const streamed = new Set<TableName>()
  const views = new Map<string, Promise<Query | undefined>>()
  const find = (name: TableName): Known | undefined => {
    const spelling = findTableName(known.keys(), name)
    return spelling === undefined ? undefined : known.get(spelling)
  }
  const catalog: Catalog = {
    find,
    streamingTables: () => datasets.filter(d => d.kind === 'streaming table').map(d => d.name),
    streamed,
    streamSource: (reference, { problems }) => {
      const table = find(reference.name)
      if (!table) {
        problems.push(unknownTable(reference, known))
        return undefined
      }
      const why = whyNotStreamable(table, flows)
      if (why) {
        problems.push(FLOW_NOT_STREAMABLE({ table: table.name, why }, { place: reference.place }))
        return undefined
      }
      if (table.kind !== 'derived') return table.name
      streamed.add(table.name)
      return `${table.name}_changes`
    },
    inline: (name, compiling) => {
      const view = find(name)
      if (view?.kind !== 'temporary view')
        throw new TypeError(`this is a bug in tidemark: ${name} is no temporary view`)
      const path = compiling.path ?? []
      if (path.includes(view.name)) {
        const circle = [...path.slice(path.indexOf(view.name)), view.name].join(' → ')
        compiling.problems.push(FLOW_CYCLE({ path: circle }, { place: view.place }))
        return Promise.resolve(undefined)
      }
      const key = view.name.toLowerCase()
      const resolving = views.get(key) ?? resolveView(view, { ...compiling, path: [...path, view.name] })
      // A view inside a circle is left out, so that each of its readers finds the circle and none waits for itself.
      if (path.length === 0) views.set(key, resolving)
      return resolving
    },
  }
  return catalog
}

async function resolveView(
  view: Dataset & { kind: 'temporary view' },
  compiling: Compiling,
): Promise<Query | undefined> {
  const use: QueryUse = /\bSTREAM\b/i.test(view.query.text) ? 'stream' : 'view'
  return (await resolveQuery(view.query, use, compiling))?.query
}

function unknownTable(reference: { name: TableName; place: Reference['place'] }, known: ReadonlyMap<string, Known>) {
  const suggestion = suggest(
    reference.name,
    [...known.values()].map(k => k.name),
  )
  return FLOW_UNKNOWN_TABLE({ table: reference.name, suggestion }, { place: reference.place })
}

function whyNotStreamable(table: Known, flows: readonly DeclaredFlow[]): string | undefined {
  if (table.kind === 'materialized view') return 'it is a materialized view, whose rows are replaced as a whole'
  if (table.kind === 'derived' || table.kind === 'listed') {
    return table.streamable ? undefined : 'it has no key, so each run replaces its rows as a whole'
  }
  const isChanged = flows.some(f => f.kind === 'auto cdc' && f.target.toLowerCase() === table.name.toLowerCase())
  return isChanged ? 'AUTO CDC changes its rows in place; stream what feeds it' : undefined
}

/**
 * A query with every name in its declared spelling, streams pointed at what they read, and temporary views pasted in.
 * Problems are reported; the result is undefined when there is any.
 */
export async function resolveQuery(
  query: Query,
  use: QueryUse,
  compiling: Compiling,
): Promise<{ query: Query; checked: Checked } | undefined> {
  const { portable, problems } = compiling
  const { compiled, problems: found } = await portable.check(query, use)
  problems.push(...found)
  if (!compiled) return undefined
  let text = query.text
  let isWhole = true
  for (const reference of [...compiled.references].sort((a, b) => b.start - a.start)) {
    const replacement = await replace(reference, query, compiling)
    if (replacement === undefined) isWhole = false
    else text = `${text.slice(0, reference.start)}${replacement}${text.slice(reference.end)}`
  }
  if (!isWhole) return undefined
  const resolved = { ...query, text }
  const again = await portable.check(resolved, use)
  problems.push(...again.problems)
  const both = again.compiled?.reads.find(name => name === again.compiled?.streams)
  if (both !== undefined) {
    const why = 'the same query also reads it whole'
    problems.push(FLOW_NOT_STREAMABLE({ table: both, why }, { place: query.place }))
    return undefined
  }
  return again.compiled && { query: resolved, checked: again.compiled }
}

async function replace(reference: Reference, query: Query, compiling: Compiling): Promise<string | undefined> {
  const { catalog, problems } = compiling
  const table = catalog.find(reference.name)
  const written = reference.name.slice(reference.name.indexOf('.') + 1)
  if (table?.kind === 'temporary view') {
    if (table.query.dialect !== query.dialect) {
      const why = `it is written in the ${table.query.dialect} dialect, and this query is not`
      problems.push(FLOW_NOT_PORTABLE({ name: table.name, why }, { place: reference.place }))
      return undefined
    }
    if (reference.streamed && !/\bSTREAM\b/i.test(table.query.text)) {
      const why = 'this temporary view has no STREAM inside'
      problems.push(FLOW_NOT_STREAMABLE({ table: table.name, why }, { place: reference.place }))
      return undefined
    }
    const view = await catalog.inline(table.name, compiling)
    return view && `(${onOneLine(view)})${reference.hasAlias ? '' : ` AS ${quote(written, query)}`}`
  }
  const name = reference.streamed || !table ? catalog.streamSource(reference, compiling) : table.name
  if (name === undefined) return undefined
  const [schema, own] = [name.slice(0, name.indexOf('.')), name.slice(name.indexOf('.') + 1)]
  const quoted = `${quote(schema, query)}.${quote(own, query)}`
  const alias = reference.hasAlias || own.toLowerCase() === written.toLowerCase() ? '' : ` AS ${quote(written, query)}`
  return `${reference.streamed ? `STREAM(${quoted})` : quoted}${alias}`
}

function quote(name: string, { dialect }: Query): string {
  return dialect === 'portable' ? `\`${name.replaceAll('`', '``')}\`` : `"${name.replaceAll('"', '""')}"`
}

/** Without comments and line ends, so that the lines of the query around it keep their numbers. */
function onOneLine({ text, dialect }: Query): string {
  let line = ''
  let end = 0
  for (const token of tokenize(text, dialect)) {
    line += token.start > end && line !== '' ? ` ${token.text}` : token.text
    end = token.end
  }
  return line.trimEnd()
}
