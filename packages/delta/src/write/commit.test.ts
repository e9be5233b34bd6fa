import { expect, test } from 'vitest'
import { faultyStore } from '../../test/support/faulty-store.ts'
import { type MemoryStore, memoryStore } from '../../test/support/memory-store.ts'
import { dataFile, ROW_SCHEMA, testPorts } from '../../test/support/rows.ts'
import { DeltaError } from '../errors.ts'
import { commitPath } from '../log/log-path.ts'
import { readSnapshot } from '../snapshot/read-snapshot.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import type { ObjectStore } from '../store/store.ts'
import { commit } from './commit.ts'
import { stageAppend, stageCreate } from './stage.ts'
import type { Staged } from './staged.ts'

const info = { operation: 'WRITE' }
const create = (): Staged => stageCreate({ tablePath: 't', schema: ROW_SCHEMA, info })
const append = (base: Snapshot, name: string): Staged => stageAppend(base, { files: [dataFile(name, [])], info })

async function makeTable(): Promise<{ store: MemoryStore; base: Snapshot }> {
  const store = memoryStore()
  const result = await commit(testPorts(store), create())
  if (result.kind === 'conflict') throw new Error(result.reason)
  return { store, base: result.snapshot }
}

async function filesOf(store: ObjectStore): Promise<string[]> {
  const snapshot = await readSnapshot({ store }, { tablePath: 't' })
  return [...(snapshot?.files.keys() ?? [])]
}

/** A store whose putIfAbsent always ends with this error, after doing it when `effective`. */
function brokenPut(store: ObjectStore, error: Error, effective = false): ObjectStore {
  const putIfAbsent: ObjectStore['putIfAbsent'] = async (path, bytes) => {
    if (effective) await store.putIfAbsent(path, bytes)
    throw error
  }
  return { ...store, putIfAbsent }
}

test('a committed version comes with its snapshot, equal to what a reader gets', async () => {
  const { store, base } = await makeTable()
  const result = await commit(testPorts(store, 'b'), append(base, 'a'))
  const read = await readSnapshot({ store }, { tablePath: 't' })
  if (result.kind === 'conflict' || !read) throw new Error('not committed')
  expect(result.version).toBe(1n)
  const plain = ({ txn: _txn, domain: _domain, ...rest }: Snapshot): object => rest
  expect(plain(result.snapshot)).toEqual(plain(read))
})

test('a second writer at the same version gets the winner as a conflict, and changes nothing', async () => {
  const { store, base } = await makeTable()
  const winner = stageAppend(base, { files: [dataFile('first', [])], info: { operation: 'MERGE', runId: 'r7' } })
  await commit(testPorts(store, 'b'), winner)
  const result = await commit(testPorts(store, 'c'), append(base, 'second'))
  expect(result).toMatchObject({ kind: 'conflict', version: 1n, winner: { operation: 'MERGE', runId: 'r7' } })
  expect(await filesOf(store)).toEqual(['first'])
})

test('of two creators one makes the table', async () => {
  const store = memoryStore()
  const results = await Promise.all(['a', 'b', 'c'].map(seed => commit(testPorts(store, seed), create())))
  expect(results.map(r => r.kind).sort()).toEqual(['committed', 'conflict', 'conflict'])
})

test('a table whose version 0 was cleaned away is not created again', async () => {
  const { store, base } = await makeTable()
  await commit(testPorts(store, 'b'), append(base, 'a'))
  await store.delete(commitPath('t', 0n))
  expect(await commit(testPorts(store, 'c'), create())).toMatchObject({ kind: 'conflict', version: 1n })
  await store.delete(commitPath('t', 1n))
  await store.put('t/_delta_log/00000000000000000009.checkpoint.parquet', new Uint8Array(1))
  expect(await commit(testPorts(store, 'c'), create())).toMatchObject({ kind: 'conflict', winner: undefined })
})

test('an attempt that failed after it took effect is recognised, not repeated', async () => {
  const { store, base } = await makeTable()
  const puts: string[] = []
  const recording: ObjectStore = {
    ...store,
    putIfAbsent: (path, bytes) => (puts.push(path), store.putIfAbsent(path, bytes)),
  }
  const faulty = faultyStore(recording, { call: 2, mode: 'after' })
  expect(await commit(testPorts(faulty, 'b'), append(base, 'a'))).toMatchObject({ kind: 'committed', version: 1n })
  expect(puts.filter(path => path.endsWith('.json'))).toEqual([commitPath('t', 1n)])
  expect(await filesOf(store)).toEqual(['a'])
})

