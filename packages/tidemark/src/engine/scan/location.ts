/**
 * Where DuckDB opens a data file. A file lies inside the lake; only a table that names one by an absolute path can point
 * elsewhere, and is followed only into folders that were allowed.
 */
import { DeltaError, findStorePath, LocalStore, type ObjectStore, type Snapshot } from '@tidemark/delta'

export interface Places {
  readonly store: ObjectStore
  /** Absolute folders from which data files may be read, beside the store. */
  readonly folders: readonly string[]
}

/**
 * The location of a file of a table's version, given by its add path.
 *
 * @throws PATH_INVALID when the file lies outside the lake and every allowed folder, symbolic links followed
 */
export function locateFile(
  { store, folders }: Places,
  { tablePath, version }: Pick<Snapshot, 'tablePath' | 'version'>,
  path: string,
): string {
  const isAbsolute = path.startsWith('/') || /^[a-z][a-z0-9+.-]*:/i.test(path)
  if (!isAbsolute) return store.locate(`${tablePath}/${path}`)
  for (const place of [store, ...folders.map(folder => new LocalStore(folder))]) {
    const inside = findStorePath(place, path)
    if (inside !== undefined) return place.locate(inside)
  }
  const message = `The data file ${path} of version ${version} of ${tablePath} lies outside the lake, in a folder that is not allowed.`
  throw new DeltaError('PATH_INVALID', message, { tablePath, version, file: path })
}
