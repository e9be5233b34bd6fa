/** What a run says, and what it leaves, when a store in Azure refuses one thing: one right, one folder, the clock, the account. */
import {
  BlobServiceClient,
  ContainerSASPermissions,
  type ContainerClient,
  generateBlobSASQueryParameters,
  StorageSharedKeyCredential,
} from '@azure/storage-blob'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../packages/tidemark/src/run/system.ts'
import { createProject, type Ended, expectProblem } from '../support/cli.ts'
import { runInProcess } from '../support/cli-in-process.ts'
import { AZURITE_ACCOUNT, AZURITE_KEY, type Azurite, startAzurite } from '../support/cloud/azurite.ts'
import { type FaultProxy, startFaultProxy } from '../support/cloud/fault-proxy.ts'
import { createSqliteFile } from '../support/sqlite.ts'

const KEY = new StorageSharedKeyCredential(AZURITE_ACCOUNT, AZURITE_KEY)
/** Pauses between tries are cut short; the pulse of the lease is not. */
const clock: typeof systemClock = {
  ...systemClock,
  sleep: (ms, signal) => systemClock.sleep(ms < 10_000 ? 1 : ms, signal),
}

let azurite: Azurite
let proxy: FaultProxy

beforeAll(async () => {
  azurite = await startAzurite()
  proxy = await startFaultProxy(azurite.endpoint)
})
afterAll(async () => {
  await proxy[Symbol.asyncDispose]()
  await azurite[Symbol.asyncDispose]()
})

const containerOf = (name: string): ContainerClient =>
  new BlobServiceClient(azurite.endpoint, KEY).getContainerClient(name)

async function namesIn(container: string): Promise<string[]> {
  const names: string[] = []
  for await (const { name } of containerOf(container).listBlobsFlat()) names.push(name)
  return names.sort()
}

/** Long after: everything old enough to be removed is. */
const later: typeof systemClock = { ...clock, now: () => systemClock.now() + 100 * 24 * 3_600_000 }

interface Shop {
  /** Give another login or address to the commands from now on. */
  options: object
  secret: string
  clock: typeof systemClock
  tidemark(...args: string[]): Promise<Ended>
}

/** A project of one table on a lake in a container of its own. */
async function shopIn(container: string): Promise<Shop> {
  await azurite.makeContainer(container)
  const { url } = await createSqliteFile(
    "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO item VALUES (1, 'a'), (2, 'b')",
  )
  const shop: Shop = {
    options: { account: AZURITE_ACCOUNT, endpoint: proxy.endpoint, account_key: { secret: 'env:LAKE_KEY' } },
    secret: AZURITE_KEY,
    clock,
    tidemark: async (...args) => {
      const project = {
        name: 'shop',
        lake: `az://${container}/music`,
        lake_options: shop.options,
        sources: { app: { type: 'sqlite', url, tables: [{ schema: 'main', table: 'item' }] } },
      }
      const { root } = await createProject({ 'tidemark.yml': JSON.stringify(project) })
      const ended = await runInProcess(args, { cwd: root, env: { LAKE_KEY: shop.secret }, clock: shop.clock })
      expect(ended.stdout + ended.stderr).not.toContain(shop.secret)
      return ended
    },
  }
  proxy.use(() => undefined)
  return shop
}

/** From now on by an address that is signed for these rights alone. */
function limit(shop: Shop, container: string, rights: string): void {
  const permissions = ContainerSASPermissions.parse(rights)
  const expiresOn = new Date(Date.now() + 3_600_000)
  shop.secret = generateBlobSASQueryParameters({ containerName: container, permissions, expiresOn }, KEY).toString()
  shop.options = { account: AZURITE_ACCOUNT, endpoint: proxy.endpoint, sas: { secret: 'env:LAKE_KEY' } }
}

describe('a run without one right', () => {
  test.each([
    ['create', 'rdl'],
    ['read', 'cwdl'],
    ['list', 'rcwd'],
  ])('that of %s, is refused by its name and leaves nothing', async (right, rights) => {
    const container = `without-${right}`
    const shop = await shopIn(container)
    limit(shop, container, rights)
    expectProblem(await shop.tidemark('run'), { exit: 3, code: 'STORAGE_REFUSED', says: `az://${container}/music` })
    expect(await namesIn(container)).toEqual([])
  })

  test('that of delete, is done all the same, and the lake is free for the next', async () => {
    const shop = await shopIn('without-delete')
    limit(shop, 'without-delete', 'rcwl')
    for (const _ of [1, 2]) {
      const ended = await shop.tidemark('run')
      expect(ended.exit, ended.stderr).toBe(0)
    }
    expect((await shop.tidemark('query', 'SELECT count(*) AS n FROM silver.item', '--csv')).stdout).toBe('n\n2\n')
  })
})

test('rights that end at the prefix of the lake are enough', async () => {
  const shop = await shopIn('prefix')
  const headers = { 'content-type': 'application/xml', 'x-ms-error-code': 'AuthorizationPermissionMismatch' }
  const isInside = (url: string): boolean => /\/prefix\/music\/|[?&]prefix=music(?:%2F|\/)/.test(url)
  proxy.use(({ url }) => (isInside(url) ? undefined : { do: 'answer', status: 403, headers }))
  for (const args of [['run'], ['run'], ['verify'], ['status'], ['optimize', 'bronze.item'], ['vacuum', '--yes']]) {
    const ended = await shop.tidemark(...args)
    expect(ended.exit, `${args.join(' ')}: ${ended.stderr}`).toBe(0)
  }
})

