/** A snapshot whose readings are counted and told, and may be made to fail. */
import type { CopyRequest, SourceSnapshot } from '../../packages/tidemark/src/sources/source.ts'

/** The snapshot, with reads of parts counted, and broken from the given read on; `onRead` is told what is to be read. */
export function watched(
  snapshot: SourceSnapshot,
  breakFrom = Infinity,
  onRead: (slice: CopyRequest['slice']) => void = () => undefined,
): { snapshot: SourceSnapshot; reads: () => number } {
  let reads = 0
  const copy = (request: CopyRequest): ReturnType<SourceSnapshot['copy']> => {
    reads += 1
    if (reads >= breakFrom) throw new TypeError('the connection is gone')
    onRead(request.slice)
    return snapshot.copy(request)
  }
  const proxy = new Proxy(snapshot, {
    get: (target, name) => {
      if (name === 'copy') return copy
      const value = Reflect.get(target, name, target) as unknown
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  return { snapshot: proxy, reads: () => reads }
}
