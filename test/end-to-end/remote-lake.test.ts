/** A project whose lake is in a store: every command does there what it does in a folder. */
import { afterAll, beforeAll } from 'vitest'
import { AZURITE_ACCOUNT, AZURITE_KEY, type Azurite, startAzurite } from '../support/cloud/azurite.ts'
import { remoteLakeStory } from '../support/cloud/remote-lake-story.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'

let database: TestDatabase
let azurite: Azurite

beforeAll(async () => {
  ;[database, azurite] = await Promise.all([createDatabase(import.meta.url), startAzurite()])
})
afterAll(async () => {
  await azurite[Symbol.asyncDispose]()
  await database.drop()
})

remoteLakeStory('a container of Azure', async () => {
  await azurite.makeContainer('lake')
  return {
    database,
    lake: 'az://lake/music',
    options: [`account: ${AZURITE_ACCOUNT}`, `endpoint: ${azurite.endpoint}`, 'account_key: { secret: env:LAKE_KEY }'],
    env: { LAKE_KEY: AZURITE_KEY },
  }
})