test.each([
  [20, 'behind'],
  [-20, 'ahead of'],
])('a clock that is %i minutes off is told as that, and nothing is written', async (minutes, side) => {
  const container = `clock-${side.slice(0, 5)}`
  const shop = await shopIn(container)
  const date = new Date(Date.now() + minutes * 60_000).toUTCString()
  const headers = { date, 'content-type': 'application/xml', 'x-ms-error-code': 'AuthenticationFailed' }
  const body = '<?xml version="1.0"?><Error><Code>AuthenticationFailed</Code><Message>m</Message></Error>'
  proxy.use(() => ({ do: 'answer', status: 403, headers, body }))
  const ended = await shop.tidemark('run')
  expectProblem(ended, { exit: 3, code: 'STORAGE_CLOCK_WRONG', says: `minutes ${side} the store’s` })
  expect(ended.stderr).toMatch(/the clock here is (19|20|21) minutes/)
  expect(await namesIn(container)).toEqual([])
})

test('an account that does not exist is told by its address', async () => {
  const shop = await shopIn('no-account')
  shop.options = { account: 'nobodys', endpoint: 'https://nobodys.invalid', account_key: { secret: 'env:LAKE_KEY' } }
  const ended = await shop.tidemark('run')
  expectProblem(ended, { exit: 3, code: 'STORAGE_UNREACHABLE', says: 'az://no-account/music' })
  expect(ended.stderr).toMatch(/ENOTFOUND|EAI_AGAIN/)
})

test('vacuum removes old files of tables, and nothing that others keep beside, around or inside of them', async () => {
  const shop = await shopIn('others')
  expect((await shop.tidemark('run')).exit).toBe(0)
  const theirs = [
    'film.parquet',
    'music2/bronze/item/part-1.parquet',
    'music/raw/film.parquet',
    'music/bronze/film.parquet',
    'music/bronze/item/notes.csv',
    'music/bronze/item/sub/table.txt',
    'music/silver/item/_theirs/film.parquet',
    'music/gold/mine/part-0.parquet',
    'music/system/notes.parquet',
  ]
  for (const path of theirs) await containerOf('others').getBlockBlobClient(path).upload('theirs', 6)
  await containerOf('others').getBlockBlobClient('music/bronze/item/part-of-nothing.parquet').upload('x', 1)
  shop.clock = later
  const before = await namesIn('others')
  const ended = await shop.tidemark('vacuum', '--yes')
  expect(ended.exit, ended.stderr).toBe(0)
  const after = await namesIn('others')
  expect(after).toEqual(expect.arrayContaining(theirs))
  expect(before.filter(name => !after.includes(name))).toEqual(['music/bronze/item/part-of-nothing.parquet'])
})

describe('an account with a hierarchical namespace', () => {
  /** The empty blobs by which such an account shows its folders. */
  async function makeFolders(container: string, ...paths: string[]): Promise<string[]> {
    for (const path of paths)
      await containerOf(container)
        .getBlockBlobClient(path)
        .upload('', 0, { metadata: { hdi_isfolder: 'true' } })
    return paths
  }

  test('has folders in which tables are made, and which neither a run nor vacuum touches', async () => {
    const shop = await shopIn('folders')
    const tables = ['bronze/item', 'silver/item', 'system/runs'].flatMap(table => [table, `${table}/_delta_log`])
    const folders = await makeFolders('folders', 'music', ...tables.map(path => `music/${path}`), 'music/gold')
    for (const args of [['run'], ['run'], ['verify'], ['vacuum', '--yes'], ['tables']]) {
      const ended = await shop.tidemark(...args)
      expect(ended.exit, `${args.join(' ')}: ${ended.stderr}`).toBe(0)
    }
    expect(await namesIn('folders')).toEqual(expect.arrayContaining(folders))
    expect((await shop.tidemark('query', 'SELECT count(*) AS n FROM silver.item', '--csv')).stdout).toBe('n\n2\n')
  })

  test('whose list of access closes one folder fails the table in it alone, by its name', async () => {
    const shop = await shopIn('closed')
    const headers = { 'content-type': 'application/xml', 'x-ms-error-code': 'AuthorizationPermissionMismatch' }
    const body = '<?xml version="1.0"?><Error><Code>AuthorizationPermissionMismatch</Code><Message>m</Message></Error>'
    proxy.use(({ url }) => (url.includes('/silver/item') ? { do: 'answer', status: 403, headers, body } : undefined))
    const { exit, stdout } = await shop.tidemark('run', '--json')
    const { steps } = JSON.parse(stdout) as { steps: { step: string; status: string; problem: object | null }[] }
    expect(exit).toBe(3)
    expect(steps.map(step => [step.step, step.status])).toEqual([
      ['bronze.item', 'changed'],
      ['silver.item', 'failed'],
    ])
    expect(steps[1]?.problem).toMatchObject({
      code: 'STORAGE_REFUSED',
      message: expect.stringContaining('silver/item') as unknown,
      hint: expect.stringContaining('Storage Blob Data Contributor') as unknown,
    })
    proxy.use(() => undefined)
    const next = await shop.tidemark('run')
    expect(next.exit, next.stderr).toBe(0)
    expect((await shop.tidemark('query', 'SELECT count(*) AS n FROM silver.item', '--csv')).stdout).toBe('n\n2\n')
  })
})
