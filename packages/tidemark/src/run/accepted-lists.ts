/**
 * In production a table list that is kept at an address counts only as it was accepted: who can change the list cannot
 * change what is read. The first one is accepted by the first run; a changed one stops its source until somebody accepts it.
 *
 *   system/lists/<hash of the source's name>.json   hash and entries of the list that was accepted
 */
import { createHash } from 'node:crypto'
import { isDeltaError, type ObjectStore } from '@tidemark/delta'
import { anyTable } from '../config/any-table.ts'
import { LIST_CHANGED, LIST_HASH_UNKNOWN } from '../errors/list.ts'
import { type Problem, Problems } from '../errors/problem.ts'
import type { ListedEntry, ListedTables, Project, SourceConfig } from '../model/project.ts'

const FOLDER = 'system/lists'
/** Hex digits of a hash that are enough to mean one list. */
export const HASH_DIGITS = 12
const NAMED = 10

export interface Acceptance {
  /** Hashes, or beginnings of them, of the lists that are accepted from now on. */
  hashes: readonly string[]
  /** Write down what is accepted. Only under the lease. */
  record: boolean
}

/**
 * The project as it may be worked on: a source whose list is not the accepted one has no tables of its own, and says why.
 *
 * @throws {LIST_HASH_UNKNOWN} no list has a hash that is to be accepted
 */
export async function keepToAccepted(store: ObjectStore, project: Project, acceptance: Acceptance): Promise<Project> {
  assertListed(project, acceptance.hashes)
  if (project.target.mode !== 'production') return project
  const changed = new Map<string, Problem>()
  for (const source of project.sources) {
    const problem = await checkList(store, source, acceptance)
    if (problem !== undefined) changed.set(source.name, problem)
  }
  if (changed.size === 0) return project
  const sources = project.sources.map(source => {
    const problem = changed.get(source.name)
    return problem === undefined ? source : { ...source, unlisted: new Problems([problem]) }
  })
  const kept = project.tables.filter(({ source }) => !changed.has(source))
  const unknown = sources.filter(({ name }) => changed.has(name)).map(anyTable)
  return { ...project, sources, tables: [...kept, ...unknown] }
}

async function checkList(
  store: ObjectStore,
  { name, listed, place }: SourceConfig,
  { hashes, record }: Acceptance,
): Promise<Problem | undefined> {
  if (listed === undefined) return undefined
  const path = `${FOLDER}/${createHash('sha256').update(name).digest('hex').slice(0, 32)}.json`
  const accepted = await readAccepted(store, path)
  if (accepted !== undefined && accepted !== 'unreadable' && accepted.hash === listed.hash) return undefined
  if (accepted === undefined || hashes.some(hash => listed.hash.startsWith(hash))) {
    if (record)
      await store.put(path, new TextEncoder().encode(`${JSON.stringify({ format: 1, source: name, ...listed })}\n`))
    return undefined
  }
  const difference =
    accepted === 'unreadable' ? 'what was accepted cannot be read any more' : compare(accepted.entries, listed.entries)
  return LIST_CHANGED({ source: name, difference, hash: listed.hash }, { place })
}

/** A word that accepts nothing is a mistake: perhaps the list changed again since somebody looked at it. */
function assertListed({ sources }: Project, hashes: readonly string[]): void {
  const known = sources.flatMap(({ listed }) => listed?.hash ?? [])
  const unknown = hashes.find(hash => !known.some(one => one.startsWith(hash)))
  if (unknown !== undefined) throw LIST_HASH_UNKNOWN({ hash: unknown }, { state: 'Nothing was read.' })
}

async function readAccepted(store: ObjectStore, path: string): Promise<ListedTables | 'unreadable' | undefined> {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(await store.get(path)))
    return isListed(value) ? value : 'unreadable'
  } catch (error) {
    if (isDeltaError(error, 'NOT_FOUND')) return undefined
    if (error instanceof SyntaxError) return 'unreadable'
    throw error
  }
}

function isListed(value: unknown): value is ListedTables {
  const { hash, entries } = Object(value) as Record<string, unknown>
  const isEntry = (one: unknown): boolean => {
    const { table, says } = Object(one) as Record<string, unknown>
    return typeof table === 'string' && typeof says === 'string'
  }
  return typeof hash === 'string' && Array.isArray(entries) && entries.every(isEntry)
}

/** `added: public.a; removed: public.b; changed: public.c` */
function compare(before: readonly ListedEntry[], after: readonly ListedEntry[]): string {
  const [old, now] = [byTable(before), byTable(after)]
  const parts = [
    ['added', [...now.keys()].filter(table => !old.has(table))],
    ['removed', [...old.keys()].filter(table => !now.has(table))],
    ['changed', [...now].filter(([table, says]) => old.has(table) && old.get(table) !== says).map(([table]) => table)],
  ] as const
  const told = parts.filter(([, tables]) => tables.length > 0).map(([what, tables]) => `${what}: ${some(tables)}`)
  return told.length === 0 ? 'its entries say the same in other words or another order' : told.join('; ')
}

function byTable(entries: readonly ListedEntry[]): Map<string, string> {
  const tables = new Map<string, string>()
  for (const { table, says } of entries) tables.set(table, `${tables.get(table) ?? ''}${says}\n`)
  return tables
}

function some(tables: readonly string[]): string {
  const more = tables.length - NAMED
  return `${tables.slice(0, NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
