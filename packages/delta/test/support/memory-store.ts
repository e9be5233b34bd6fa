/**
 * ObjectStore in memory: every operation is atomic because nothing is awaited inside it. It counts its calls.
 */
import { readFile } from 'node:fs/promises'
import { compareBytes, DeltaError, type ObjectStore, type StoredObject, splitStorePath } from '../../src/index.ts'

export interface MemoryStore extends ObjectStore {
  /** Number of calls of each method so far. */
  readonly counts: Record<'get' | 'putIfAbsent' | 'put' | 'putFile' | 'list' | 'delete', number>
  /** Every object, for assertions and for damaging one on purpose. */
  readonly objects: Map<string, Uint8Array>
}

/** @param now the store's clock; time stands still at 0 when it is left out */
export function memoryStore(now: () => number = () => 0): MemoryStore {
  const modifiedAt = new Map<string, number>()
  const objects = new Map<string, Uint8Array>()
  const counts = { get: 0, putIfAbsent: 0, put: 0, putFile: 0, list: 0, delete: 0 }
  const createNew = (path: string, bytes: Uint8Array): 'created' | 'exists' => {
    if (objects.has(path)) return 'exists'
    objects.set(path, bytes.slice())
    modifiedAt.set(path, now())
    return 'created'
  }
  return {
    counts,
    objects,
    get: async (path, { signal } = {}) => {
      counts.get += 1
      signal?.throwIfAborted()
      splitStorePath(path)
      const bytes = objects.get(path)
      if (!bytes) throw new DeltaError('NOT_FOUND', `${path} does not exist.`, { path })
      return bytes.slice()
    },
    putIfAbsent: async (path, bytes, { signal } = {}) => {
      counts.putIfAbsent += 1
      signal?.throwIfAborted()
      splitStorePath(path)
      return createNew(path, bytes)
    },
    put: async (path, bytes, { signal } = {}) => {
      counts.put += 1
      signal?.throwIfAborted()
      splitStorePath(path)
      objects.set(path, bytes.slice())
      modifiedAt.set(path, now())
    },
    putFile: async (path, localFile, { signal } = {}) => {
      counts.putFile += 1
      signal?.throwIfAborted()
      splitStorePath(path)
      return createNew(path, await readFile(localFile))
    },
    async *list(prefix, { startAfter } = {}): AsyncGenerator<StoredObject> {
      counts.list += 1
      const paths = [...objects.keys()].filter(p => prefix === '' || p.startsWith(`${prefix}/`)).sort(compareBytes)
      for (const path of paths) {
        if (startAfter !== undefined && compareBytes(path, startAfter) <= 0) continue
        yield { path, size: objects.get(path)?.length ?? 0, modifiedAt: modifiedAt.get(path) ?? 0 }
      }
    },
    delete: async path => {
      counts.delete += 1
      splitStorePath(path)
      objects.delete(path)
    },
    locate: path => `/memory/${splitStorePath(path).join('/')}`,
  }
}
