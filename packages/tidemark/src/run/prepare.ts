/**
 * From a project to what a run works on: each source's snapshot opened once, its tables resolved against the database,
 * the flows put in graph order. A source or table that cannot be used keeps its problem; the others go on.
 */
import { Problem } from '../errors/problem.ts'
import { type BoundEntry, bindEntries, isPattern, type ResolvedTable, resolveTable } from '../ingest/resolve.ts'
import type { Project, SourceConfig, TableEntry } from '../model/project.ts'
import {
  type Source,
  type SourceColumn,
  type SourceSnapshot,
  type SourceTable,
  type TableRef,
  tableKey,
} from '../sources/source.ts'
import { toProblem } from './problem-fact.ts'

/** A source with its snapshot, or with the reason why there is none. */
export interface OpenSource {
  config: SourceConfig
  source: Source
  snapshot: SourceSnapshot | undefined
  tables: readonly ResolvedTable[]
  /** Tables of the list that cannot be read, each with its reason. */
  refused: readonly RefusedTable[]
}

export interface RefusedTable {
  name: string
  /** Undefined for a problem of a pattern, which belongs to no table. */
  entry: TableEntry | undefined
  keys: readonly string[] | undefined
  problem: Problem
}

/** The table's columns with the named ones carried as text. */
export type AsText = (source: string, table: SourceTable, names: readonly string[]) => readonly SourceColumn[]

export interface SourceOpener {
  open: (config: SourceConfig) => Source
  asText: AsText
}

/** Open every source of the project side by side. Never rejects for a source that cannot be reached. */
export async function openSources(
  project: Project,
  opener: SourceOpener,
  signal: AbortSignal,
  only?: (name: string) => boolean,
): Promise<OpenSource[]> {
  return Promise.all(project.sources.map(config => openSource(project, config, opener, signal, only)))
}

async function openSource(
  project: Project,
  config: SourceConfig,
  opener: SourceOpener,
  signal: AbortSignal,
  only: ((name: string) => boolean) | undefined,
): Promise<OpenSource> {
  const entries = project.tables.filter(entry => entry.source === config.name)
  const source = opener.open(config)
  const written = bindEntries(
    config,
    entries.filter(entry => !isPattern(entry)),
    [],
  )
  try {
    const listing: readonly TableRef[] = entries.some(isPattern) ? await source.listTables(signal) : []
    const { bound, problems } = bindEntries(config, entries, listing)
    const wanted = only === undefined ? bound : bound.filter(({ name }) => only(name))
    const refused: RefusedTable[] = problems.map(problem => ({
      name: `bronze (${config.name})`,
      entry: undefined,
      keys: undefined,
      problem,
    }))
    const snapshot = await source.openSnapshot(
      wanted.map(({ ref }) => ref),
      signal,
    )
    const tables: ResolvedTable[] = []
    for (const entry of wanted) {
      try {
        tables.push(resolveBound(entry, snapshot, config, opener.asText))
      } catch (error) {
        refused.push(refuse(entry, toProblem(error, entry.name)))
      }
    }
    return { config, source, snapshot, tables, refused }
  } catch (error) {
    const refused = written.bound.map(entry => refuse(entry, toProblem(error, entry.name)))
    return { config, source, snapshot: undefined, tables: [], refused }
  }
}

function resolveBound(
  bound: BoundEntry,
  snapshot: SourceSnapshot,
  config: SourceConfig,
  asText: AsText,
): ResolvedTable {
  const table = snapshot.tables.get(tableKey(bound.ref))
  if (table === undefined) throw new TypeError(`this is a bug in tidemark: ${bound.name} was not described`)
  if (table instanceof Problem) throw withPlace(table, bound)
  return resolveTable(bound, table, config, asText)
}

/** A problem the source found, shown at the entry that asked for the table. */
function withPlace(problem: Problem, { entry }: BoundEntry): Problem {
  return problem.place === undefined ? problem.at(entry.places['table'] ?? entry.place) : problem
}

function refuse({ entry, name }: BoundEntry, problem: Problem): RefusedTable {
  return { name, entry, keys: entry.primaryKey, problem }
}

/** Close snapshots and connections; safe for sources that never opened. */
export async function closeSources(sources: readonly OpenSource[]): Promise<void> {
  await Promise.allSettled(sources.map(async ({ snapshot }) => snapshot?.close()))
  await Promise.allSettled(sources.map(({ source }) => source.close()))
}
