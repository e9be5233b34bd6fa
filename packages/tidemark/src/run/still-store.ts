/**
 * A store as a plan looks at it: what was not there at the first look is not asked for again. Many steps of a plan open the
 * same tables, and in a store elsewhere each time costs the requests that find nothing new.
 */
import { DeltaError, isDeltaError, type ObjectStore, type StoreOptions } from '@tidemark/delta'

/** Objects up to this size are remembered, too: hints and batch records, but not logs as a whole. */
const SMALL_BYTES = 16 * 1024

/**
 * The same store for one plan. Nothing is decided by what it remembers: a step that has work to do looks at the lake itself,
 * and every commit is conditional. What a listing shows is taken to be there.
 */
export function stillStore(store: ObjectStore): ObjectStore {
  const absent = new Set<string>()
  const small = new Map<string, Promise<Uint8Array>>()
  const ask = async (path: string, options: StoreOptions | undefined): Promise<Uint8Array> => {
    try {
      const bytes = await store.get(path, options)
      if (bytes.length > SMALL_BYTES) small.delete(path)
      return bytes
    } catch (error) {
      small.delete(path)
      if (isDeltaError(error, 'NOT_FOUND')) absent.add(path)
      throw error
    }
  }
  return {
    get: async (path, options) => {
      options?.signal?.throwIfAborted()
      if (absent.has(path)) throw new DeltaError('NOT_FOUND', `${path} does not exist.`, { path })
      const asked = small.get(path) ?? ask(path, options)
      small.set(path, asked)
      return await asked
    },
    async *list(prefix, options) {
      for await (const object of store.list(prefix, options)) {
        absent.delete(object.path)
        yield object
      }
    },
    putIfAbsent: (path, bytes, options) => store.putIfAbsent(path, bytes, options),
    put: (path, bytes, options) => store.put(path, bytes, options),
    putFile: (path, localFile, options) => store.putFile(path, localFile, options),
    delete: path => store.delete(path),
    locate: path => store.locate(path),
    ...optionalOf(store),
  }
}

/** What not every store has. */
function optionalOf(store: ObjectStore): Pick<ObjectStore, 'hold' | 'address' | 'listFolders'> {
  const [hold, address] = [store.hold?.bind(store), store.address?.bind(store)]
  const listFolders = store.listFolders?.bind(store)
  return {
    ...(hold === undefined ? {} : { hold }),
    ...(address === undefined ? {} : { address }),
    ...(listFolders === undefined ? {} : { listFolders }),
  }
}
