/**
 * The S3 store keeps the promises of every store, against the emulator. moto looks whether an object is there before it
 * writes one, where S3 does both at once: a proxy lets one conditional write through at a time.
 */
import { afterAll, beforeAll, describe } from 'vitest'
import { claimContract } from '../../packages/delta/test/contract/claim.contract.ts'
import { type StoreContract, storeContract } from '../../packages/delta/test/contract/store.contract.ts'
import { openS3 } from '../../packages/tidemark/src/storage/s3/open-s3.ts'
import { systemClock, systemIds } from '../../packages/tidemark/src/run/system.ts'
import { type FaultProxy, startFaultProxy } from '../support/cloud/fault-proxy.ts'
import { findMissingMoto, type Moto, MOTO_LOGIN, startMoto } from '../support/cloud/moto.ts'

const missing = findMissingMoto()

describe.skipIf(missing !== undefined)(`S3${missing === undefined ? '' : ` (left out: ${missing})`}`, () => {
  let moto: Moto
  let proxy: FaultProxy
  let made = 0

  beforeAll(async () => {
    moto = await startMoto()
    proxy = await startFaultProxy(moto.endpoint)
    proxy.use(
      () => undefined,
      ({ headers }) => headers['if-none-match'] !== undefined || headers['if-match'] !== undefined,
    )
  })
  afterAll(async () => {
    await proxy[Symbol.asyncDispose]()
    await moto[Symbol.asyncDispose]()
  })

  const contract: StoreContract = {
    name: 'an S3 bucket',
    make: async () => {
      made += 1
      const bucket = `contract-${made}`
      await moto.makeBucket(bucket)
      const login = { kind: 'access key' as const, reveal: () => MOTO_LOGIN }
      const address = { kind: 's3' as const, bucket, path: 'some/lake' }
      const options = { address, region: undefined, endpoint: proxy.endpoint, login }
      const store = await openS3(options, { clock: systemClock, ids: systemIds })
      return { store, close: () => Promise.resolve(store.close()) }
    },
  }

  storeContract(contract)
  claimContract(contract)
})
