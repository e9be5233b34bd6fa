/**
 * Paths inside an object store: checked once, compared by bytes. Decides what a name may look like on every store.
 */
import { DeltaError } from '../errors.ts'

/** Return the path's segments; throws PATH_INVALID for a path that is absolute, empty or could leave the store. */
export function splitStorePath(path: string): string[] {
  if (isStorePath(path)) return path.split('/')
  throw new DeltaError('PATH_INVALID', `${JSON.stringify(path)} is not a path inside the store.`, { path })
}

/** True for a path that an object of a store can have. */
export function isStorePath(path: string): boolean {
  return !path.split('/').some(isBadSegment)
}

/** Order of two paths by their UTF-8 bytes, as object stores list them. */
export function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a, 'utf8'), Buffer.from(b, 'utf8'))
}

function isBadSegment(segment: string): boolean {
  return (
    segment === '' ||
    segment === '.' ||
    segment === '..' ||
    segment.includes('\0') ||
    !segment.isWellFormed() ||
    // A backslash separates folders on Windows, so it could step out of the root there.
    segment.includes('\\')
  )
}
