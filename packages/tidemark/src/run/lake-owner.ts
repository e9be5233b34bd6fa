/**
 * Whose a lake is: the project that first ran on it. Two projects in one lake would each take the other's tables, runs and
 * alerts for its own, and replace the rows of every table that both have.
 */
import { isDeltaError, type ObjectStore } from '@tidemark/delta'
import { Problem } from '../errors/problem.ts'
import { LAKE_OF_ANOTHER_PROJECT, LAKES_OVERLAP } from '../errors/run.ts'
import { STORAGE_REFUSED } from '../errors/storage.ts'
import type { Project } from '../model/project.ts'
import type { RemoteLakePlace } from './lake.ts'

const PATH = 'system/project.json'

/**
 * Refuse a lake that another project fills. One that nobody has run on yet is everybody's.
 *
 * @throws {LAKE_OF_ANOTHER_PROJECT}
 */
export async function assertOwnLake(store: ObjectStore, project: Pick<Project, 'name' | 'lake'>): Promise<void> {
  const owner = await readOwner(store)
  if (owner !== undefined && owner !== project.name) throw ownedBy(owner, project)
}

/**
 * See whether a project may have a lake, writing nothing in it: before the lease, which would be a trace in another's lake.
 *
 * @param place of a lake that is no folder
 * @returns makes the lake the project's own, before anything else than the lease is written in it. Of two that claim it at
 *   once, one gets it; for the other it throws LAKE_OF_ANOTHER_PROJECT
 * @throws {LAKE_OF_ANOTHER_PROJECT} it is another's
 * @throws {LAKES_OVERLAP} it is new, and lies inside another or around one
 */
export async function askForLake(
  store: ObjectStore,
  project: Pick<Project, 'name' | 'lake'>,
  place?: RemoteLakePlace,
): Promise<() => Promise<void>> {
  const owner = await readOwner(store)
  if (owner === project.name) return () => Promise.resolve()
  if (owner !== undefined) throw ownedBy(owner, project)
  if (place !== undefined) await refuseOverlap(store, project.lake, place)
  return async () => {
    const bytes = new TextEncoder().encode(`${JSON.stringify({ format: 1, project: project.name })}\n`)
    if ((await store.putIfAbsent(PATH, bytes)) === 'exists') await assertOwnLake(store, project)
  }
}

/** A prefix is no folder: nothing but this keeps one lake's vacuum, tables and facts apart from another's. */
async function refuseOverlap(store: ObjectStore, lake: string, place: RemoteLakePlace): Promise<void> {
  const refuse = (other: string): Error => LAKES_OVERLAP({ lake, other }, { state: 'Nothing was read or written.' })
  for (const { lake: other, store: around } of await place.above()) {
    if ((await readOwner(around).catch(unlessRefused)) !== undefined) throw refuse(other)
  }
  const inside = await findLakeInside(store)
  if (inside !== undefined) throw refuse(`${lake}/${inside}`)
}

/** Rights that end at the lake's own prefix keep it apart from whatever lies around it. */
function unlessRefused(error: unknown): undefined {
  if (!(error instanceof Problem && error.code === STORAGE_REFUSED.code)) throw error
}

/** Folders that are looked into, the nearest ones first: what lies below may be somebody's millions of objects. */
const MOST_FOLDERS = 500

/** The folder below a new lake in which another one is, as far as it is looked for. */
async function findLakeInside(store: Pick<ObjectStore, 'get' | 'listFolders'>): Promise<string | undefined> {
  const waiting = ['']
  for (let looked = 0; looked < Math.min(waiting.length, MOST_FOLDERS); looked += 1) {
    const folder = waiting[looked] ?? ''
    for await (const name of store.listFolders?.(folder) ?? []) {
      if (folder !== '' && name === 'system' && (await isThere(store, `${folder}/${PATH}`))) return folder
      waiting.push(folder === '' ? name : `${folder}/${name}`)
      if (waiting.length > MOST_FOLDERS) break
    }
  }
  return undefined
}

async function isThere(store: Pick<ObjectStore, 'get'>, path: string): Promise<boolean> {
  try {
    await store.get(path)
    return true
  } catch (error) {
    if (isDeltaError(error, 'NOT_FOUND')) return false
    throw error
  }
}

function ownedBy(owner: string, { name, lake }: Pick<Project, 'name' | 'lake'>): Error {
  return LAKE_OF_ANOTHER_PROJECT({ lake, owner, project: name }, { state: 'Nothing was read or written.' })
}

/** The name of the project; undefined when there is no claim, or none that can be read. */
async function readOwner(store: ObjectStore): Promise<string | undefined> {
  try {
    const { project } = Object(JSON.parse(new TextDecoder().decode(await store.get(PATH)))) as Record<string, unknown>
    return typeof project === 'string' ? project : undefined
  } catch (error) {
    if (isDeltaError(error, 'NOT_FOUND') || error instanceof SyntaxError) return undefined
    throw error
  }
}
