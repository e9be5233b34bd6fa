/** `trace`: one row followed from its source through bronze and silver to the history tables. Reads and writes nothing. */
import type { Snapshot } from '@tidemark/delta'
import { suggest } from '../../config/suggest.ts'
import { type Problem, Problems } from '../../errors/problem.ts'
import { TABLE_UNKNOWN, TRACE_KEY } from '../../errors/run.ts'
import { markDomain, parseMark } from '../../ingest/mark.ts'
import { findTableName } from '../../model/names.ts'
import type { Project, SourceConfig } from '../../model/project.ts'
import type { Trace, TracedSilver } from '../../model/trace.ts'
import { checkFlows } from '../check-flows.ts'
import type { LakeReader } from '../lake.ts'
import { listTables, openTable } from '../lake-tables.ts'
import { keepToAccepted } from '../accepted-lists.ts'
import { listLoaded } from '../loaded.ts'
import { closeSources, openSources } from '../prepare.ts'
import type { RunPorts } from '../run-project.ts'
import { traceBronze } from './bronze.ts'
import { traceGold } from './gold.ts'
import { silverFlow, traceSilver } from './silver.ts'
import { traceSource } from './source.ts'

export interface TraceRequest {
  ports: Pick<RunPorts, 'clock' | 'ids' | 'opener'>
  project: Project
  lake: LakeReader
  /** The table, by its name in bronze or silver, with or without the layer. */
  table: string
  /** Values of the key by column, as the database reads them. */
  key: ReadonlyMap<string, string>
  signal: AbortSignal
}

export interface TraceResult {
  trace: Trace
  /** What could not be looked at, while the rest could. */
  problems: readonly Problem[]
}

/**
 * Follow one row.
 *
 * @throws {TABLE_UNKNOWN} no bronze table has the name
 * @throws {TRACE_KEY} the columns given are not the table's key
 */
export async function traceKey(request: TraceRequest): Promise<TraceResult> {
  const { ports, lake, signal } = request
  const project = await keepToAccepted(lake.store, request.project, { hashes: [], record: false })
  const { name, snapshot } = await openBronze(lake, request.table)
  const { config, keys } = ownerOf(project, name, snapshot)
  const key = matchKey(name, keys, request.key)
  const sources = await openSources({ ...project, sources: [config] }, ports.opener, {
    signal,
    only: table => table === name,
    loaded: source => listLoaded(lake, source),
  })
  try {
    await using session = await lake.engine.session()
    const source = await traceSource({ ...request, session }, { name, source: sources[0], key })
    const entries = await traceBronze({ ...request, session }, { snapshot, key })
    const problems = source.problem === undefined ? [] : [source.problem]
    const checked = await checkFlows(lake.engine, project).catch((error: unknown) => {
      if (!(error instanceof Problems)) throw error
      problems.push(...error.problems)
      return []
    })
    const flow = silverFlow({ name, keys, source: sources[0], flows: checked })
    const made = flow === undefined ? undefined : await traceSilver({ ...request, session }, flow, entries)
    if (made?.problem !== undefined) problems.push(made.problem)
    const gold =
      made?.judged === undefined
        ? []
        : await traceGold({ lake, session, signal }, checked, { flow, judged: made.judged })
    const silver: TracedSilver | undefined = made?.silver
    const versions = made?.versions ?? entries.versions
    return {
      trace: { table: name, key: Object.fromEntries(key), source: source.traced, versions, silver, gold },
      problems,
    }
  } finally {
    await closeSources(sources)
  }
}

async function openBronze(lake: LakeReader, wanted: string): Promise<{ name: string; snapshot: Snapshot }> {
  const bare = wanted.replace(/^(bronze|silver)\./i, '')
  const known = await listTables(lake.store, ['bronze'])
  const name = findTableName(known, `bronze.${bare}`)
  if (name === undefined) {
    throw TABLE_UNKNOWN({ table: `bronze.${bare}`, suggestion: suggest(`bronze.${bare}`, known) ?? '' })
  }
  return await openTable(lake, name)
}

/** The source whose mark the table carries, and the key by which it was loaded. */
function ownerOf(
  project: Project,
  name: string,
  snapshot: Snapshot,
): { config: SourceConfig; keys: readonly string[] } {
  for (const config of project.sources) {
    const configuration = snapshot.domain(markDomain(config.name))
    if (configuration !== undefined) return { config, keys: parseMark(configuration).keys }
  }
  throw TRACE_KEY({ table: name, reason: 'no source of the project has filled it' })
}

/** The values given, under the spelling and in the order of the key. */
function matchKey(table: string, keys: readonly string[], given: ReadonlyMap<string, string>): Map<string, string> {
  if (keys.length === 0) throw TRACE_KEY({ table, reason: 'it has no key, so no row can be told from another' })
  const wanted = new Map([...given].map(([column, value]) => [column.toLowerCase(), value]))
  const found = keys.flatMap(key => {
    const value = wanted.get(key.toLowerCase())
    return value === undefined ? [] : [[key, value] as const]
  })
  if (found.length !== keys.length || wanted.size !== keys.length) {
    throw TRACE_KEY({ table, reason: `its key is ${keys.map(key => `${key}=…`).join(' ')}` })
  }
  return new Map(found)
}
