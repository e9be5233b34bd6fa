/**
 * What the S3 store says when one right is missing, each alone, and what becomes of uploads that nobody finished. moto gives
 * every right to everybody: a proxy before it refuses requests as S3 does.
 */
import { CreateMultipartUploadCommand, S3Client, UploadPartCommand } from '@aws-sdk/client-s3'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { collect } from '../../packages/delta/test/support/collect.ts'
import { systemIds } from '../../packages/tidemark/src/run/system.ts'
import { giveUpUploads, UPLOAD_KEPT_MS } from '../../packages/tidemark/src/storage/give-up-uploads.ts'
import { probeLake } from '../../packages/tidemark/src/storage/probe-lake.ts'
import type { RemoteStore } from '../../packages/tidemark/src/storage/remote-store.ts'
import { type FaultProxy, type SeenRequest, startFaultProxy } from '../support/cloud/fault-proxy.ts'
import { findMissingMoto, type Moto, MOTO_LOGIN, startMoto } from '../support/cloud/moto.ts'
import { openEmulated } from '../support/cloud/open-emulated.ts'

const BUCKET = 'rights'
const missing = findMissingMoto()

type Right = 's3:ListBucket' | 's3:GetObject' | 's3:PutObject' | 's3:DeleteObject'

/** The right that a request takes. */
function rightOf({ method, url }: SeenRequest): Right {
  if (method === 'DELETE') return 's3:DeleteObject'
  if (method === 'PUT' || method === 'POST') return 's3:PutObject'
  return url.includes('list-type=2') ? 's3:ListBucket' : 's3:GetObject'
}

describe.skipIf(missing !== undefined)(`an S3 bucket${missing === undefined ? '' : ` (left out: ${missing})`}`, () => {
  let moto: Moto
  let proxy: FaultProxy
  let store: RemoteStore
  let direct: RemoteStore

  beforeAll(async () => {
    moto = await startMoto()
    await moto.makeBucket(BUCKET)
    proxy = await startFaultProxy(moto.endpoint)
    store = await openEmulated({ kind: 's3', endpoint: proxy.endpoint, container: BUCKET })
    direct = await openEmulated({ kind: 's3', endpoint: moto.endpoint, container: BUCKET })
    await direct.put('t/1', Buffer.from('x'))
  })
  afterAll(async () => {
    store.close()
    direct.close()
    await proxy[Symbol.asyncDispose]()
    await moto[Symbol.asyncDispose]()
  })

  const without = (...rights: Right[]): void => {
    const headers = { 'content-type': 'application/xml' }
    const body = '<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>'
    proxy.use(request => (rights.includes(rightOf(request)) ? { do: 'answer', status: 403, headers, body } : undefined))
  }
  const refused = { code: 'STORAGE_REFUSED', hint: expect.stringContaining('s3:') as unknown }

  test('without the right to create, to read, to list, to delete names the object and the rights, after one request', async () => {
    const attempts: [Right, () => Promise<unknown>, object][] = [
      ['s3:PutObject', () => store.putIfAbsent('t/2', Buffer.from('x')), { code: 'NOT_WRITTEN' }],
      ['s3:GetObject', () => store.get('t/1'), refused],
      ['s3:ListBucket', () => collect(store.list('t')), refused],
      ['s3:DeleteObject', () => store.delete('t/1'), refused],
    ]
    for (const [right, attempt, problem] of attempts) {
      without(right)
      await expect(attempt(), right).rejects.toMatchObject(problem)
      expect(proxy.seen, right).toHaveLength(1)
    }
    expect((await collect(direct.list(''))).map(o => o.path)).toEqual(['t/1'])
  })

  test.each<[Right[], [string, string][]]>([
    [[], []],
    [['s3:ListBucket'], [['list', 's3:ListBucket']]],
    [
      ['s3:GetObject'],
      [
        // Whose an object is that exists already is read from it.
        ['create only if absent', 's3:PutObject, s3:GetObject and a store that honours If-None-Match'],
        ['read', 's3:GetObject'],
        ['hold', 's3:PutObject, s3:GetObject and a store that honours If-Match'],
      ],
    ],
    [['s3:PutObject'], [['create', 's3:PutObject']]],
    [['s3:DeleteObject'], [['delete', 's3:DeleteObject']]],
  ])('probed without %j: what fails comes with the right that is missing', async (rights, expected) => {
    without(...rights)
    const { login, facts } = await probeLake(store, systemIds)
    expect(login).toBe('a secret: access key')
    const failed = facts.filter(fact => fact.failure !== undefined)
    expect(failed.map(({ action, needs }) => [action, needs])).toEqual(expected)
    for (const { failure } of failed) expect(failure).toMatchObject({ code: 'STORAGE_REFUSED' })
    const left = await collect(direct.list('_tmp'))
    for (const { path } of left) await direct.delete(path)
    expect(left).toHaveLength(rights.includes('s3:DeleteObject') ? 2 : 0)
  })

  test('that is not there is named, to read, to list and to write', async () => {
    const nowhere = await openEmulated({ kind: 's3', endpoint: moto.endpoint, container: 'not-there' })
    const problem = { code: 'STORAGE_CONTAINER_MISSING' }
    await expect(nowhere.get('t/1')).rejects.toMatchObject(problem)
    await expect(collect(nowhere.list(''))).rejects.toMatchObject(problem)
    await expect(nowhere.putIfAbsent('t/1', Buffer.from('x'))).rejects.toMatchObject({
      code: 'NOT_WRITTEN',
      cause: expect.objectContaining(problem) as unknown,
    })
    nowhere.close()
  })

  test('keeps uploads of the lake’s tables that were never finished until they are old, and others for good', async () => {
    const client = new S3Client({
      endpoint: moto.endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: MOTO_LOGIN,
    })
    for (const Key of [
      'lake/bronze/sale/part-ø 1.parquet',
      'lake/raw/film.parquet',
      'others/bronze/sale/part-1.parquet',
    ]) {
      const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket: BUCKET, Key }))
      await client.send(new UploadPartCommand({ Bucket: BUCKET, Key, UploadId, PartNumber: 1, Body: Buffer.from('x') }))
    }
    client.destroy()
    const begun: { path: string; startedAt: number }[] = []
    for await (const { path, startedAt } of direct.unfinishedUploads()) begun.push({ path, startedAt })
    const [sale] = begun.filter(({ path }) => path === 'bronze/sale/part-ø 1.parquet')
    if (sale === undefined) throw new Error('the upload is not listed')
    const { signal } = new AbortController()
    const old = sale.startedAt + UPLOAD_KEPT_MS
    expect(await giveUpUploads(direct, { now: old, dryRun: false, signal })).toEqual([])
    expect(await giveUpUploads(direct, { now: old + 1, dryRun: true, signal })).toEqual([sale])
    expect(await moto.countUploads(BUCKET)).toBe(3)
    expect(await giveUpUploads(direct, { now: old + 1, dryRun: false, signal })).toEqual([sale])
    expect(await moto.countUploads(BUCKET)).toBe(2)
  })

  test('takes what many parts make under a name that has to be escaped', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tidemark-s3-'))
    const content = Buffer.alloc(9_000_001, 'every part is another one; ')
    await writeFile(join(folder, 'big'), content)
    const path = 't/a b+c%2F?#ø&=.parquet'
    expect(await direct.putFile(path, join(folder, 'big'))).toBe('created')
    await rm(folder, { recursive: true })
    expect((await collect(direct.list('t'))).map(o => o.path)).toContain(path)
    expect(Buffer.compare(await direct.get(path), content)).toBe(0)
    await direct.delete(path)
  })
})
