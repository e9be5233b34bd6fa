/** The table list of a source, wherever it is kept: in tidemark.yml, in a file beside it, or at an address. */
import { resolve } from 'node:path'
import { CONFIG_OUTSIDE_PROJECT } from '../errors/config.ts'
import { LIST_COPY_USED, LIST_EMPTY, LIST_INSECURE, LIST_SHAPE } from '../errors/list.ts'
import { type Place, Problem } from '../errors/problem.ts'
import { isoInstant } from '../model/instant.ts'
import type { ListedTables, TableEntry, TextOrSecret } from '../model/project.ts'
import { type FetchText, isOutOfReach, printAddress } from './fetch-list.ts'
import { parseJson } from './json-text.ts'
import { hashOf, keepListCopy, readListCopy } from './list-copy.ts'
import { listEntries } from './list-dialect.ts'
import { listedEntries } from './listed-entries.ts'
import type { ConfigNode, Path } from './node.ts'
import { readProjectText } from './project-file.ts'
import { isInside } from './project-path.ts'
import { keptRefs, openText, type SecretContext } from './secret.ts'
import { type SourceText, sourceText } from './source-text.ts'
import { buildEntry, type EntryContext } from './table-entry.ts'
import { replaceVariables, type Scope } from './variables.ts'
import { type Parsed, parseYaml } from './yaml-text.ts'

/** Where a list is. `place` is where that is written. */
export type ListLocation =
  | { kind: 'inline'; node: ConfigNode; path: Path; place: Place }
  | { kind: 'file'; path: string; place: Place }
  | {
      kind: 'address'
      url: string
      headers: Readonly<Record<string, TextOrSecret>>
      allowPrivate: boolean
      place: Place
    }

export interface ListContext {
  entry: Omit<EntryContext, 'path'>
  scope: Scope
  secrets: SecretContext
  isProduction: boolean
  fetchText: FetchText
  /** Absolute folder of this machine where copies of lists are kept. */
  local: string
  signal: AbortSignal
}

export interface ReadList {
  tables: readonly TableEntry[]
  problems: readonly Problem[]
  /** What is wrong with a list that is kept elsewhere: it is not the project that has to be corrected. */
  away: readonly Problem[]
  warnings: readonly Problem[]
  /** What a list at an address says; undefined for the others, and for one that is wrong. */
  listed: ListedTables | undefined
}

/** Read, parse and check a list. Everything wrong with it is returned, together with the entries that are right. */
export async function readList(location: ListLocation, context: ListContext): Promise<ReadList> {
  if (location.kind === 'inline') return buildList(location.node, location.path, location.place, context)
  const out: Findings = { warnings: [], problems: [], away: [] }
  const opened = await openList(location, context, out)
  if (opened === undefined) return { tables: [], listed: undefined, ...out }
  const list = readText(opened.source, location, context)
  if (list.problems.length === 0) await opened.keep?.()
  const found = location.kind === 'address' ? { away: list.problems, problems: [] } : { ...list, away: [] }
  return {
    tables: found.away.length > 0 ? [] : list.tables,
    problems: [...out.problems, ...found.problems],
    away: found.away,
    warnings: [...out.warnings, ...list.warnings],
    listed: location.kind === 'address' && found.away.length === 0 ? list.listed : undefined,
  }
}

/** What comes to light while a list is fetched. */
interface Findings {
  warnings: Problem[]
  problems: Problem[]
  away: Problem[]
}

function readText(source: SourceText, { place }: ListLocation, context: ListContext): Omit<ReadList, 'away'> {
  const parsed = parseList(source)
  if (parsed.node === undefined) return { tables: [], problems: parsed.problems, warnings: [], listed: undefined }
  const replaced = replaceVariables(parsed.node, context.scope)
  const list = buildList(replaced.node, [], place, context)
  const listed = { hash: hashOf(source.text), entries: listedEntries(replaced.node) }
  return { ...list, listed, problems: [...parsed.problems, ...replaced.problems, ...list.problems] }
}

/** A list as text. `keep` makes it the copy that is used from now on: a list in which nothing is wrong is worth it. */
interface OpenedList {
  source: SourceText
  keep?: () => Promise<void>
}

