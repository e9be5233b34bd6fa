import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LocalStore } from '../src/index.ts'
import { claimContract } from './contract/claim.contract.ts'
import { storeContract } from './contract/store.contract.ts'
import { memoryStore } from './support/memory-store.ts'

storeContract({
  name: 'the local folder',
  make: async () => {
    const root = await mkdtemp(join(tmpdir(), 'tidemark-delta-'))
    return { store: new LocalStore(join(root, 'lake')), close: () => rm(root, { recursive: true }) }
  },
})

for (const contract of [storeContract, claimContract])
  contract({ name: 'memory', make: async () => ({ store: memoryStore(), close: async () => {} }) })
