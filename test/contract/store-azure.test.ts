/** The Azure store keeps the promises of every store, against the emulator. */
import { afterAll, beforeAll } from 'vitest'
import { claimContract } from '../../packages/delta/test/contract/claim.contract.ts'
import { type StoreContract, storeContract } from '../../packages/delta/test/contract/store.contract.ts'
import { openAzure } from '../../packages/tidemark/src/storage/azure/open-azure.ts'
import { systemClock, systemIds } from '../../packages/tidemark/src/run/system.ts'
import { type Azurite, AZURITE_ACCOUNT, AZURITE_KEY, startAzurite } from '../support/cloud/azurite.ts'

let azurite: Azurite
let made = 0

beforeAll(async () => {
  azurite = await startAzurite()
})
afterAll(() => azurite[Symbol.asyncDispose]())

const contract: StoreContract = {
  name: 'an Azure container',
  make: async () => {
    made += 1
    const container = `contract-${made}`
    await azurite.makeContainer(container)
    const address = { kind: 'azure' as const, container, path: 'some/lake', account: undefined }
    const login = { kind: 'account key' as const, reveal: () => AZURITE_KEY }
    const { endpoint } = azurite
    const options = { address, account: AZURITE_ACCOUNT, endpoint, login }
    const store = await openAzure(options, { clock: systemClock, ids: systemIds })
    return { store, close: () => Promise.resolve(store.close()) }
  },
}

storeContract(contract)
claimContract(contract)
