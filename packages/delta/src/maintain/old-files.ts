/**
 * The files of a table's folder that may be garbage: old enough, and nobody else's. Hidden ones belong to others, and so
 * does a table that lies inside of another.
 */
import { physicalName, columnMappingOf } from '../schema/column-mapping.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import type { ObjectStore, StoredObject } from '../store/store.ts'

const LOG = '/_delta_log/'

/**
 * Files last written before `oldest` (milliseconds since 1970 UTC), but for hidden ones and those of other tables. The
 * folder is listed once, to its end.
 */
export async function listOldFiles(
  store: ObjectStore,
  snapshot: Snapshot,
  { oldest, signal }: { oldest: number; signal: AbortSignal | undefined },
): Promise<StoredObject[]> {
  const { tablePath } = snapshot
  const partitions = partitionNames(snapshot)
  const inside = new Set<string>()
  const old: StoredObject[] = []
  for await (const object of store.list(tablePath)) {
    signal?.throwIfAborted()
    const path = object.path.slice(tablePath.length)
    if (path.indexOf(LOG) > 0) inside.add(path.slice(0, path.indexOf(LOG)))
    if (object.modifiedAt < oldest && !isHidden(path.slice(1), partitions)) old.push(object)
  }
  return inside.size === 0 ? old : old.filter(({ path }) => !isBelow(inside, path.slice(tablePath.length)))
}

/** Names by which the folders of partitions begin: those of the columns, in the schema or in files. */
function partitionNames(snapshot: Snapshot): ReadonlySet<string> {
  const { schema, metaData } = snapshot
  const fields = schema.fields.filter(({ name }) => metaData.partitionColumns.includes(name))
  return new Set(fields.flatMap(field => [field.name, physicalName(field, columnMappingOf(snapshot))]))
}

/** Folders and files that begin with a dot or underscore belong to others, but for the change data and partitions. */
function isHidden(path: string, partitions: ReadonlySet<string>): boolean {
  return path.split('/').some((name, i, { length }) => {
    if (!/^[._]/.test(name) || name === '_change_data') return false
    return i === length - 1 || !name.includes('=') || !partitions.has(unescaped(name.slice(0, name.indexOf('='))))
  })
}

/** Characters that no file system likes are percent-encoded in such a name. */
function unescaped(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}

/** True when one of the folders that lead to a path is among these. */
function isBelow(folders: ReadonlySet<string>, path: string): boolean {
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
    if (folders.has(path.slice(0, end))) return true
  }
  return false
}
