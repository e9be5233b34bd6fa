/** Uploads to S3 that were never finished: which are given up, and which are left to those whose they are. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock, systemIds } from '../../packages/tidemark/src/run/system.ts'
import { giveUpUploads, type UnfinishedUpload } from '../../packages/tidemark/src/storage/give-up-uploads.ts'
import { openS3 } from '../../packages/tidemark/src/storage/s3/open-s3.ts'
import { type Fault, type FaultProxy, startFaultProxy } from '../support/cloud/fault-proxy.ts'

let service: FaultProxy
beforeAll(async () => {
  // It answers everything itself; nothing is behind it.
  service = await startFaultProxy('http://127.0.0.1:1/')
})
afterAll(() => service[Symbol.asyncDispose]())

const NOW = Date.UTC(2026, 10, 26)
const DAY_MS = 24 * 60 * 60 * 1000
const xml = (status: number, body: string): Fault => ({
  do: 'answer',
  status,
  headers: { 'content-type': 'application/xml' },
  body: `<?xml version="1.0"?>${body}`,
})

interface Begun {
  key: string
  id: string
  days: number
}

function page(uploads: readonly Begun[], next?: Begun): Fault {
  const items = uploads.map(({ key, id, days }) => {
    const at = new Date(NOW - days * DAY_MS).toISOString()
    return `<Upload><Key>${encodeURIComponent(key)}</Key><UploadId>${id}</UploadId><Initiated>${at}</Initiated></Upload>`
  })
  const more =
    next === undefined
      ? '<IsTruncated>false</IsTruncated>'
      : `<IsTruncated>true</IsTruncated><NextKeyMarker>${next.key}</NextKeyMarker>`
  return xml(200, `<ListMultipartUploadsResult>${more}${items.join('')}</ListMultipartUploadsResult>`)
}

const old = { key: 'music/bronze/sale/part-0 ø.parquet', id: 'old', days: 8 }
const others: readonly Begun[] = [
  { key: 'music/bronze/sale/part-1.parquet', id: 'young', days: 6.9 },
  { key: 'music/raw/film.parquet', id: 'no-table', days: 100 },
  { key: 'music/bronze/film.mp4', id: 'no-file-of-a-table', days: 100 },
  // A service that takes no notice of the prefix.
  { key: 'musical/bronze/sale/part-0.parquet', id: 'beside', days: 100 },
]
const second = { key: 'music/silver/sale/part-2.parquet', id: 'second', days: 30 }

/** What is found, and the ids of what the store was asked to give up. */
async function giveUp(dryRun: boolean): Promise<{ found: readonly UnfinishedUpload[]; ended: (string | null)[] }> {
  service.use(({ method, url }) => {
    const query = new URL(url, service.endpoint).searchParams
    if (method === 'DELETE') return query.get('uploadId') === 'second' ? xml(404, GONE) : { do: 'answer', status: 204 }
    if (!query.has('uploads')) return xml(500, '<Error><Code>Unexpected</Code></Error>')
    expect(query.get('prefix')).toBe('music/')
    return query.get('key-marker') === null ? page([old, ...others], others.at(-1)) : page([second])
  })
  const address = { kind: 's3' as const, bucket: 'lake', path: 'music' }
  const login = { kind: 'access key' as const, reveal: () => ({ accessKeyId: 'a', secretAccessKey: 'b' }) }
  const ports = { clock: systemClock, ids: systemIds }
  const store = await openS3({ address, region: undefined, endpoint: service.endpoint, login }, ports)
  const found = await giveUpUploads(store, { now: NOW, dryRun, signal: new AbortController().signal })
  store.close()
  const ended = service.seen.filter(({ method }) => method === 'DELETE')
  return { found, ended: ended.map(({ url }) => new URL(url, service.endpoint).searchParams.get('uploadId')) }
}

const GONE = '<Error><Code>NoSuchUpload</Code></Error>'
const expected = [
  { path: 'bronze/sale/part-0 ø.parquet', startedAt: NOW - 8 * DAY_MS },
  { path: 'silver/sale/part-2.parquet', startedAt: NOW - 30 * DAY_MS },
]

test('old ones of the lake’s own tables are given up, over every page, also when one is gone meanwhile', async () => {
  expect(await giveUp(false)).toEqual({ found: expected, ended: ['old', 'second'] })
})

test('are only found when that is all that is wanted', async () => {
  expect(await giveUp(true)).toEqual({ found: expected, ended: [] })
})
