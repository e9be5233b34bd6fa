/** A project whose lake is in a bucket of S3: every command does there what it does in a folder. */
import { afterAll, beforeAll, describe } from 'vitest'
import { findMissingMoto, type Moto, MOTO_LOGIN, startMoto } from '../support/cloud/moto.ts'
import { remoteLakeStory } from '../support/cloud/remote-lake-story.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'

const missing = findMissingMoto()

describe.skipIf(missing !== undefined)(`S3${missing === undefined ? '' : ` (left out: ${missing})`}`, () => {
  let database: TestDatabase
  let moto: Moto

  beforeAll(async () => {
    ;[database, moto] = await Promise.all([createDatabase(import.meta.url), startMoto()])
  })
  afterAll(async () => {
    await moto[Symbol.asyncDispose]()
    await database.drop()
  })

  remoteLakeStory('a bucket of S3', async () => {
    await moto.makeBucket('lake')
    const options = [
      `endpoint: ${moto.endpoint}`,
      'access_key_id: { secret: env:LAKE_KEY_ID }',
      'secret_access_key: { secret: env:LAKE_KEY }',
    ]
    const env = { LAKE_KEY_ID: MOTO_LOGIN.accessKeyId, LAKE_KEY: MOTO_LOGIN.secretAccessKey }
    // Names that have to be escaped in addresses, headers and XML.
    return { database, lake: "s3://lake/mu sic/ø+%41&='(~)*!@:,;<", options, env }
  })
})
