import { expect, test } from 'vitest'
import { jsonParquet } from '../../test/support/json-parquet.ts'
import { playModel, putCheckpoint, putCommit } from '../../test/support/log-model.ts'
import { type MemoryStore, memoryStore } from '../../test/support/memory-store.ts'
import { dataFile, ROW_SCHEMA, testPorts } from '../../test/support/rows.ts'
import { commitPath } from '../log/log-path.ts'
import { commit } from '../write/commit.ts'
import { stageAppend, stageCreate, stageOverwrite, stageRemoveAndAdd } from '../write/stage.ts'
import type { Staged } from '../write/staged.ts'
import { addedFiles, isAppendOnly, readCommits } from './read-commits.ts'
import { readSnapshot, refreshSnapshot } from './read-snapshot.ts'
import type { Snapshot } from './snapshot.ts'

const info = { operation: 'WRITE' }
const encode = (text: string): Uint8Array => new TextEncoder().encode(text)

/** A table with versions 0 to `appends`, one file each from version 1. */
async function makeTable(appends: number): Promise<{ store: MemoryStore; latest: Snapshot }> {
  const store = memoryStore()
  const ports = testPorts(store)
  const publish = async (staged: Staged): Promise<Snapshot> => {
    const result = await commit(ports, staged)
    if (result.kind === 'conflict') throw new Error(result.reason)
    return result.snapshot
  }
  let latest = await publish(stageCreate({ tablePath: 't', schema: ROW_SCHEMA, info }))
  for (let i = 1; i <= appends; i += 1) {
    latest = await publish(stageAppend(latest, { files: [dataFile(`part-${i}`, [])], info }))
  }
  return { store, latest }
}

/** Requests since now. */
function countRequests(store: MemoryStore): () => { get: number; list: number } {
  const { get, list } = store.counts
  return () => ({ get: store.counts.get - get, list: store.counts.list - list })
}

test('a folder without a log is no table, and one with a log but no commit is an error', async () => {
  const store = memoryStore()
  await store.put('t/part-0', encode('rows'))
  expect(await readSnapshot({ store }, { tablePath: 't' })).toBeUndefined()
  await store.put('t/_delta_log/_last_checkpoint', encode('{}'))
  await expect(readSnapshot({ store }, { tablePath: 't' })).rejects.toMatchObject({ code: 'LOG_INCOMPLETE' })
})

test('a snapshot knows when it was committed, unless its writer did not say', async () => {
  const { store, latest } = await makeTable(1)
  expect(latest.timestamp).toBe(1_700_000_000_000)
  await store.put(commitPath('t', 2n), encode('{"commitInfo":{"timestamp":"yesterday"}}'))
  expect(await refreshSnapshot({ store }, latest)).toMatchObject({ version: 2n, timestamp: undefined })
})

test('a refresh without news costs one request, and with news little more than the newer commits', async () => {
  const { store } = await makeTable(5)
  const old = await readSnapshot({ store }, { tablePath: 't', version: 3n })
  if (!old) throw new Error('no table')
  const requests = countRequests(store)
  const latest = await refreshSnapshot({ store }, old)
  expect([...latest.files.keys()]).toHaveLength(5)
  expect([...old.files.keys()]).toHaveLength(3)
  expect(requests().list).toBe(0)
  expect(requests().get).toBeLessThanOrEqual(2 + 2)
  const quiet = countRequests(store)
  expect(await refreshSnapshot({ store }, latest)).toBe(latest)
  expect(quiet()).toEqual({ get: 1, list: 0 })
})

test('a short log is opened without a listing, and so is a long one behind a hint', async () => {
  const { store } = await makeTable(5)
  const short = countRequests(store)
  expect(await readSnapshot({ store }, { tablePath: 't' })).toMatchObject({ version: 5n })
  // The hint that is not there, six commits, and those asked for beyond the end.
  expect(short().list).toBe(0)
  expect(short().get).toBeLessThanOrEqual(1 + 6 + 6)

  const history = Array.from({ length: 30 }, () => ({ files: {}, txns: {}, domains: {}, order: 0 }))
  const long = memoryStore()
  const { states, lines } = playModel(history)
  for (const [version, content] of lines.entries()) putCommit(long, version, content)
  const [at] = states.slice(27)
  if (at === undefined) throw new Error('the history is too short')
  const hint = putCheckpoint(long, { version: 27, kind: 'classic', state: at, order: 0, sidecars: false })
  await long.put('t/_delta_log/_last_checkpoint', encode(JSON.stringify(hint)))
  const requests = countRequests(long)
  const tables = { store: long, logParquet: jsonParquet(long) }
  const latest = await readSnapshot(tables, { tablePath: 't' })
  expect(latest).toMatchObject({ version: 29n, log: { checkpoint: 27n } })
  // The hint, the checkpoint, two commits, and those asked for beyond the end.
  expect(requests().list).toBe(0)
  expect(requests().get).toBeLessThanOrEqual(1 + 1 + 2 + 2)

  const exact = countRequests(long)
  expect(await readSnapshot(tables, { tablePath: 't', version: 27n })).toMatchObject({ version: 27n, timestamp: 27 })
  expect(exact()).toEqual({ get: 3, list: 0 })
})

