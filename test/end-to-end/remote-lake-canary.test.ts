/** A whole run on a lake in a store: what opens the store is in nothing that the run says, sends or leaves behind. */
import {
  AccountSASPermissions,
  BlobServiceClient,
  generateAccountSASQueryParameters,
  StorageSharedKeyCredential,
} from '@azure/storage-blob'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createProject, readAll } from '../support/cli.ts'
import { runInProcess } from '../support/cli-in-process.ts'
import { AZURITE_ACCOUNT, AZURITE_KEY, type Azurite, startAzurite } from '../support/cloud/azurite.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { startHookServer } from '../support/receivers.ts'

let database: TestDatabase
let azurite: Azurite
const credential = new StorageSharedKeyCredential(AZURITE_ACCOUNT, AZURITE_KEY)

beforeAll(async () => {
  ;[database, azurite] = await Promise.all([createDatabase(import.meta.url), startAzurite()])
  await database.query(
    'CREATE TABLE item (id int PRIMARY KEY, name text); INSERT INTO item VALUES (1, NULL), (2, $$b$$)',
  )
})
afterAll(async () => {
  await azurite[Symbol.asyncDispose]()
  await database.drop()
})

function signature(): string {
  const permissions = AccountSASPermissions.parse('rwdlac')
  const times = { startsOn: new Date(Date.now() - 3_600_000), expiresOn: new Date(Date.now() + 3_600_000) }
  const signed = { ...times, permissions, services: 'b', resourceTypes: 'sco' }
  return generateAccountSASQueryParameters(signed, credential).toString()
}

/** Everything a lake's container holds. */
async function contentsOf(container: string): Promise<string> {
  const client = new BlobServiceClient(azurite.endpoint, credential).getContainerClient(container)
  const texts: string[] = []
  for await (const { name } of client.listBlobsFlat())
    texts.push(name, (await client.getBlobClient(name).downloadToBuffer()).toString('latin1'))
  return texts.join('\n')
}

test.each([
  { login: 'account_key', value: () => AZURITE_KEY },
  { login: 'sas', value: signature },
  {
    login: 'connection_string',
    value: () =>
      `DefaultEndpointsProtocol=http;AccountName=${AZURITE_ACCOUNT};AccountKey=${AZURITE_KEY};BlobEndpoint=${azurite.endpoint};`,
  },
])('a lake opened by $login shows it nowhere', async ({ login, value }) => {
  const container = login.replace('_', '-')
  await azurite.makeContainer(container)
  await using hook = await startHookServer((_, response) => void response.writeHead(204).end())
  const secret = value()
  const reach = login === 'connection_string' ? {} : { account: AZURITE_ACCOUNT, endpoint: azurite.endpoint }
  const list = [
    { schema: 'public', table: 'item' },
    { schema: 'public', table: 'gone' },
  ]
  const { root } = await createProject({
    'tidemark.yml': JSON.stringify({
      name: 'shop',
      lake: `az://${container}/music`,
      lake_options: { ...reach, [login]: { secret: 'env:LAKE_KEY' } },
      sources: { app: { type: 'postgres', url: { secret: 'env:SHOP_URL' }, tables: list } },
      alerts: {
        channels: { hook: { webhook: { secret: 'env:HOOK' }, allow_private: true } },
        rules: [{ on: ['failure'], send: 'hook' }],
      },
      targets: { prod: { default: true, mode: 'production' } },
    }),
  })
  const env = { SHOP_URL: database.url, HOOK: `http://127.0.0.1:${hook.port}/in`, LAKE_KEY: secret }
  const said: string[] = []
  for (const args of [
    ['plan', '--json'],
    ['run', '--events'],
    ['run', '--json'],
    ['run'],
    ['status', '--json'],
    ['runs'],
    ['query', 'SELECT * FROM system.runs'],
    ['tables', 'history', 'silver.item', '--json'],
    ['verify'],
    ['vacuum', '--yes'],
    ['doctor', '--json'],
  ]) {
    const { stdout, stderr } = await runInProcess(args, { cwd: root, env })
    said.push(stdout, stderr)
  }
  const left = [await contentsOf(container), await readAll(root)]
  // It did run, fail in part, and tell somebody.
  expect(said.join('\n')).toContain('"changed"')
  expect(left[0]).toContain('music/silver/item/')
  expect(hook.posts.length).toBeGreaterThan(0)
  const all = [...said, ...left, JSON.stringify(hook.posts)].join('\n')
  const opening = login === 'sas' ? (new URLSearchParams(secret).get('sig') ?? '') : AZURITE_KEY
  expect(opening.length).toBeGreaterThan(20)
  for (const form of [secret, opening, encodeURIComponent(opening), Buffer.from(opening).toString('base64')])
    expect(all.includes(form)).toBe(false)
})
