/** Bronze tables as flows see them: those of the sources, and the flow by which the table list fills silver from each. */
import { Problems } from '../errors/problem.ts'
import type { DerivedTable } from '../flows/language/graph.ts'
import { isPattern } from '../ingest/resolve.ts'
import { lakeColumnName } from '../ingest/system-columns.ts'
import type { DerivedFlow } from '../model/flow.ts'
import { splitTableName, tableName } from '../model/names.ts'
import type { TableEntry } from '../model/project.ts'
import type { OpenSource } from './prepare.ts'

/** A bronze table as flows see it; keys are unknown for a table that could not be looked at. */
export interface KnownTable {
  name: string
  entry: TableEntry | undefined
  keys: readonly string[] | undefined
}

/** The tables of a source, those that could not be looked at too. */
export function knownTables(source: OpenSource): KnownTable[] {
  const readable = source.tables.map(({ name, entry, keys }) => ({ name, entry, keys }))
  const refused = source.refused.flatMap(({ name, entry, keys }) =>
    entry === undefined ? [] : [{ name, entry, keys }],
  )
  return [...readable, ...refused]
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
