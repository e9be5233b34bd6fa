/** What an engine reads of a lake elsewhere keeps the promises of every store: it is one with a cache before it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { claimContract } from '../../packages/delta/test/contract/claim.contract.ts'
import { type StoreContract, storeContract } from '../../packages/delta/test/contract/store.contract.ts'
import { memoryStore } from '../../packages/delta/test/support/memory-store.ts'
import { systemClock } from '../../packages/tidemark/src/run/system.ts'
import { CachedStore, type DistantStore } from '../../packages/tidemark/src/storage/cache/cached-store.ts'
import { FileCache } from '../../packages/tidemark/src/storage/cache/file-cache.ts'

function distantStore(): DistantStore {
  const store = memoryStore()
  const { claim } = store
  if (claim === undefined) throw new Error('the store in memory holds no objects')
  return Object.assign(store, {
    claim,
    usage: { requests: 0, retries: 0, waitedMs: 0, sentBytes: 0, receivedBytes: 0 },
    download: async (path: string, _size: number, file: string) => await writeFile(file, await store.get(path)),
    async *listFolders(folder: string) {
      const names = new Set<string>()
      for await (const { path } of store.list(folder)) {
        const [name, ...rest] = path.slice(folder.length + 1).split('/')
        if (name !== undefined && rest.length > 0) names.add(name)
      }
      yield* names
    },
  })
}

const contract: StoreContract = {
  name: 'a cache before a store',
  make: async () => {
    const root = await mkdtemp(join(tmpdir(), 'tidemark-cached-'))
    const cache = new FileCache({ folder: join(root, 'cache'), limitBytes: 1e9, clock: systemClock })
    const store = new CachedStore({ distant: distantStore(), cache, folder: join(root, 'held'), lake: 'far://lake' })
    return { store, close: () => rm(root, { recursive: true, force: true }) }
  },
}

storeContract(contract)
claimContract(contract)