test('a stale hint to a checkpoint after which commits were cleaned away does not end the log there', async () => {
  const history = Array.from({ length: 12 }, () => ({ files: {}, txns: {}, domains: {}, order: 0 }))
  const store = memoryStore()
  const { states, lines } = playModel(history)
  const hints = [3, 9].map(version => {
    const state = states[version] ?? never()
    return putCheckpoint(store, { version, kind: 'classic', state, order: 0, sidecars: false })
  })
  for (const [version, content] of lines.entries()) if (version >= 9) putCommit(store, version, content)
  await store.put('t/_delta_log/_last_checkpoint', encode(JSON.stringify(hints[0])))
  const tables = { store, logParquet: jsonParquet(store) }
  expect(await readSnapshot(tables, { tablePath: 't' })).toMatchObject({ version: 11n, log: { checkpoint: 9n } })
})

function never(): never {
  throw new Error('the history is too short')
}

test('a long log without a hint is listed once, and its newest checkpoint is used', async () => {
  const history = Array.from({ length: 120 }, () => ({ files: {}, txns: {}, domains: {}, order: 0 }))
  const store = memoryStore()
  const { states, lines } = playModel(history)
  for (const [version, content] of lines.entries()) putCommit(store, version, content)
  const [at] = states.slice(110)
  if (at === undefined) throw new Error('the history is too short')
  putCheckpoint(store, { version: 110, kind: 'classic', state: at, order: 0, sidecars: false })
  const requests = countRequests(store)
  const latest = await readSnapshot({ store, logParquet: jsonParquet(store) }, { tablePath: 't' })
  expect(latest).toMatchObject({ version: 119n, log: { checkpoint: 110n } })
  expect(requests().list).toBe(1)
})

test('a missing version in the middle is a gap that names it', async () => {
  const { store, latest } = await makeTable(5)
  await store.delete(commitPath('t', 2n))
  const gap = { code: 'LOG_GAP', details: { tablePath: 't', version: 2n, file: '00000000000000000002.json' } }
  await expect(readSnapshot({ store }, { tablePath: 't' })).rejects.toMatchObject(gap)
  await expect(readCommits(store, 't', { after: 0n, upTo: latest.version })).rejects.toMatchObject(gap)
})

test('a table whose first commits lie in a Parquet checkpoint says what is needed to read it', async () => {
  const { store } = await makeTable(3)
  await store.delete(commitPath('t', 0n))
  await expect(readSnapshot({ store }, { tablePath: 't' })).rejects.toMatchObject({ code: 'LOG_GAP' })
  const file = '00000000000000000002.checkpoint.parquet'
  await store.put(`t/_delta_log/${file}`, encode('x'))
  const needed = {
    code: 'CHECKPOINT_NEEDED',
    details: { version: 2n, file },
    message: expect.stringMatching(/logParquet/),
  }
  await expect(readSnapshot({ store }, { tablePath: 't' })).rejects.toMatchObject(needed)
})

test('a checkpoint beside a complete log does no harm, whatever is in it', async () => {
  const { store } = await makeTable(3)
  await store.put('t/_delta_log/00000000000000000002.checkpoint.parquet', encode('not even parquet'))
  await store.put('t/_delta_log/_last_checkpoint', encode('{"version":2,"size":3}'))
  for (const tables of [{ store }, { store, logParquet: jsonParquet(store) }]) {
    expect(await readSnapshot(tables, { tablePath: 't' })).toMatchObject({ version: 3n })
  }
})

test('a version that does not exist is refused with the latest one', async () => {
  const { store } = await makeTable(2)
  for (const version of [3n, -1n]) {
    const wrong = { code: 'VERSION_NOT_FOUND', details: { latest: 2n } }
    await expect(readSnapshot({ store }, { tablePath: 't', version })).rejects.toMatchObject(wrong)
  }
})

test('a log without protocol or metaData is refused with the missing action', async () => {
  const { store } = await makeTable(0)
  const path = commitPath('t', 0n)
  const lines = new TextDecoder().decode(await store.get(path)).split('\n')
  for (const action of ['protocol', 'metaData']) {
    await store.put(path, encode(lines.filter(line => !line.startsWith(`{"${action}"`)).join('\n')))
    const incomplete = { code: 'LOG_INCOMPLETE', details: { version: 0n, action } }
    await expect(readSnapshot({ store }, { tablePath: 't' })).rejects.toMatchObject(incomplete)
  }
})

test('reading stops when it is cancelled', async () => {
  const { store } = await makeTable(1)
  await expect(readSnapshot({ store }, { tablePath: 't', signal: AbortSignal.abort() })).rejects.toThrow(/abort/)
})

test('commits come in order with what each of them added', async () => {
  const { store, latest } = await makeTable(40)
  const commits = await readCommits(store, 't', { after: 2n, upTo: latest.version })
  expect(commits.map(c => c.version)).toEqual(Array.from({ length: 38 }, (_, i) => BigInt(i + 3)))
  expect(commits.flatMap(c => addedFiles(c).map(f => f.path)).at(-1)).toBe('part-40')
})

test('appends and rewrites of the same rows are append-only, an overwrite is not', async () => {
  const { store, latest } = await makeTable(1)
  const ports = testPorts(store, 'b')
  const files = [dataFile('compacted', [])]
  await commit(ports, stageRemoveAndAdd(latest, { remove: ['part-1'], files, dataChange: false, info }))
  const compacted = await refreshSnapshot({ store }, latest)
  await commit(ports, stageOverwrite(compacted, { files: [dataFile('new', [])], info }))
  const commits = await readCommits(store, 't', { after: 0n, upTo: 3n })
  expect(commits.map(isAppendOnly)).toEqual([true, true, false])
  expect(commits.map(c => addedFiles(c).map(f => f.path))).toEqual([['part-1'], [], ['new']])
})