async function openList(
  location: Exclude<ListLocation, { kind: 'inline' }>,
  context: ListContext,
  out: Findings,
): Promise<OpenedList | undefined> {
  if (location.kind === 'file') {
    const { root } = context.secrets
    const path = resolve(root, location.path)
    const text = isInside(root, path)
      ? await readProjectText(root, path, location.place)
      : CONFIG_OUTSIDE_PROJECT({ key: 'tables', path: location.path }, { place: location.place })
    if (typeof text === 'string')
      return { source: sourceText(location.path.replace(/^\.\//, '').replaceAll('\\', '/'), text) }
    out.problems.push(text)
    return undefined
  }
  try {
    if (/^http:/i.test(location.url) && !location.allowPrivate) {
      const insecure = LIST_INSECURE({ host: URL.parse(location.url)?.host ?? 'an address' }, { place: location.place })
      const list = context.isProduction || Object.keys(location.headers).length > 0 ? out.problems : out.warnings
      list.push(insecure)
      if (list === out.problems) return undefined
    }
    await context.secrets.vault?.fetch(keptRefs(Object.values(location.headers)))
    const headers = Object.entries(location.headers).map(
      ([name, value]) => [name, openText(value, context.secrets).reveal()] as const,
    )
    return await fetchList(location, Object.fromEntries(headers), context, out)
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    const isAway = error.exit === 3
    const list = isAway ? out.away : out.problems
    list.push(Object.assign(error, { place: error.place ?? location.place }))
    return undefined
  }
}

/** The list from its address, or the copy: because the server says that nothing changed, or because it cannot be asked. */
async function fetchList(
  { url, allowPrivate, place }: Extract<ListLocation, { kind: 'address' }>,
  headers: Readonly<Record<string, string>>,
  { fetchText, entry, local, signal }: ListContext,
  out: Findings,
): Promise<OpenedList> {
  const at = { local, source: entry.source, url }
  const copy = await readListCopy(at)
  const opened = (text: string): OpenedList => ({ source: sourceText(printAddress(url), text) })
  try {
    const fetched = await fetchText({ url, allowPrivate, headers, etag: copy?.etag, signal })
    const { text, etag } = fetched.kind === 'text' ? fetched : (copy ?? { text: '', etag: undefined })
    return { ...opened(text), keep: () => keepListCopy(at, { text, etag }) }
  } catch (error) {
    if (copy === undefined || !(error instanceof Problem) || !isOutOfReach(error)) throw error
    const stale = { reason: error.message, hash: copy.hash, at: isoInstant(Math.trunc(copy.at)) }
    out.warnings.push(LIST_COPY_USED(stale, { place, cause: error }))
    return opened(copy.text)
  }
}

/** JSON by the name or the first character, else YAML. A page of HTML is told from a list. */
function parseList(source: SourceText): Parsed {
  const start = source.text.trimStart()
  if (/^<(!doctype|html|\?xml|[a-z])/i.test(start)) {
    const reason = 'is a web page, not a list; on a Git host, use the address of the raw file'
    return { node: undefined, problems: [LIST_SHAPE({ reason }, { place: source.place(0) })] }
  }
  if (start === '')
    return { node: undefined, problems: [LIST_SHAPE({ reason: 'is empty' }, { place: source.place(0) })] }
  const name = source.file.toLowerCase()
  const isYaml = name.endsWith('.yml') || name.endsWith('.yaml')
  return name.endsWith('.json') || (!isYaml && /^[[{]/.test(start)) ? parseJson(source) : parseYaml(source)
}

function buildList(node: ConfigNode, path: Path, place: Place, context: ListContext): ReadList {
  const { entries, problems: shape } = listEntries(node)
  const built = entries.map((entry, i) =>
    buildEntry(entry, { ...context.entry, path: path.length === 0 ? [] : [...path, i] }),
  )
  const isEmpty = shape.length === 0 && entries.length === 0
  return {
    tables: built.flatMap(one => (one.entry === undefined ? [] : [one.entry])),
    problems: [...shape, ...built.flatMap(one => one.problems)],
    away: [],
    listed: undefined,
    warnings: isEmpty ? [LIST_EMPTY({ source: context.entry.source }, { place })] : [],
  }
}
