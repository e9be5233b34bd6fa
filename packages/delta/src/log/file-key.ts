/**
 * Which file an add or remove speaks of: the data file's path together with its deletion vector (Delta protocol, "Add
 * File and Remove File"). A snapshot holds a path once, with the newest deletion vector.
 */
import type { DeletionVectorDescriptor } from './actions.ts'

interface LogicalFile {
  readonly path: string
  readonly deletionVector?: DeletionVectorDescriptor
}

/** The protocol's unique id of a deletion vector; undefined for a file without one. */
export function deletionVectorId(vector: DeletionVectorDescriptor | undefined): string | undefined {
  if (vector === undefined) return undefined
  const { storageType, pathOrInlineDv, offset } = vector
  return offset === undefined ? `${storageType}${pathOrInlineDv}` : `${storageType}${pathOrInlineDv}@${offset}`
}

/** True when both are the same rows of the same data file. */
export function isSameFile(a: LogicalFile, b: LogicalFile): boolean {
  return a.path === b.path && deletionVectorId(a.deletionVector) === deletionVectorId(b.deletionVector)
}

/** One text for path and deletion vector, different for different files; the path itself when there is no vector. */
export function fileKey(file: LogicalFile): string {
  const id = deletionVectorId(file.deletionVector)
  return id === undefined ? file.path : `${file.path}\0${id}`
}
