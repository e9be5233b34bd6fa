/** The graph of a project's flows over the tables that are known, or that a pattern of the table list may bring. */
import type { Session } from '../engine/engine.ts'
import { FLOW_UNKNOWN_TABLE } from '../errors/flow.ts'
import { type Problem, Problems } from '../errors/problem.ts'
import { buildGraph, type ListedTable } from '../flows/language/graph.ts'
import { createPortableSql } from '../flows/language/portable/portable-sql.ts'
import { isPattern, matchesEntry } from '../ingest/resolve.ts'
import type { Flow } from '../model/flow.ts'
import { tableName } from '../model/names.ts'
import type { Project, TableEntry } from '../model/project.ts'
import { derivedTable, type KnownTable } from './known-tables.ts'

/** The graph, in which a table that is not known and that a pattern may bring, if that may be, is taken to be there. */
export async function graphWith(
  session: Session,
  project: Project,
  { tables, mayBring }: { tables: readonly KnownTable[]; mayBring: (pattern: TableEntry) => boolean },
): Promise<{ flows: readonly Flow[]; brought: readonly KnownTable[] }> {
  try {
    return { flows: await graphOf(session, project, tables), brought: [] }
  } catch (error) {
    const missing = error instanceof Problems ? error.problems.flatMap(problem => byPattern(problem, project)) : []
    const found = missing.filter(({ entry }) => entry !== undefined && mayBring(entry))
    if (found.length === 0) throw error
    const brought = [...new Map(found.map(table => [table.name.toLowerCase(), table])).values()]
    return { flows: await graphOf(session, project, [...tables, ...brought]), brought }
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
