/**
 * Any Delta table, by its name in the lake or as `delta.` and a path; at its newest version, an older one, or as the
 * changes between two.
 */
import { basename, dirname, resolve } from 'node:path'
import {
  findVersionAt,
  findVersionSince,
  LocalStore,
  parseTime,
  planChanges,
  planScan,
  readSnapshot,
  type ScanFile,
  type Snapshot,
} from '@tidemark/delta'
import type { Session } from '../engine/engine.ts'
import { type Sql, sql } from '../engine/sql.ts'
import { CONFIG_PLANNED } from '../errors/config.ts'
import { MOMENT_INVALID, TABLE_UNKNOWN } from '../errors/run.ts'
import type { Moment, TableAt } from '../flows/language/portable/time-travel.ts'
import { isByPath, pathOf, tablePath } from '../model/names.ts'
import type { LakeStore } from '../model/ports.ts'
import { openTable } from './lake-tables.ts'
import { toProblem } from './problem-fact.ts'

/** Where a table lies. */
export interface TablePlace {
  /** As it was asked for, or as the lake spells it. */
  readonly name: string
  readonly tables: LakeStore
  readonly tablePath: string
  readonly isInLake: boolean
}

/** The folders that tables named by path lie in, absolute; whoever opens an engine lets it read them. */
export function pathFolders(paths: readonly string[], cwd: string): string[] {
  return paths.filter(path => !isAddress(path)).map(path => resolve(cwd, path.replace(/^file:\/*(?=\/)/i, '')))
}

/**
 * Find a table.
 *
 * @throws {TABLE_UNKNOWN} no table of the lake has the name, or no table can be at the path
 * @throws {CONFIG_PLANNED} the path is an address of a store that this version cannot read
 */
export async function findTable(lake: LakeStore, wanted: string, cwd: string): Promise<TablePlace> {
  if (!isByPath(wanted)) {
    const { name } = await openTable(lake, wanted)
    return { name, tables: lake, tablePath: tablePath(name), isInLake: true }
  }
  const path = pathOf(wanted)
  if (isAddress(path))
    throw CONFIG_PLANNED({ what: `Reading a table at ${path}`, instead: 'Name a folder of this machine.' })
  const [folder = ''] = pathFolders([path], cwd)
  const name = `delta.\`${path}\``
  // The root of all folders lies in no other, and an empty path names nothing.
  if (path === '' || basename(folder) === '') throw TABLE_UNKNOWN({ table: name, suggestion: '' })
  const tables = { ...lake, store: new LocalStore(dirname(folder)) }
  return { name, tables, tablePath: basename(folder), isInLake: false }
}

/** The snapshot of a table, the newest or at a moment. Throws TABLE_UNKNOWN when there is none. */
export async function readTable(place: TablePlace, at?: Moment): Promise<Snapshot> {
  const version = at === undefined ? undefined : await versionOf(place, at)
  return present(place, await guarded(place, () => readSnapshot(place.tables, { tablePath: place.tablePath, version })))
}

/** A relation over a table as a query names it. It holds as long as the session. */
export async function scanTable(session: Session, place: TablePlace, wanted: TableAt): Promise<Sql> {
  const { changes, at } = wanted
  if (changes !== undefined) {
    const from = await versionOf(place, changes.from, findVersionSince)
    const to = changes.to === undefined ? undefined : await versionOf(place, changes.to)
    const plan = await guarded(place, () => planChanges(place.tables, { tablePath: place.tablePath, from, to }))
    const versions = plan.versions.map(version => ({
      ...version,
      parts: version.parts.map(part => ({ ...part, file: located(place, part.file) })),
    }))
    return sql`(${await guarded(place, () => session.scanChanges({ ...plan, versions }))})`
  }
  const snapshot = await readTable(place, at)
  const plan = await guarded(place, () => planScan(place.tables, snapshot))
  const files = plan.files.map(file => located(place, file))
  return sql`(${await guarded(place, () => session.scanPlan({ ...plan, files }))})`
}

/** The session reads the lake's store; a file of another place is named by where it lies. */
function located({ isInLake, tables, tablePath: folder }: TablePlace, file: ScanFile): ScanFile {
  const isAbsolute = file.add.path.startsWith('/') || isAddress(file.add.path)
  if (isInLake || isAbsolute) return file
  return { ...file, add: { ...file.add, path: tables.store.locate(`${folder}/${file.add.path}`) } }
}

/** The version of a moment: by its time the one that was current then, unless another way to find it is given. */
async function versionOf(place: TablePlace, at: Moment, find = findVersionAt): Promise<bigint> {
  if ('version' in at) return at.version
  const time = parseTime(at.timestamp.trim())
  if (time === undefined) throw MOMENT_INVALID({ text: at.timestamp })
  // Commits are dated to the millisecond, which neither way of finding one minds; without an offset a time is UTC.
  const timestamp = Number(time.micros) / 1000
  return present(place, await guarded(place, () => find(place.tables, { tablePath: place.tablePath, timestamp })))
}

/** What the engine or the log cannot do is told with the table's name. */
async function guarded<T>(place: TablePlace, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw toProblem(error, place.name)
  }
}

function present<T>({ name }: TablePlace, found: T | undefined): T {
  if (found === undefined) throw TABLE_UNKNOWN({ table: name, suggestion: '' })
  return found
}

function isAddress(path: string): boolean {
  return /^[a-z][a-z0-9+.-]+:/i.test(path) && !/^file:/i.test(path)
}
