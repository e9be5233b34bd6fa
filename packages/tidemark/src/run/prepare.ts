/**
 * From a project to what a run works on: each source's snapshot opened once, its tables resolved against the database,
 * the flows put in graph order. A source or table that cannot be used keeps its problem; the others go on.
 */
import { namePlace } from '../config/lake-name.ts'
import { neededSources } from '../config/needed-sources.ts'
import { LAKE_NAME_TAKEN } from '../errors/list.ts'
import { type Place, Problem } from '../errors/problem.ts'
import type { Engine } from '../engine/engine.ts'
import { SOURCE_NOT_ASKED } from '../errors/run.ts'
import {
  type BoundEntry,
  bindEntries,
  isPattern,
  matchesEntry,
  type ResolvedTable,
  resolveTable,
} from '../ingest/resolve.ts'
import { splitTableName } from '../model/names.ts'
import type { Project, SourceConfig, TableEntry } from '../model/project.ts'
import { type Source, type SourceSnapshot, type TableRef, tableKey } from '../sources/source.ts'
import { toProblem } from './problem-fact.ts'

/** A source with its snapshot, or with the reason why there is none. */
export interface OpenSource {
  config: SourceConfig
  /** Undefined when its settings cannot be used, for example because a secret is missing. */
  source: Source | undefined
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

/** Opens sources from their configuration. */
export interface SourceOpener {
  open: (config: SourceConfig) => Promise<Source>
  /** The secret behind `salt`; undefined without one. @throws {SECRET_MISSING} */
  salt: (config: SourceConfig) => string | undefined
}

/** What is asked of `openSources` beyond the project. */
export interface OpenRequest {
  signal: AbortSignal
  /** Lake names wanted; every table when left out. */
  only?: (name: string) => boolean
  /** Tables that all of it is about, where that was told: sources that they do not need are not asked. */
  tables?: readonly string[] | undefined
  /** Bronze tables loaded from a source earlier: what its patterns stand for while it cannot be asked. */
  loaded: (source: string) => Promise<readonly string[]>
  /** Set where tables are about to be loaded: the engine that may read them, and the bronze tables that there are. */
  loading?: { engine: Pick<Engine, 'prepareBeside'>; there: () => Promise<readonly string[]> }
}

/** Open every source of the project side by side. Never rejects for a source that cannot be used. */
export async function openSources(
  project: Project,
  opener: SourceOpener,
  request: OpenRequest,
): Promise<readonly OpenSource[]> {
  const needed = neededSources(project, request.tables ?? [])
  const opened = await Promise.all(
    project.sources.map(config =>
      (needed?.has(config.name) ?? true)
        ? openSource(project, config, opener, request)
        : leaveSource(project, config, request),
    ),
  )
  return refuseTakenNames(opened)
}

/** A source that nobody needs now: its tables are known by the list. */
async function leaveSource(
  project: Project,
  config: SourceConfig,
  { loaded }: Pick<OpenRequest, 'loaded'>,
): Promise<OpenSource> {
  const entries = project.tables.filter(entry => entry.source === config.name)
  const problem = SOURCE_NOT_ASKED({ source: config.name }, { place: config.place })
  const refused = await refuseAll(config, entries, problem, loaded)
  return { config, source: undefined, snapshot: undefined, tables: [], refused }
}

async function openSource(
  project: Project,
  config: SourceConfig,
  opener: SourceOpener,
  request: OpenRequest,
): Promise<OpenSource> {
  const { signal, only, loaded } = request
  const entries = project.tables.filter(entry => entry.source === config.name)
  let source: Source | undefined
  try {
    if (config.unlisted !== undefined) throw config.unlisted
    source = await opener.open(config)
    const listing: readonly TableRef[] = entries.some(isPattern) ? await source.listTables(signal) : []
    const { bound, problems } = bindEntries(config, entries, listing)
    const wanted = only === undefined ? bound : bound.filter(({ name }) => only(name))
    const snapshot = await openSnapshot(source, wanted, request)
    const tables: ResolvedTable[] = []
    const refused = problems.map(refuseEntry)
    for (const entry of wanted) {
      try {
        tables.push(resolveBound(entry, config, { source, snapshot, salt: () => opener.salt(config) }))
      } catch (error) {
        refused.push(refuse(entry, withPlace(toProblem(error, entry.name), namePlace(entry.entry))))
      }
    }
    return { config, source, snapshot, tables, refused }
  } catch (error) {
    if (signal.aborted) throw error
    const problem = withPlace(toProblem(error, config.name), config.place)
    return {
      config,
      source,
      snapshot: undefined,
      tables: [],
      refused: await refuseAll(config, entries, problem, loaded),
    }
  }
}

/** What an engine needs for tables that are not in the lake yet, which are read whole, is fetched while the source is asked. */
async function openSnapshot(
  source: Source,
  wanted: readonly BoundEntry[],
  { signal, loading }: OpenRequest,
): Promise<SourceSnapshot> {
  const preparing = prepareLoads(source, wanted, loading)
  try {
    const refs = wanted.map(({ ref }) => ref)
    return await source.openSnapshot(refs, signal)
  } finally {
    await preparing
  }
}

async function prepareLoads(
  source: Source,
  wanted: readonly BoundEntry[],
  loading: OpenRequest['loading'],
): Promise<void> {
  if (loading === undefined || source.prepareDirect === undefined) return
  const { engine, there } = loading
  try {
    const known = new Set(await there())
    if (wanted.some(({ name }) => !known.has(name))) source.prepareDirect(engine)
  } catch {
    // Nobody needs to be ready: the reads themselves say what is wrong.
  }
}

/** Every table of a source that cannot be used; a pattern stands for the tables it has filled before. */
async function refuseAll(
  config: SourceConfig,
  entries: readonly TableEntry[],
  problem: Problem,
  loaded: OpenRequest['loaded'],
): Promise<RefusedTable[]> {
  const exact = entries.filter(entry => !isPattern(entry))
  const patterns = entries.filter(isPattern)
  const written = bindEntries(config, exact, []).bound.map(entry => refuse(entry, problem))
  if (patterns.length === 0) return written
  const taken = new Set(written.map(({ name }) => name.toLowerCase()))
  const earlier = (await loaded(config.name)).flatMap(name => {
    const table = splitTableName(name).table.slice(config.prefix.length)
    const entry = patterns.find(pattern => matchesEntry(pattern, { schema: pattern.schema, table }))
    if (entry === undefined || taken.has(name.toLowerCase())) return []
    return [{ name, entry, keys: entry.primaryKey, problem }]
  })
  const unknown = { name: `bronze (${config.name})`, entry: undefined, keys: undefined, problem }
  return earlier.length === 0 ? [...written, unknown] : [...written, ...earlier]
}

/** Two sources whose patterns meet in one lake name: the first keeps it, the other's table is refused. */
function refuseTakenNames(opened: readonly OpenSource[]): OpenSource[] {
  const first = new Map<string, { source: OpenSource; place: Place | undefined }>()
  return opened.map(source => {
    const isTaken = (name: string): boolean => (first.get(name.toLowerCase())?.source ?? source) !== source
    for (const { name, entry } of [...source.tables, ...source.refused]) {
      if (entry !== undefined && !first.has(name.toLowerCase())) {
        first.set(name.toLowerCase(), { source, place: entry.place })
      }
    }
    const taken = source.tables.filter(({ name }) => isTaken(name))
    if (taken.length === 0) return source
    const problems = taken.map(({ name, table, entry }) => {
      const at = first.get(name.toLowerCase())?.place
      const params = { name: splitTableName(name).table, table: `${table.schema}.${table.table}` }
      return LAKE_NAME_TAKEN({ ...params, first: `${at?.file}:${at?.line}` }, { place: entry.place })
    })
    const tables = source.tables.filter(({ name }) => !isTaken(name))
    return { ...source, tables, refused: [...source.refused, ...problems.map(refuseEntry)] }
  })
}

function resolveBound(
  bound: BoundEntry,
  config: SourceConfig,
  at: { source: Source; snapshot: SourceSnapshot; salt: () => string | undefined },
): ResolvedTable {
  const table = at.snapshot.tables.get(tableKey(bound.ref))
  if (table === undefined) throw new TypeError(`this is a bug in tidemark: ${bound.name} was not described`)
  if (table instanceof Problem) throw withPlace(table, bound.entry.places['table'] ?? bound.entry.place)
  return resolveTable(bound, table, config, at)
}

/** A problem the source found, shown at what the user wrote. */
function withPlace(problem: Problem, place: Place): Problem {
  if (problem.place !== undefined) return problem
  return Object.assign(Object.create(problem) as Problem, { place })
}

/** A problem of an entry that leads to no table of its own, under the name of what it asked for. */
function refuseEntry(problem: Problem): RefusedTable {
  const label = String(problem.params['table'] ?? problem.params['pattern'] ?? problem.code)
  return { name: `bronze (${label})`, entry: undefined, keys: undefined, problem }
}

function refuse({ entry, name }: BoundEntry, problem: Problem): RefusedTable {
  return { name, entry, keys: entry.primaryKey, problem }
}

/** Close snapshots and connections; safe for sources that never opened. */
export async function closeSources(sources: readonly OpenSource[]): Promise<void> {
  await Promise.allSettled(sources.map(async ({ snapshot }) => snapshot?.close()))
  await Promise.allSettled(sources.map(async ({ source }) => source?.close()))
}
