/**
 * Paths inside an object store: checked once, compared by bytes. Decides what a name may look like on every store.
 */
import { DeltaError } from '../errors.ts'

/**
 * Return the path's segments; throws PATH_INVALID for a path that is absolute, empty or could leave the store.
 *
 * @example
 * ```ts
 * console.log(splitStorePath('t/day=1/part-0')) // [ 't', 'day=1', 'part-0' ]
 * ```
 */
export function splitStorePath(path: string): string[] {
  if (isStorePath(path)) return path.split('/')
  throw new DeltaError('PATH_INVALID', `${JSON.stringify(path)} is not a path inside the store.`, { path })
}

/**
 * True for a path that an object of a store can have.
 *
 * @example
 * ```ts
 * console.log([isStorePath('t/part-0'), isStorePath('../part-0')]) // [ true, false ]
 * ```
 */
export function isStorePath(path: string): boolean {
  return !path.split('/').some(isBadSegment)
}

/**
 * Order of two texts by their UTF-8 bytes, which is that of their code points; object stores list paths so, and Spark
 * compares strings so. Nothing is encoded for it, since lists and bounds are compared by the hundred thousand.
 *
 * @example
 * ```ts
 * console.log(['é', 'z', 'a'].sort(compareBytes)) // [ 'a', 'z', 'é' ]
 * ```
 */
export function compareBytes(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let at = 0; at < length; at += 1) {
    const [x, y] = [a.charCodeAt(at), b.charCodeAt(at)]
    if (x !== y) return pastSurrogates(x) - pastSurrogates(y)
  }
  return a.length - b.length
}

/** UTF-16 puts the characters beyond U+FFFF, as pairs of surrogates, below those from U+E000 on. */
function pastSurrogates(unit: number): number {
  if (unit < 0xd800) return unit
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800
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
