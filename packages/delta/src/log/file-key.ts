/**
 * Which file an add or remove speaks of: the data file's path together with its deletion vector (Delta protocol, "Add
 * File and Remove File"). A snapshot holds a path once, with the newest deletion vector.
 */
import type { DeletionVectorDescriptor } from './actions.ts'

interface LogicalFile {
  readonly path: string
  readonly deletionVector?: DeletionVectorDescriptor
}

/**
 * The protocol's unique id of a deletion vector; undefined for a file without one.
 *
 * @example
 * ```ts
 * console.log(deletionVectorId({ storageType: 'i', pathOrInlineDv: 'wi5b', sizeInBytes: 40, cardinality: 6n })) // iwi5b
 * console.log(deletionVectorId(undefined)) // undefined
 * ```
 */
export function deletionVectorId(vector: DeletionVectorDescriptor | undefined): string | undefined {
  if (vector === undefined) return undefined
  const { storageType, pathOrInlineDv, offset } = vector
  return offset === undefined ? `${storageType}${pathOrInlineDv}` : `${storageType}${pathOrInlineDv}@${offset}`
}

/**
 * True when both are the same rows of the same data file.
 *
 * @example
 * ```ts
 * const deletionVector = { storageType: 'i' as const, pathOrInlineDv: 'wi5b', sizeInBytes: 40, cardinality: 6n }
 * console.log(isSameFile({ path: 'a' }, { path: 'a', deletionVector })) // false
 * ```
 */
export function isSameFile(a: LogicalFile, b: LogicalFile): boolean {
  return a.path === b.path && deletionVectorId(a.deletionVector) === deletionVectorId(b.deletionVector)
}

/**
 * One text for path and deletion vector, different for different files; the path itself when there is no vector.
 *
 * @example
 * ```ts
 * console.log(fileKey({ path: 'a' })) // a
 * ```
 */
export function fileKey(file: LogicalFile): string {
  const id = deletionVectorId(file.deletionVector)
  return id === undefined ? file.path : `${file.path}\0${id}`
}