test('an attempt that failed before it took effect is repeated with the same bytes', async () => {
  const { store, base } = await makeTable()
  const seen: string[] = []
  const recording: ObjectStore = {
    ...store,
    putIfAbsent: async (path, bytes) => {
      if (path.endsWith('.crc')) return 'exists'
      seen.push(new TextDecoder().decode(bytes))
      if (seen.length < 4) throw new Error('connection reset')
      return store.putIfAbsent(path, bytes)
    },
  }
  const ports = testPorts(recording, 'b')
  expect(await commit(ports, append(base, 'a'))).toMatchObject({ kind: 'committed' })
  expect(new Set(seen).size).toBe(1)
  expect(ports.pauses).toHaveLength(3)
  expect(ports.pauses).toEqual([...ports.pauses].sort((a, b) => a - b))
})

test('when the version went to another writer during the failure, it is a conflict', async () => {
  const { store, base } = await makeTable()
  const stolen: ObjectStore = {
    ...store,
    putIfAbsent: async () => {
      await commit(testPorts(store, 'c'), append(base, 'theirs'))
      throw new Error('timeout')
    },
  }
  expect(await commit(testPorts(stolen, 'b'), append(base, 'ours'))).toMatchObject({ kind: 'conflict' })
  expect(await filesOf(store)).toEqual(['theirs'])
})

test('a store that repeats a request by itself and then says "exists" is still understood', async () => {
  const { store, base } = await makeTable()
  const repeating: ObjectStore = {
    ...store,
    putIfAbsent: async (path, bytes) => {
      await store.putIfAbsent(path, bytes)
      return store.putIfAbsent(path, bytes)
    },
  }
  expect(await commit(testPorts(repeating, 'b'), append(base, 'a'))).toMatchObject({ kind: 'committed' })
})

test('when the store never answers, the outcome is undecided and says that no file may be deleted', async () => {
  const { store, base } = await makeTable()
  const silent = brokenPut(store, new Error('timeout'))
  const undecided = { code: 'COMMIT_UNDECIDED', message: expect.stringContaining('No file may be deleted') }
  const ports = testPorts(silent, 'b')
  await expect(commit(ports, append(base, 'a'))).rejects.toMatchObject(undecided)
  expect(ports.pauses.length).toBeLessThan(10)

  const blind: ObjectStore = {
    ...brokenPut(store, new Error('timeout'), true),
    get: path => (store.objects.has(commitPath('t', 1n)) ? Promise.reject(new Error('no answer')) : store.get(path)),
  }
  await expect(commit(testPorts(blind, 'c'), append(base, 'b'))).rejects.toMatchObject(undecided)
  expect(await filesOf(store)).toEqual(['b'])
})

test('a write that was refused outright is reported as such at once, and nothing was written', async () => {
  const { store, base } = await makeTable()
  const refusal = new DeltaError('NOT_WRITTEN', 'the disk is read-only')
  const ports = testPorts(brokenPut(store, refusal), 'b')
  await expect(commit(ports, append(base, 'a'))).rejects.toBe(refusal)
  expect(ports.pauses).toEqual([])
})

test('a refusal after an attempt of unknown outcome does not decide that attempt', async () => {
  const { store, base } = await makeTable()
  let calls = 0
  const wavering: ObjectStore = {
    ...store,
    putIfAbsent: async (path, bytes) => {
      calls += 1
      if (calls === 1) throw new Error('timeout')
      // The first request arrives late, between the look and the refusal.
      await store.putIfAbsent(path, bytes)
      throw new DeltaError('NOT_WRITTEN', 'the token expired')
    },
  }
  expect(await commit(testPorts(wavering, 'b'), append(base, 'a'))).toMatchObject({ kind: 'committed' })
})

test('a cancelled caller learns what happened to the attempt under way', async () => {
  const { store, base } = await makeTable()
  const before = new AbortController()
  before.abort()
  await expect(commit(testPorts(store), append(base, 'a'), { signal: before.signal })).rejects.toThrow(/abort/)

  const during = new AbortController()
  const hanging = faultyStore(store, { call: 2, mode: 'hang', onFault: () => during.abort() })
  const outcome = commit(testPorts(hanging, 'b'), append(base, 'a'), { signal: during.signal })
  await expect(outcome).rejects.toMatchObject({ code: 'COMMIT_UNDECIDED' })
  expect(await filesOf(store)).toEqual([])

  const late = new AbortController()
  const done: ObjectStore = {
    ...store,
    putIfAbsent: async (path, bytes) => {
      await store.putIfAbsent(path, bytes)
      late.abort()
      throw late.signal.reason
    },
  }
  const result = await commit(testPorts(done, 'c'), append(base, 'b'), { signal: late.signal })
  expect(result.kind).toBe('committed')
})
