/** The Azure store behind a network and a service in trouble. */
import { afterAll, beforeAll } from 'vitest'
import { openAzure } from '../../packages/tidemark/src/storage/azure/open-azure.ts'
import { type Azurite, AZURITE_ACCOUNT, AZURITE_KEY, startAzurite } from '../support/cloud/azurite.ts'
import { storeFaults } from '../support/cloud/store-faults.ts'

let azurite: Azurite

beforeAll(async () => {
  azurite = await startAzurite()
})
afterAll(() => azurite[Symbol.asyncDispose]())

storeFaults({
  name: 'an Azure container',
  endpoint: () => azurite.endpoint,
  open: async ({ endpoint, container, ports, limits }) => {
    await azurite.makeContainer(container)
    const address = { kind: 'azure' as const, container, path: 'lake', account: undefined }
    const login = { kind: 'account key' as const, reveal: () => AZURITE_KEY }
    return await openAzure({ address, account: AZURITE_ACCOUNT, endpoint, login, limits }, ports)
  },
  exists: { status: 409, code: 'BlobAlreadyExists' },
  stale: { status: 401, code: 'InvalidAuthenticationInfo' },
  skewed: { status: 403, code: 'AuthenticationFailed' },
  // The service forgets blocks by itself; what could be left is a blob without any.
  countUploads: () => Promise.resolve(0),
})
