/**
 * From an absolute place, as the log may name one, back to a path inside the store.
 */
import type { ObjectStore } from './store.ts'

/**
 * The store path of an absolute place (`/lake/t/part-0`, `s3://bucket/t/part-0`), or undefined when it is not below the
 * store's root, in whichever way that is named. Only the text is compared; the store itself still refuses what leads outside.
 *
 * @example
 * ```ts
 * const local = new LocalStore(folder)
 * console.log(findStorePath(local, `${folder}/t/part-0`)) // t/part-0
 * console.log(findStorePath(local, '/elsewhere/part-0')) // undefined
 * ```
 */
export function findStorePath(store: ObjectStore, place: string): string | undefined {
  for (const root of [store.locate('x'), store.address?.('x')]) {
    const path = root === undefined ? undefined : below(root.slice(0, -1), place)
    if (path !== undefined) return path
  }
  return undefined
}

function below(root: string, place: string): string | undefined {
  // A Windows root is `C:\lake\`, while URIs spell its files `/C:/lake/…`.
  const [prefix, wanted] = /^[a-z]:\\/i.test(root)
    ? [root.replaceAll('\\', '/'), place.replace(/^\//, '')]
    : [root, place]
  return wanted.startsWith(prefix) && wanted.length > prefix.length ? wanted.slice(prefix.length) : undefined
}
