/** A project whose lake is in a store: every command does there what it does in a folder. */
import { BlobServiceClient, type ContainerClient, StorageSharedKeyCredential } from '@azure/storage-blob'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createProject, type Ended, expectProblem } from '../support/cli.ts'
import { runInProcess } from '../support/cli-in-process.ts'
import { AZURITE_ACCOUNT, AZURITE_KEY, type Azurite, startAzurite } from '../support/cloud/azurite.ts'
import { startFaultProxy } from '../support/cloud/fault-proxy.ts'
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

describe('a lake in a container', () => {
  let endpoint: string
  const options = { account: AZURITE_ACCOUNT, account_key: { secret: 'env:LAKE_KEY' } }
  /** Run a command of a project over an empty list whose lake is at an address. */
  const tidemark = (lake: string, ...args: string[]): Promise<Ended> => tidemarkBy(endpoint, lake, ...args)
  const tidemarkBy = async (by: string, lake: string, ...args: string[]): Promise<Ended> => {
    const project = { name: 'shop', lake, lake_options: { ...options, endpoint: by }, sources: {} }
    const { root } = await createProject({ 'tidemark.yml': JSON.stringify(project) })
    return await runInProcess(args, { cwd: root, env: { LAKE_KEY: AZURITE_KEY } })
  }

  const containerOf = (name: string): ContainerClient =>
    new BlobServiceClient(endpoint, new StorageSharedKeyCredential(AZURITE_ACCOUNT, AZURITE_KEY)).getContainerClient(
      name,
    )
  const namesIn = async (name: string): Promise<string[]> => {
    const names: string[] = []
    for await (const blob of containerOf(name).listBlobsFlat()) names.push(blob.name)
    return names
  }

  beforeAll(async () => {
    ;({ endpoint } = azurite)
    await Promise.all(['theirs', 'nested', 'tried'].map(name => azurite.makeContainer(name)))
  })

  test('is tried by doctor right by right, which leaves nothing, warns of a key and does not print it', async () => {
    const { exit, stdout } = await tidemark('az://tried/music', 'doctor')
    expect([exit, stdout.includes(AZURITE_KEY), await namesIn('tried')]).toEqual([0, false, []])
    expect(stdout).toMatch(/warning +login +.*key/)
    for (const right of ['list', 'create', 'create only if absent', 'read', 'hold', 'delete'])
      expect(stdout).toMatch(new RegExp(`ok +rights +${right}\n`))
    const missing = await tidemark('az://nobodys/x', 'doctor')
    expect([missing.exit, missing.stdout]).toEqual([3, expect.stringMatching(/problem +rights +list: .*nobodys/)])
  })

  test('that does not exist is not made by a run', async () => {
    const ended = await tidemark('az://nobodys/x', 'run')
    expectProblem(ended, { exit: 3, code: 'STORAGE_CONTAINER_MISSING', says: 'az://nobodys/x' })
  })

  test('beside other people’s objects touches none of them and takes none for a table', async () => {
    const theirs = ['bronze/sale/part-0.parquet', 'gold/readme.txt', 'system/runs/notes.txt', 'a b/ø%20?#.txt']
    for (const path of theirs) await containerOf('theirs').getBlockBlobClient(path).upload('theirs', 6)
    const first = await tidemark('az://theirs', 'run')
    expect(first.exit, first.stderr).toBe(0)
    for (const args of [['tables'], ['status'], ['query', 'SELECT count(*) FROM system.runs'], ['vacuum', '--yes']]) {
      const ended = await tidemark('az://theirs', ...args)
      expect(ended.exit, ended.stderr).toBe(0)
      expect(ended.stdout).not.toContain('sale')
    }
    const after = await namesIn('theirs')
    expect(after).toEqual(expect.arrayContaining(theirs))
  })

  test('inside another lake or around one is refused before anything is written', async () => {
    const first = await tidemark('az://nested/a/b', 'run')
    expect(first.exit, first.stderr).toBe(0)
    await using proxy = await startFaultProxy(endpoint)
    for (const lake of ['az://nested', 'az://nested/a', 'az://nested/a/b/c']) {
      const ended = await tidemarkBy(proxy.endpoint, lake, 'run')
      expectProblem(ended, { exit: 2, code: 'LAKES_OVERLAP', says: 'az://nested/a/b' })
    }
    expect(new Set(proxy.seen.map(({ method }) => method))).toEqual(new Set(['GET']))
    const beside = await tidemark('az://nested/a/bc', 'run')
    expect(beside.exit, beside.stderr).toBe(0)
  })
})

describe('the key of a lake', () => {
  /** An account that opens nothing: whatever is told of the failure must do without the key. */
  const key = Buffer.from('canary-of-the-lake-8d1f').toString('base64')
  const sas = `sv=2026-01-01&sp=rl&sig=${encodeURIComponent(key)}`
  test.each([
    ['account_key', key],
    ['sas', sas],
    [
      'connection_string',
      `DefaultEndpointsProtocol=http;AccountName=${AZURITE_ACCOUNT};AccountKey=${key};BlobEndpoint=`,
    ],
  ])('given as %s reaches no text when the store refuses it', async (option, value) => {
    const project = {
      name: 'shop',
      lake: 'az://lake/x',
      lake_options: {
        ...(option === 'connection_string' ? {} : { account: AZURITE_ACCOUNT, endpoint: azurite.endpoint }),
        [option]: { secret: 'env:LAKE_KEY' },
      },
      sources: {},
    }
    const { root } = await createProject({ 'tidemark.yml': JSON.stringify(project) })
    const env = { LAKE_KEY: option === 'connection_string' ? value + azurite.endpoint : value }
    for (const args of [['run', '--events'], ['run', '--json'], ['status'], ['tables']]) {
      const { exit, stdout, stderr } = await runInProcess(args, { cwd: root, env })
      expect(exit, `${args.join(' ')}: ${stderr}`).toBe(3)
      for (const form of [key, encodeURIComponent(key), value]) expect(stdout + stderr).not.toContain(form)
    }
  })

  test.each(['run', 'tables'])('is masked in what %s says of a folder that is named like it', async command => {
    const login = { account: AZURITE_ACCOUNT, endpoint: azurite.endpoint, account_key: { secret: 'env:LAKE_KEY' } }
    const project = { name: 'shop', lake: 'az://lake/x', lake_options: { ...login, local: `list/${key}` }, sources: {} }
    const { root } = await createProject({ 'tidemark.yml': JSON.stringify(project), list: 'a file' })
    const { exit, stderr } = await runInProcess([command], { cwd: root, env: { LAKE_KEY: key } })
    expect(exit, stderr).toBe(3)
    expect(stderr).toContain('list/***')
    expect(stderr).not.toContain(key)
  })
})
