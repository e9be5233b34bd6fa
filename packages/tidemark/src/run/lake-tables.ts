/** The Delta tables of a lake, found by their folders; two requests a table, whatever its size. */
import { type ObjectStore, readSnapshot, type Snapshot } from '@tidemark/delta'
import { Problem } from '../errors/problem.ts'
import { TABLE_UNKNOWN } from '../errors/run.ts'
import { suggest } from '../config/suggest.ts'
import type { TableName } from '../model/flow.ts'
import { findTableName, parseTablePath, tablePath } from '../model/names.ts'
import type { LakeStore } from '../model/ports.ts'
import { mapInLanes } from '../storage/lanes.ts'
import { toProblem } from './problem-fact.ts'

export const LAYERS: readonly string[] = ['bronze', 'silver', 'gold', 'quarantine']

/** Folders that are looked into side by side, in a store elsewhere. */
const LANES = 16

/**
 * Names of all tables, layer by layer, in order of their folders.
 *
 * @param isWanted leaves tables out before it is looked whether they are there
 */
export async function listTables(
  store: ObjectStore,
  layers: readonly string[] = LAYERS,
  isWanted: (name: TableName) => boolean = () => true,
): Promise<TableName[]> {
  const names: TableName[] = []
  for (const layer of layers) {
    const folders = store.listFolders?.(layer) ?? findFolders(store, layer)
    for await (const folder of folders) {
      const name = parseTablePath(`${layer}/${folder}`)
      if (name !== undefined && isWanted(name)) names.push(name)
    }
  }
  const found = await mapInLanes(names, LANES, async name => ((await hasLog(store, tablePath(name))) ? [name] : []))
  return found.flat()
}

async function* findFolders(store: ObjectStore, layer: string): AsyncGenerator<string> {
  let startAfter = layer
  for (;;) {
    const folder = await firstFolder(store, layer, startAfter)
    if (folder === undefined) return
    startAfter = `${layer}/${folder}/\u{10FFFF}`
    yield folder
  }
}

async function firstFolder(store: ObjectStore, layer: string, startAfter: string): Promise<string | undefined> {
  for await (const { path } of store.list(layer, { startAfter })) {
    const [, folder, file] = path.split('/')
    if (folder !== undefined && file !== undefined) return folder
  }
  return undefined
}

async function hasLog(store: ObjectStore, path: string): Promise<boolean> {
  for await (const _ of store.list(`${path}/_delta_log`)) return true
  return false
}

/**
 * Open a table by name; look-up ignores case, and lists the lake only for a name that is not spelled exactly.
 *
 * @throws {TABLE_UNKNOWN} with the nearest name
 * @throws {DELTA_LOG_UNREADABLE} its log is broken
 */
export async function openTable(lake: LakeStore, wanted: TableName): Promise<{ name: TableName; snapshot: Snapshot }> {
  const exact = LAYERS.includes(wanted.split('.', 1)[0] ?? '') ? await lookAtTable(lake, wanted) : undefined
  if (exact !== undefined && !(exact instanceof Problem)) return { name: wanted, snapshot: exact }
  const known = await listTables(lake.store)
  const name = findTableName(known, wanted)
  const snapshot = name === undefined ? undefined : await lookAtTable(lake, name)
  if (snapshot instanceof Problem) throw snapshot
  if (name === undefined || snapshot === undefined) {
    throw TABLE_UNKNOWN({ table: wanted, suggestion: suggest(wanted, known) ?? '' })
  }
  return { name, snapshot }
}

/** The current snapshot of a table, undefined when there is none, or why it cannot be read: one broken table is no more. */
export async function lookAtTable(lake: LakeStore, name: TableName): Promise<Snapshot | Problem | undefined> {
  try {
    return await readSnapshot(lake, { tablePath: tablePath(name) })
  } catch (error) {
    return toProblem(error, name)
  }
}

/** Rows of a snapshot by its own statistics; undefined when a file has none. */
export function countRows(snapshot: Snapshot): bigint | undefined {
  let rows = 0n
  for (const file of snapshot.files.values()) {
    const count = /"numRecords":\s*(\d+)/.exec(file.stats ?? '')?.[1]
    if (count === undefined) return undefined
    rows += BigInt(count)
  }
  return rows
}
