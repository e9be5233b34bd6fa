/** The S3 store keeps the promises of every store, against the emulator. */
import { afterAll, beforeAll, describe } from 'vitest'
import { storeContract } from '../../packages/delta/test/contract/store.contract.ts'
import { openS3 } from '../../packages/tidemark/src/storage/s3/open-s3.ts'
import { systemClock, systemIds } from '../../packages/tidemark/src/run/system.ts'
import { findMissingMoto, type Moto, MOTO_LOGIN, startMoto } from '../support/cloud/moto.ts'

const missing = findMissingMoto()

describe.skipIf(missing !== undefined)(`S3${missing === undefined ? '' : ` (left out: ${missing})`}`, () => {
  let moto: Moto
  let made = 0

  beforeAll(async () => {
    moto = await startMoto()
  })
  afterAll(() => moto[Symbol.asyncDispose]())

  storeContract({
    name: 'an S3 bucket',
    withoutPartsRace: 'moto looks for the object before it joins the parts, not while it does',
    make: async () => {
      made += 1
      const bucket = `contract-${made}`
      await moto.makeBucket(bucket)
      const login = { kind: 'access key' as const, reveal: () => MOTO_LOGIN }
      const address = { kind: 's3' as const, bucket, path: 'some/lake' }
      const options = { address, region: undefined, endpoint: moto.endpoint, login }
      const store = await openS3(options, { clock: systemClock, ids: systemIds })
      return { store, close: () => Promise.resolve(store.close()) }
    },
  })
})
