/** The S3 store behind a network and a service in trouble. */
import { afterAll, beforeAll, describe } from 'vitest'
import { openS3 } from '../../packages/tidemark/src/storage/s3/open-s3.ts'
import { findMissingMoto, type Moto, MOTO_LOGIN, startMoto } from '../support/cloud/moto.ts'
import { storeFaults } from '../support/cloud/store-faults.ts'

const missing = findMissingMoto()

describe.skipIf(missing !== undefined)(`S3${missing === undefined ? '' : ` (left out: ${missing})`}`, () => {
  let moto: Moto

  beforeAll(async () => {
    moto = await startMoto()
  })
  afterAll(() => moto[Symbol.asyncDispose]())

  storeFaults({
    name: 'an S3 bucket',
    endpoint: () => moto.endpoint,
    open: async ({ endpoint, container, ports, limits }) => {
      await moto.makeBucket(container)
      const address = { kind: 's3' as const, bucket: container, path: 'lake' }
      const login = { kind: 'access key' as const, reveal: () => MOTO_LOGIN }
      return await openS3({ address, region: undefined, endpoint, login, limits }, ports)
    },
    exists: { status: 412, code: 'PreconditionFailed' },
    stale: { status: 400, code: 'ExpiredToken' },
    skewed: { status: 403, code: 'RequestTimeTooSkewed' },
    countUploads: bucket => moto.countUploads(bucket),
  })
})
