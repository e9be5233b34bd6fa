/** What the Azure store says when one right is missing, and what it makes of things that are not its own. */
import {
  BlobServiceClient,
  ContainerSASPermissions,
  generateBlobSASQueryParameters,
  StorageSharedKeyCredential,
} from '@azure/storage-blob'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AzureLogin, openAzure } from '../../packages/tidemark/src/storage/azure/open-azure.ts'
import { probeLake } from '../../packages/tidemark/src/storage/probe-lake.ts'
import type { RemoteStore } from '../../packages/tidemark/src/storage/remote-store.ts'
import { systemClock, systemIds } from '../../packages/tidemark/src/run/system.ts'
import { collect } from '../../packages/delta/test/support/collect.ts'
import { type Azurite, AZURITE_ACCOUNT, AZURITE_KEY, startAzurite } from '../support/cloud/azurite.ts'

const KEY = new StorageSharedKeyCredential(AZURITE_ACCOUNT, AZURITE_KEY)
const CONTAINER = 'rights'

describe('an Azure container', () => {
  let azurite: Azurite

  beforeAll(async () => {
    azurite = await startAzurite()
    await azurite.makeContainer(CONTAINER)
  })
  afterAll(() => azurite[Symbol.asyncDispose]())

  const openHere = (login: AzureLogin, container = CONTAINER): Promise<RemoteStore> => {
    const address = { kind: 'azure' as const, container, path: 'lake', account: undefined }
    const { endpoint } = azurite
    return openAzure({ address, account: AZURITE_ACCOUNT, endpoint, login }, { clock: systemClock, ids: systemIds })
  }
  const owner = (container?: string): Promise<RemoteStore> =>
    openHere({ kind: 'account key', reveal: () => AZURITE_KEY }, container)
  const signed = (rights: string): Promise<RemoteStore> => {
    const permissions = ContainerSASPermissions.parse(rights)
    const expiresOn = new Date(Date.now() + 3_600_000)
    const query = generateBlobSASQueryParameters({ containerName: CONTAINER, permissions, expiresOn }, KEY)
    return openHere({ kind: 'signature', reveal: () => query.toString() })
  }
  const refused = { code: 'STORAGE_REFUSED', hint: expect.stringContaining('Storage Blob Data Contributor') as unknown }

  test('with all rights of a signed address is a lake', async () => {
    const store = await signed('rcwdl')
    expect(await store.putIfAbsent('all/1', Buffer.from('x'))).toBe('created')
    expect(await store.putIfAbsent('all/1', Buffer.from('y'))).toBe('exists')
    expect((await collect(store.list('all'))).map(o => o.path)).toEqual(['all/1'])
    await store.delete('all/1')
  })

  test('without the right to create, to read, to list, to delete names the object and the role', async () => {
    await (await owner()).put('t/1', Buffer.from('x'))
    await expect((await signed('rdl')).putIfAbsent('t/2', Buffer.from('x'))).rejects.toMatchObject({
      code: 'NOT_WRITTEN',
      cause: expect.objectContaining(refused) as unknown,
    })
    await expect((await signed('cwdl')).get('t/1')).rejects.toMatchObject(refused)
    await expect(collect((await signed('rcwd')).list('t'))).rejects.toMatchObject(refused)
    await expect((await signed('rcwl')).delete('t/1')).rejects.toMatchObject(refused)
    expect(Buffer.from(await (await owner()).get('t/1')).toString()).toBe('x')
  })

  test.each([
    ['rcwdl', []],
    ['rcwd', [['list', 'Storage Blob Data Reader']]],
    ['rcwl', [['delete', 'Storage Blob Data Contributor']]],
    [
      'rl',
      [
        ['create', 'Storage Blob Data Contributor'],
        ['delete', 'Storage Blob Data Contributor'],
      ],
    ],
  ])('is probed with the rights %s: what fails comes with the role that is missing', async (rights, expected) => {
    const store = await signed(rights)
    const { login, facts } = await probeLake(store, systemIds)
    expect(login).toBe('a secret: signature')
    expect(facts.filter(f => f.failure !== undefined).map(f => [f.action, f.needs])).toEqual(expected)
    for (const { failure } of facts)
      if (failure !== undefined) expect(failure).toMatchObject({ code: 'STORAGE_REFUSED' })
    const left = await collect((await owner()).list('_tmp'))
    for (const { path } of left) await (await owner()).delete(path)
    expect(left).toHaveLength(rights === 'rcwl' ? 2 : 0)
  })

  test('that does not exist is named as missing, to read and to write', async () => {
    const store = await owner('not-there')
    const missing = { code: 'STORAGE_CONTAINER_MISSING' }
    await expect(store.get('t/1')).rejects.toMatchObject(missing)
    await expect(collect(store.list(''))).rejects.toMatchObject(missing)
    await expect(store.putIfAbsent('t/1', Buffer.from('x'))).rejects.toMatchObject({
      code: 'NOT_WRITTEN',
      cause: expect.objectContaining(missing) as unknown,
    })
  })

  test('of a hierarchical account shows no object for the empty blobs that are its folders', async () => {
    const container = new BlobServiceClient(azurite.endpoint, KEY).getContainerClient(CONTAINER)
    for (const name of ['lake/h', 'lake/h/_delta_log'])
      await container.getBlockBlobClient(name).upload('', 0, { metadata: { hdi_isfolder: 'true' } })
    const store = await owner()
    await store.put('h/_delta_log/0.json', Buffer.from('x'))
    expect((await collect(store.list('h'))).map(o => o.path)).toEqual(['h/_delta_log/0.json'])
    await expect(store.get('h/_delta_log')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  test("with other people's files lists what can be a path of a lake, and nothing beside the lake", async () => {
    const container = new BlobServiceClient(azurite.endpoint, KEY).getContainerClient(CONTAINER)
    for (const name of ['lake2/o/1', 'lake/o//double', 'lake/o/a%2Fb?c#d+e', 'o/1'])
      await container.getBlockBlobClient(name).upload('x', 1)
    const store = await owner()
    expect((await collect(store.list('o'))).map(o => o.path)).toEqual(['o/a%2Fb?c#d+e'])
    expect(Buffer.from(await store.get('o/a%2Fb?c#d+e')).toString()).toBe('x')
  })
})
