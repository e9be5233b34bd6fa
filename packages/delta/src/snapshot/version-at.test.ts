import fc from 'fast-check'
import { expect, test } from 'vitest'
import { memoryStore } from '../../test/support/memory-store.ts'
import { ROW_SCHEMA } from '../../test/support/rows.ts'
import { commitPath } from '../log/log-path.ts'
import { printSchema } from '../schema/schema.ts'
import type { ObjectStore } from '../store/store.ts'
import { commitTimes, findVersionAt, findVersionSince } from './version-at.ts'

const encode = (lines: readonly object[]): Uint8Array =>
  new TextEncoder().encode(lines.map(line => JSON.stringify(line)).join('\n'))

function metaDataOf(configuration: Record<string, string>): object {
  const format = { provider: 'parquet', options: {} }
  return { metaData: { id: 'x', format, schemaString: printSchema(ROW_SCHEMA), partitionColumns: [], configuration } }
}

const withTimes = { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['inCommitTimestamp'] }

interface Written {
  /** When the file was written, by the store's clock. */
  modifiedAt: number
  /** The time the commit carries. */
  own?: number
}

/** A table of commits with these times; in-commit timestamps begin at `since`. */
async function lay(commits: readonly Written[], since?: number): Promise<ObjectStore> {
  let now = 0
  const store = memoryStore(() => now)
  for (const [i, { modifiedAt, own }] of commits.entries()) {
    now = modifiedAt
    const lines: object[] = [{ commitInfo: { timestamp: 5, ...(own === undefined ? {} : { inCommitTimestamp: own }) } }]
    if (i === 0) lines.push({ protocol: { minReaderVersion: 1, minWriterVersion: 2 } }, metaDataOf({}))
    if (i === since) lines.push({ protocol: withTimes }, metaDataOf(settings(since, own ?? 0)))
    await store.put(commitPath('t', BigInt(i)), encode(lines))
  }
  return store
}

function settings(since: number, time: number): Record<string, string> {
  const enabled = { 'delta.enableInCommitTimestamps': 'true' }
  if (since === 0) return enabled
  const [version, timestamp] = [String(since), String(time)]
  const key = 'delta.inCommitTimestampEnablement'
  return { ...enabled, [`${key}Version`]: version, [`${key}Timestamp`]: timestamp }
}

const at = (store: ObjectStore, timestamp: number): Promise<bigint | undefined> =>
  findVersionAt({ store }, { tablePath: 't', timestamp })

test('the version at a time is the newest one written by then', async () => {
  const store = await lay([{ modifiedAt: 100 }, { modifiedAt: 200 }, { modifiedAt: 300 }])
  expect(await Promise.all([100, 199, 200, 250, 300, 1e15].map(time => at(store, time)))).toEqual([
    0n,
    0n,
    1n,
    1n,
    2n,
    2n,
  ])
  await expect(at(store, 99)).rejects.toMatchObject({ code: 'VERSION_NOT_FOUND', details: { oldest: 0n } })
  expect(await findVersionAt({ store }, { tablePath: 'nothing', timestamp: 1 })).toBeUndefined()
})

test('file times that stand still or go back are made to grow, by a millisecond each', () => {
  const listed = [100, 100, 90, 300.7, 300].map((modifiedAt, i) => ({ version: BigInt(i), modifiedAt, sizeInBytes: 1 }))
  expect(commitTimes(listed).map(({ timestamp }) => timestamp)).toEqual([100, 101, 102, 300, 301])
})

test('where commits carry their times those count, and file times before that', async () => {
  const store = await lay(
    [
      { modifiedAt: 100 },
      { modifiedAt: 200 },
      // Copied files: their times say nothing.
      { modifiedAt: 9000, own: 300 },
      { modifiedAt: 9000, own: 310 },
      { modifiedAt: 9000, own: 400 },
    ],
    2,
  )
  expect(await Promise.all([100, 250, 299].map(time => at(store, time)))).toEqual([0n, 1n, 1n])
  expect(await Promise.all([300, 309, 310, 399, 400, 1e15].map(time => at(store, time)))).toEqual([
    2n,
    2n,
    3n,
    3n,
    4n,
    4n,
  ])
})

test('a table made with such times needs no file time at all', async () => {
  const store = await lay(
    [
      { modifiedAt: 9000, own: 10 },
      { modifiedAt: 8000, own: 20 },
    ],
    0,
  )
  expect(await Promise.all([10, 19, 20].map(time => at(store, time)))).toEqual([0n, 0n, 1n])
  await expect(at(store, 9)).rejects.toMatchObject({ code: 'VERSION_NOT_FOUND', details: { oldest: 0n } })
})

test('a commit that should carry its time and does not is an error', async () => {
  const store = await lay([{ modifiedAt: 1, own: 10 }, { modifiedAt: 2 }], 0)
  await expect(at(store, 15)).rejects.toMatchObject({ code: 'LOG_INVALID', details: { version: 1n } })
})

test('versions that no checkpoint reaches do not count', async () => {
  const store = await lay([{ modifiedAt: 100 }, { modifiedAt: 200 }, { modifiedAt: 300 }, { modifiedAt: 400 }])
  const folder = 't/_delta_log/00000000000000000002.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json'
  const checkpoint = { checkpointMetadata: { version: 2 } }
  await store.put(folder, encode([checkpoint, { protocol: withTimes }, metaDataOf({})]))
  await store.delete(commitPath('t', 0n))
  await expect(at(store, 250)).rejects.toMatchObject({ code: 'VERSION_NOT_FOUND', details: { oldest: 2n } })
  expect(await at(store, 300)).toBe(2n)
})

test('the search among carried times finds what looking at all of them finds', async () => {
  const grow = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 40 })
  await fc.assert(
    fc.asyncProperty(grow, fc.nat(400), async (steps, timestamp) => {
      const times = steps.map((_, i) => steps.slice(0, i + 1).reduce((a, b) => a + b, 0))
      const store = await lay(
        times.map(own => ({ modifiedAt: 1, own })),
        0,
      )
      const expected = times.findLastIndex(time => time <= timestamp)
      const found = await at(store, timestamp).catch(() => -1n)
      expect(found).toBe(BigInt(expected))
    }),
    { numRuns: 50 },
  )
})

test('the changes since a time begin with the oldest version that is not earlier, whatever the clocks said', async () => {
  const times = fc.array(fc.nat(20), { minLength: 1, maxLength: 8 })
  await fc.assert(
    fc.asyncProperty(times, fc.nat(30), fc.boolean(), async (written, timestamp, keepsTimes) => {
      const own = commitTimes(written.map((modifiedAt, i) => ({ version: BigInt(i), modifiedAt, sizeInBytes: 0 })))
      const commits = written.map((modifiedAt, i) => ({
        modifiedAt,
        ...(keepsTimes ? { own: own[i]?.timestamp ?? 0 } : {}),
      }))
      const store = await lay(commits, keepsTimes ? 0 : undefined)
      const wanted = own.find(time => time.timestamp >= timestamp)?.version ?? BigInt(written.length)
      expect(await findVersionSince({ store }, { tablePath: 't', timestamp })).toBe(wanted)
    }),
  )
  expect(await findVersionSince({ store: memoryStore() }, { tablePath: 't', timestamp: 1 })).toBeUndefined()
})
