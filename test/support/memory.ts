/** An ObjectStore and a Clock in memory, for tests of what is kept and when it happens. */
import { DeltaError } from '@tidemark/delta'
import type { Clock, ObjectStore } from '../../packages/tidemark/src/model/ports.ts'

export interface MemoryStore extends ObjectStore {
  readonly objects: ReadonlyMap<string, string>
}

/** Objects as text by path. `before` sees each write first and fails it by throwing. */
export function memoryStore(before: (path: string) => void = () => {}): MemoryStore {
  const objects = new Map<string, string>()
  const missing = (path: string): never => {
    throw new DeltaError('NOT_FOUND', `There is no object ${path}.`, {})
  }
  return {
    objects,
    get: async path => new TextEncoder().encode(objects.get(path) ?? missing(path)),
    async putIfAbsent(path, bytes) {
      before(path)
      if (objects.has(path)) return 'exists'
      objects.set(path, new TextDecoder().decode(bytes))
      return 'created'
    },
    async put(path, bytes) {
      before(path)
      objects.set(path, new TextDecoder().decode(bytes))
    },
    putFile: async path => missing(path),
    async *list(prefix) {
      for (const path of [...objects.keys()].sort()) {
        if (path.startsWith(`${prefix}/`)) yield { path, size: objects.get(path)?.length ?? 0, modifiedAt: 0 }
      }
    },
    async delete(path) {
      objects.delete(path)
    },
    locate: missing,
  }
}

export interface SteppingClock extends Clock {
  /** What was slept, in order. */
  readonly pauses: number[]
  advance(ms: number): void
}

/** A clock that moves only when somebody sleeps or advances it. */
export function steppingClock(start: number): SteppingClock {
  let now = start
  const pauses: number[] = []
  return {
    pauses,
    now: () => now,
    monotonic: () => now,
    async sleep(ms, signal) {
      signal?.throwIfAborted()
      pauses.push(ms)
      now += ms
    },
    advance(ms) {
      now += ms
    },
  }
}
