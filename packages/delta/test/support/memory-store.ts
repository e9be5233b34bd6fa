/**
 * ObjectStore in memory: every operation is atomic because nothing is awaited inside it. It counts its calls.
 */
import { readFile } from 'node:fs/promises'
import {
  type Claim,
  compareBytes,
  DeltaError,
  type ObjectStore,
  type Rival,
  type StoredObject,
  splitStorePath,
} from '../../src/index.ts'

export interface MemoryStore extends ObjectStore {
  /** Number of calls of each method so far. */
  readonly counts: Record<'get' | 'putIfAbsent' | 'put' | 'putFile' | 'list' | 'delete' | 'claim', number>
  /** Every object, for assertions and for damaging one on purpose. */
  readonly objects: Map<string, Uint8Array>
}

/** @param now the store's clock; time stands still at 0 when it is left out */
export function memoryStore(now: () => number = () => 0): MemoryStore {
  const modifiedAt = new Map<string, number>()
  const objects = new Map<string, Uint8Array>()
  const counts = { get: 0, putIfAbsent: 0, put: 0, putFile: 0, list: 0, delete: 0, claim: 0 }
  let written = 0
  const versions = new Map<string, string>()
  const createNew = (path: string, bytes: Uint8Array): 'created' | 'exists' => {
    if (objects.has(path)) return 'exists'
    objects.set(path, bytes.slice())
    modifiedAt.set(path, now())
    return 'created'
  }
  const versionOf = (path: string): string | undefined =>
    objects.has(path) ? (versions.get(path) ?? 'created') : undefined
  /** Replace the object of that version; undefined is one that is not there. */
  const swap = (path: string, bytes: Uint8Array, from: string | undefined): string | undefined => {
    if (versionOf(path) !== from) return undefined
    written += 1
    objects.set(path, bytes.slice())
    modifiedAt.set(path, now())
    versions.set(path, String(written))
    return String(written)
  }
  const claimed = (path: string, first: string): Claim => {
    let version: string | undefined = first
    return {
      kind: 'claim',
      renew: async bytes => {
        counts.claim += 1
        version = version === undefined ? undefined : swap(path, bytes, version)
        return version === undefined ? 'lost' : 'kept'
      },
      release: async () => {
        counts.claim += 1
        if (version !== undefined && versionOf(path) === version) objects.delete(path)
        version = undefined
      },
    }
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
      swap(path, bytes, versionOf(path))
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
    claim: async (path, bytes, { over, signal }): Promise<Claim | Rival> => {
      counts.claim += 1
      signal?.throwIfAborted()
      splitStorePath(path)
      const [held, seen] = [objects.get(path), versionOf(path)]
      const version = held === undefined || seen === over?.version ? swap(path, bytes, seen) : undefined
      if (version !== undefined) return claimed(path, version)
      return { kind: 'rival', bytes: held?.slice() ?? bytes, version: seen ?? '', expires: false }
    },
    locate: path => `/memory/${splitStorePath(path).join('/')}`,
  }
}
