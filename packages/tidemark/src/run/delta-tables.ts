/**
 * Any Delta table, by its name in the lake or as `delta.` and a path, of this machine or of a store; at its newest version,
 * an older one, or as the changes between two.
 */
import { basename, dirname, resolve } from 'node:path'
import {
  findVersionAt,
  findVersionSince,
  isDeltaError,
  LocalStore,
  parseTime,
  planChanges,
  planScan,
  readSnapshot,
  type Snapshot,
} from '@tidemark/delta'
import type { Session } from '../engine/engine.ts'
import { type Sql, sql } from '../engine/sql.ts'
import { isAddress } from '../config/project-path.ts'
import { TABLE_VERSION_MISSING } from '../errors/delta.ts'
import type { Problem } from '../errors/problem.ts'
import { MOMENT_INVALID, TABLE_ADDRESS, TABLE_UNKNOWN } from '../errors/run.ts'
import type { Moment, TableAt } from '../flows/language/portable/time-travel.ts'
import { isoInstant } from '../model/instant.ts'
import { isByPath, pathOf, tablePath } from '../model/names.ts'
import type { LakeStore, ObjectStore } from '../model/ports.ts'
import { type LakeAddress, parseLakeAddress } from '../storage/lake-address.ts'
import type { LakeReader } from './lake.ts'
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

/** A lake whose engine reads other tables, too. */
export type ReadingLake = LakeStore & Pick<LakeReader, 'engine' | 'scratch'>

/** Where tables outside the lake are found. */
export interface Outside {
  /** Absolute folder that paths are relative to. */
  readonly cwd: string
  /**
   * Open what is at an address in Azure or S3; nothing is asked of it yet.
   *
   * @param scratch folder of this work alone, which an engine may read
   */
  readonly open: (address: LakeAddress, scratch: string | undefined) => Promise<ObjectStore>
}

/** True for the address of something that is not on this machine. */
export function isElsewhere(path: string): boolean {
  return isAddress(path) && !/^file:/i.test(path)
}

/** The folders that tables named by path lie in, absolute; whoever opens an engine lets it read them. */
export function pathFolders(paths: readonly string[], cwd: string): string[] {
  return paths.filter(path => !isElsewhere(path)).map(path => resolve(cwd, path.replace(/^file:\/*(?=\/)/i, '')))
}

/**
 * Find a table.
 *
 * @throws {TABLE_UNKNOWN} no table of the lake has the name, or no table can be at the path
 * @throws {TABLE_ADDRESS} the path is an address at which there can be none
 */
export async function findTable(lake: ReadingLake, wanted: string, outside: Outside): Promise<TablePlace> {
  if (!isByPath(wanted)) {
    const { name } = await openTable(lake, wanted)
    return { name, tables: lake, tablePath: tablePath(name), isInLake: true }
  }
  const path = pathOf(wanted)
  const name = `delta.\`${path}\``
  const [folder] = pathFolders([path], outside.cwd)
  if (folder === undefined) {
    const { above, last } = splitTableAddress(path)
    return placeOutside(lake, { name, store: await outside.open(above, lake.scratch), tablePath: last })
  }
  // The root of all folders lies in no other, and an empty path names nothing.
  if (path === '' || basename(folder) === '') throw TABLE_UNKNOWN({ table: name, suggestion: '' })
  return placeOutside(lake, { name, store: new LocalStore(dirname(folder)), tablePath: basename(folder) })
}

/** A table in another store than the lake's, read by the lake's engine. */
export function placeOutside(
  { engine }: Pick<ReadingLake, 'engine'>,
  { name, store, tablePath: folder }: { name: string; store: ObjectStore; tablePath: string },
): TablePlace {
  return { name, tables: { store, logParquet: engine.logParquetOf(store) }, tablePath: folder, isInLake: false }
}

/**
 * The address of the folder around a table, and the table's own name in it.
 *
 * @throws {TABLE_ADDRESS}
 */
export function splitTableAddress(path: string): { above: LakeAddress; last: string } {
  const address = parseLakeAddress(path)
  if (typeof address === 'string') throw TABLE_ADDRESS({ address: path, reason: address })
  const parts = address.path.split('/')
  const last = parts.pop() ?? ''
  if (last === '') throw TABLE_ADDRESS({ address: path, reason: 'names no folder' })
  return { above: { ...address, path: parts.join('/') }, last }
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
    return sql`(${await guarded(place, () => session.scanChanges(plan, place.tables))})`
  }
  const snapshot = await readTable(place, at)
  const plan = await guarded(place, () => planScan(place.tables, snapshot))
  return sql`(${await guarded(place, () => session.scanPlan(plan, place.tables))})`
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

/** That a version is not there is said with those that are; undefined for any other error, or when that cannot be told. */
async function versionMissing(
  { name, tables, tablePath: folder }: TablePlace,
  error: unknown,
): Promise<Problem | undefined> {
  if (!isDeltaError(error, 'VERSION_NOT_FOUND')) return undefined
  const { version, timestamp } = error.details
  const isTime = typeof timestamp === 'number'
  if (!isTime && typeof version !== 'bigint') return undefined
  try {
    const first = await findVersionSince(tables, { tablePath: folder, timestamp: 0 })
    const last = await readSnapshot(tables, { tablePath: folder })
    if (first === undefined || last === undefined) return undefined
    const wanted = isTime ? `of the time ${isoInstant(timestamp)}` : String(version)
    return TABLE_VERSION_MISSING(
      { table: name, wanted, first: String(first), last: String(last.version) },
      { cause: error },
    )
  } catch {
    return undefined
  }
}

/** What the engine or the log cannot do is told with the table's name. */
async function guarded<T>(place: TablePlace, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw (await versionMissing(place, error)) ?? toProblem(error, place.name)
  }
}

function present<T>({ name }: TablePlace, found: T | undefined): T {
  if (found === undefined) throw TABLE_UNKNOWN({ table: name, suggestion: '' })
  return found
}
