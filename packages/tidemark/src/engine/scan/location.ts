/**
 * Where DuckDB opens a data file. A file lies inside the lake; only a table that names one by an absolute path can point
 * elsewhere, and is followed only into folders that were allowed.
 */
import { DeltaError, findStorePath, LocalStore, type ObjectStore, type Snapshot } from '@tidemark/delta'

export interface Places {
  readonly store: ObjectStore
  /** Absolute folders from which data files may be read, beside the store. */
  readonly folders: readonly string[]
  /** True where the store is that of one table of others: what lies beside the table is not part of it. */
  readonly isForeign?: boolean
}

/** The path in the lake of a table's file; undefined for one that lies elsewhere. */
export function storePathOf(store: ObjectStore, tablePath: string, path: string): string | undefined {
  const isAbsolute = path.startsWith('/') || /^[a-z][a-z0-9+.-]*:/i.test(path)
  return isAbsolute ? findStorePath(store, path) : `${tablePath}/${path}`
}

/**
 * The location of a file of a table's version, given by its add path.
 *
 * @throws PATH_INVALID when the file lies outside the lake and every allowed folder, symbolic links followed
 */
export function locateFile(
  { store, folders, isForeign = false }: Places,
  { tablePath, version }: Pick<Snapshot, 'tablePath' | 'version'>,
  path: string,
): string {
  const own = storePathOf(store, tablePath, path)
  if (own !== undefined && (!isForeign || own.startsWith(`${tablePath}/`))) return store.locate(own)
  for (const place of folders.map(folder => new LocalStore(folder))) {
    const inside = findStorePath(place, path)
    if (inside !== undefined) return place.locate(inside)
  }
  const message = `The data file ${path} of version ${version} of ${tablePath} lies outside the lake, in a folder that is not allowed.`
  throw new DeltaError('PATH_INVALID', message, { tablePath, version, file: path })
}
