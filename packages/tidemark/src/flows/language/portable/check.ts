/** Judge a query by its text alone: is it inside the subset, what does it read, does it fit a stream. */
import type { Problem } from '../../../errors/problem.ts'
import { FLOW_QUERY, FLOW_STREAM_SHAPE } from '../../../errors/flow.ts'
import { sql } from '../../../engine/sql.ts'
import type { Query, TableName } from '../../../model/flow.ts'
import { schemaOfFile, tableName } from '../name.ts'
import { children, isNode, locationOf, type Node, str, itemsOf } from './ast.ts'
import type { Walk } from './expression.ts'
import type { Sources, TableReference } from './from.ts'
import { gate } from './gate.ts'
import { type ParsedQuery, type ParserSession, parseSelect } from './parse.ts'
import type { Checked, QueryUse, Reference } from './portable-sql.ts'
import { readQuery } from './query.ts'

export function startWalk(parsed: ParsedQuery, use: QueryUse): Walk {
  return { problems: [], use, volatile: false, place: node => parsed.normalised.place(locationOf(node)) }
}

export async function checkQuery(
  session: ParserSession,
  query: Query,
  use: QueryUse | 'any',
): Promise<{ compiled?: Checked; problems: Problem[] }> {
  const { parsed, problems } = await parseSelect(session, query)
  if (!parsed) return { problems }
  if (query.dialect === 'duckdb') return checkDuckdb(session, parsed, query, use)
  const walk = startWalk(parsed, use === 'any' ? 'view' : use)
  const references: Reference[] = []
  const table: Sources['table'] = found => {
    const span = parsed.normalised.nameAt(found.location)
    const reference = { ...span, name: resolve(found.parts, query), hasAlias: found.hasAlias, place: found.place }
    references.push(reference)
    return { sql: sql`t`, columns: undefined, streamed: span.streamed }
  }
  readQuery(parsed.root, { walk, ctes: new Map(), table })
  const found = [...problems, ...walk.problems, ...(use === 'any' ? [] : streamProblems(references, use))]
  if (found.length > 0) return { problems: found }
  return { compiled: summarise(references, walk.volatile), problems: [] }
}

export const resolve = (parts: TableReference['parts'], query: Query): TableName =>
  tableName(parts, schemaOfFile(query.place.file)) ?? parts.join('.')

function streamProblems(references: readonly Reference[], use: QueryUse): Problem[] {
  const streams = references.filter(r => r.streamed)
  if (use === 'view') {
    return streams.map(r =>
      FLOW_QUERY({ reason: `A materialized view reads ${r.name} whole: leave STREAM out.` }, { place: r.place }),
    )
  }
  return streams.slice(1).map(r => FLOW_STREAM_SHAPE({ what: `A second STREAM, ${r.name},` }, { place: r.place }))
}

function summarise(references: Reference[], volatile: boolean): Checked {
  const reads = [...new Set(references.filter(r => !r.streamed).map(r => r.name))]
  return { reads, streams: references.find(r => r.streamed)?.name, volatile, references }
}

async function checkDuckdb(
  session: ParserSession,
  parsed: ParsedQuery,
  query: Query,
  use: QueryUse | 'any',
): Promise<{ compiled?: Checked; problems: Problem[] }> {
  const { tables, problems, volatile } = gate(parsed.root, parsed.normalised)
  const references = tables.map(({ parts, location, hasAlias }) => ({
    ...parsed.normalised.nameAt(location),
    name: resolve(parts, query),
    hasAlias,
    place: parsed.normalised.place(location),
  }))
  if (use !== 'any') problems.push(...streamProblems(references, use))
  if (use === 'stream') {
    const found = findManyRows(parsed.root, await aggregateNames(session))
    if (found) {
      const place = parsed.normalised.place(locationOf(found.node))
      problems.push(FLOW_STREAM_SHAPE({ what: found.what }, { place }))
    }
  }
  return problems.length > 0 ? { problems } : { compiled: summarise(references, volatile), problems: [] }
}

async function aggregateNames(session: ParserSession): Promise<Set<string>> {
  const rows = await session.rows(
    sql`SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type = 'aggregate'`,
  )
  return new Set(rows.map(row => String(row['function_name'])))
}

/** The first part of a free query that needs more than one row at a time. */
function findManyRows(node: Node, aggregates: ReadonlySet<string>): { what: string; node: Node } | undefined {
  const called = str(node, 'function_name').toLowerCase()
  if (str(node, 'class') === 'WINDOW') return { what: 'A window', node }
  if (str(node, 'class') === 'FUNCTION' && aggregates.has(called))
    return { what: `${called.replace('_star', '')}()`, node }
  if (str(node, 'type') === 'SET_OPERATION_NODE') return { what: str(node, 'setop_type'), node }
  if (children(node, 'group_expressions').length > 0) return { what: 'GROUP BY', node }
  if (children(node, 'modifiers').length > 0) return { what: 'DISTINCT, ORDER BY or LIMIT', node }
  for (const value of Object.values(node)) {
    for (const item of itemsOf(value)) {
      const found = isNode(item) ? findManyRows(item, aggregates) : undefined
      if (found) return found
    }
  }
  return undefined
}
