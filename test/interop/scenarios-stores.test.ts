/** Every scenario on a lake in a container of Azure and in a bucket of S3: the same stories end in the same tables. */
import { afterAll, beforeAll, describe } from 'vitest'
import { type Azurite, startAzurite } from '../support/cloud/azurite.ts'
import { azuriteLake, motoLake } from '../support/cloud/emulated-lake.ts'
import { findMissingMoto, type Moto, startMoto } from '../support/cloud/moto.ts'
import { scenarioTests } from '../support/play-scenario.ts'

describe('in a container of Azure', async () => {
  let azurite: Azurite
  beforeAll(async () => {
    azurite = await startAzurite()
    await azurite.makeContainer('lake')
  })
  afterAll(() => azurite[Symbol.asyncDispose]())

  await scenarioTests(name => azuriteLake(azurite.endpoint, `az://lake/${name}`))
})

const missing = findMissingMoto()
const left = missing === undefined ? '' : ` (left out: ${missing})`

describe.skipIf(missing !== undefined)(`in a bucket of S3${left}`, async () => {
  let moto: Moto
  beforeAll(async () => {
    moto = await startMoto()
    await moto.makeBucket('lake')
  })
  afterAll(() => moto[Symbol.asyncDispose]())

  await scenarioTests(name => motoLake(moto.endpoint, `s3://lake/${name}`))
})
