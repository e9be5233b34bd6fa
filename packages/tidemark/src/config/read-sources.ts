/** All sources of a project and their table lists; lists are fetched side by side. */
import { Problem, Problems } from '../errors/problem.ts'
import { DRIFT_MODES, type DriftMode, type SourceConfig, type TableEntry } from '../model/project.ts'
import { type ConfigNode, findEntry, findNode, type MapEntry, type MapNode, textOf, toValue } from './node.ts'
import { readSection } from './project-tree.ts'
import { type ListContext, type ReadList, readList } from './read-list.ts'
import { anyTable } from './any-table.ts'
import { buildSource, locateList } from './source-config.ts'
import { buildSilver } from './transform-entry.ts'

export interface ReadSources {
  sources: readonly SourceConfig[]
  tables: readonly TableEntry[]
  problems: readonly Problem[]
  /** What is wrong with lists that are kept elsewhere. */
  away: readonly Problem[]
  warnings: readonly Problem[]
}

/** Sources in the order written, tables in the order of the sources and of their lists. */
export async function readSources(body: MapNode, context: Omit<ListContext, 'entry'>): Promise<ReadSources> {
  const defaults = readDefaults(body)
  const node = findNode(body, ['sources'])
  const entries = node?.kind === 'map' ? node.entries : []
  const read = await Promise.all(entries.map(entry => readSource(body, entry, defaults.node, context)))
  return {
    sources: read.flatMap(one => one.source ?? []),
    tables: read.flatMap(one => one.tables),
    problems: [...defaults.problems, ...read.flatMap(one => one.problems)],
    away: read.flatMap(one => one.away),
    warnings: read.flatMap(one => one.warnings),
  }
}

async function readSource(
  body: MapNode,
  entry: MapEntry,
  silverDefaults: ConfigNode | undefined,
  context: Omit<ListContext, 'entry'>,
): Promise<ReadList & { source: SourceConfig | undefined }> {
  const { key: name, value: node } = entry
  const input = readSection(body, 'sources', name)?.sources[name]
  const built =
    input === undefined ? { source: undefined, problems: [] } : buildSource(name, input, node, context.secrets.root)
  const list = await readTables(name, input?.tables, node, silverDefaults, context)
  const problems = [...built.problems, ...list.problems]
  if (built.source === undefined) return { ...list, source: undefined, problems }
  const source: SourceConfig = { ...built.source, place: entry.keyPlace }
  if (list.away.length === 0) return { ...list, source: { ...source, listed: list.listed }, problems }
  return { ...list, source: { ...source, unlisted: new Problems(list.away) }, tables: [anyTable(source)], problems }
}

async function readTables(
  name: string,
  input: unknown,
  node: ConfigNode,
  silverDefaults: ConfigNode | undefined,
  context: Omit<ListContext, 'entry'>,
): Promise<ReadList> {
  const tables = findEntry(node, 'tables')?.value
  const nothing: ReadList = { tables: [], problems: [], away: [], warnings: [], listed: undefined }
  if (tables === undefined) return nothing
  // A source that is wrong elsewhere still has its list looked at, when that is a file or written inline.
  const location = locateList(name, tables, input ?? (tables.kind === 'scalar' ? toValue(tables) : undefined))
  if (location === undefined) return nothing
  if (location instanceof Problem) return { ...nothing, problems: [location] }
  const prefix = textOf(findNode(node, ['prefix'])) ?? ''
  return readList(location, { ...context, entry: { source: name, prefix, drift: driftOf(node), silverDefaults } })
}

/** A word that is none of them stops the source, whatever its tables say. */
function driftOf(node: ConfigNode): DriftMode {
  const written = textOf(findNode(node, ['drift']))
  return DRIFT_MODES.find(mode => mode === written) ?? 'addNewColumns'
}

function readDefaults(body: MapNode): { node: ConfigNode | undefined; problems: readonly Problem[] } {
  const node = findNode(body, ['silver', 'defaults'])
  const input = readSection(body, 'silver')?.silver?.defaults
  if (node === undefined || input === undefined) return { node: undefined, problems: [] }
  const { problems } = buildSilver(input, node, ['silver', 'defaults'])
  return { node: problems.length > 0 ? undefined : node, problems }
}
