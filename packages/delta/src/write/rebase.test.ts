import { expect, test } from 'vitest'
import { faultyStore } from '../../test/support/faulty-store.ts'
import { type MemoryStore, memoryStore } from '../../test/support/memory-store.ts'
import { dataFile, ROW_SCHEMA, testPorts } from '../../test/support/rows.ts'
import { commitPath } from '../log/log-path.ts'
import { readCommits } from '../snapshot/read-commits.ts'
import { readSnapshot } from '../snapshot/read-snapshot.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import type { ObjectStore } from '../store/store.ts'
import { type CommitResult, commit } from './commit.ts'
import type { Reads } from './reads.ts'
import { stageAppend, stageCreate, stageRemoveAndAdd } from './stage.ts'
import type { Staged } from './staged.ts'

const info = { operation: 'WRITE' }
const append = (base: Snapshot, name: string, reads: Reads = { kind: 'none' }): Staged =>
  stageAppend(base, { files: [dataFile(name, [])], reads, info })

async function makeTable(): Promise<{ store: MemoryStore; base: Snapshot }> {
  const store = memoryStore()
  const result = await commit(testPorts(store), stageCreate({ tablePath: 't', schema: ROW_SCHEMA, info }))
  if (result.kind === 'conflict') throw new Error(result.reason)
  return { store, base: result.snapshot }
}

/** Each `name` appended by another writer, one commit each. */
async function others(store: ObjectStore, base: Snapshot, names: readonly string[]): Promise<void> {
  for (const name of names) await commit(testPorts(store, name), append(base, name))
}

/** A store where another writer commits just before each of the first `times` puts of a commit. */
function overtaken(store: MemoryStore, base: Snapshot, times: number): ObjectStore {
  let count = 0
  return {
    ...store,
    putIfAbsent: async (path, bytes) => {
      if (count < times) await others(store, base, [`x${(count += 1)}`])
      return store.putIfAbsent(path, bytes)
    },
  }
}

test('a change nobody stands in the way of becomes the next free version, as it was staged', async () => {
  const { store, base } = await makeTable()
  await others(store, base, ['a', 'b', 'c'])
  const result = await commit(testPorts(store, 'd'), append(base, 'd'))
  if (result.kind === 'conflict') throw new Error(result.reason)
  const read = await readSnapshot({ store }, { tablePath: 't' })
  const [ours] = await readCommits(store, 't', { after: 3n, upTo: 4n })
  expect(result.version).toBe(4n)
  expect([...result.snapshot.files.keys()]).toEqual(['a', 'b', 'c', 'd'])
  expect({ ...result.snapshot, txn: 0, domain: 0 }).toEqual({ ...read, txn: 0, domain: 0 })
  expect(ours?.commitInfo).toMatchObject({
    readVersion: 0,
    isBlindAppend: true,
    isolationLevel: 'WriteSerializable',
  })
})

test('winners that were there before the first try cost no write beside that of the commit and its checksum', async () => {
  const { store, base } = await makeTable()
  await others(store, base, ['a', 'b', 'c'])
  const puts = store.counts.putIfAbsent
  await commit(testPorts(store, 'd'), append(base, 'd'))
  expect(store.counts.putIfAbsent - puts).toBe(2)
})

test('a writer that is overtaken at the last moment, again and again, tries on and waits in between', async () => {
  const { store, base } = await makeTable()
  const ports = testPorts(overtaken(store, base, 5), 'b')
  expect(await commit(ports, append(base, 'ours'))).toMatchObject({ kind: 'committed', version: 6n })
  expect(ports.pauses).toHaveLength(5)
})

test('a writer that is always overtaken gives up after the tries it was given, having changed nothing', async () => {
  const { store, base } = await makeTable()
  const ports = testPorts(overtaken(store, base, 99), 'b')
  const result = await commit(ports, append(base, 'ours'), { tries: 4 })
  expect(result).toMatchObject({ kind: 'conflict', rule: 'TooManyTries', version: 4n })
  const read = await readSnapshot({ store }, { tablePath: 't' })
  expect([...(read?.files.keys() ?? [])]).toEqual(['x1', 'x2', 'x3', 'x4'])
})

test('the conflict names the version that stands in the way, not the first that was passed', async () => {
  const { store, base } = await makeTable()
  await others(store, base, ['a', 'b'])
  const current = await readSnapshot({ store }, { tablePath: 't' })
  if (!current) throw new Error('no table')
  const reads: Reads = { kind: 'files', files: ['a'] }
  const remove = { remove: ['a'], files: [], dataChange: true, reads, info: { operation: 'DELETE' } }
  const staged = stageRemoveAndAdd(current, remove)
  await others(store, current, ['c'])
  await commit(testPorts(store, 'e'), staged)
  await others(store, current, ['f'])
  const result = await commit(testPorts(store, 'g'), staged)
  expect(result).toMatchObject({ version: 4n, rule: 'ConcurrentDeleteRead', winner: { operation: 'DELETE' } })
})

test.each(['before', 'after'] as const)(
  'an attempt of unknown outcome at a version that was carried on to is settled there: failed %s it took effect',
  async mode => {
    const { store, base } = await makeTable()
    await others(store, base, ['a', 'b'])
    // Versions 1, 2 and 3 are looked for, then comes the put of version 3.
    const faulty = faultyStore(store, { call: 4, mode })
    expect(await commit(testPorts(faulty, 'c'), append(base, 'c'))).toMatchObject({ kind: 'committed', version: 3n })
    const commits = await readCommits(store, 't', { after: 0n, upTo: 3n })
    expect(commits.map(c => c.actions.length)).toEqual([1, 1, 1])
  },
)

test('while a version is undecided no other one is tried', async () => {
  const { store, base } = await makeTable()
  await others(store, base, ['a'])
  const put: string[] = []
  const silent: ObjectStore = {
    ...store,
    putIfAbsent: async path => {
      put.push(path)
      throw new Error('timeout')
    },
  }
  const outcome = commit(testPorts(silent, 'b'), append(base, 'b'))
  await expect(outcome).rejects.toMatchObject({ code: 'COMMIT_UNDECIDED', details: { version: 2n } })
  expect(new Set(put)).toEqual(new Set([commitPath('t', 2n)]))
})

/** Ports whose clock is some hours ahead of the one that the table's commits were made by. */
function portsLater(store: ObjectStore, hours: number): ReturnType<typeof testPorts> {
  const ports = testPorts(store, 'later')
  return { ...ports, clock: { ...ports.clock, now: () => 1_700_000_000_000 + hours * 3_600_000 } }
}

test('a version that was cleaned away is not made again', async () => {
  const { store, base } = await makeTable()
  await others(store, base, ['a', 'b'])
  await store.delete(commitPath('t', 0n))
  await store.delete(commitPath('t', 1n))
  const result: CommitResult = await commit(portsLater(store, 7), append(base, 'c'))
  expect(result).toMatchObject({ kind: 'conflict', rule: 'HistoryGone' })
  expect(store.objects.has(commitPath('t', 1n))).toBe(false)
  const quick = { ...base, configuration: { 'delta.logRetentionDuration': 'interval 10 minutes' } }
  expect(await commit(portsLater(store, 1), append(quick, 'c'))).toMatchObject({ rule: 'HistoryGone' })
  const ahead = { ...base, timestamp: 1_800_000_000_000 }
  expect(await commit(portsLater(store, 0), append(ahead, 'c'))).toMatchObject({ rule: 'HistoryGone' })
})

test('a commit after a recent one is one look, one write and a checksum, whatever the length of the log', async () => {
  const { store, base } = await makeTable()
  const before = { ...store.counts }
  await commit(testPorts(store, 'a'), append(base, 'a'))
  const { list, get, putIfAbsent } = store.counts
  expect([list - before.list, get - before.get, putIfAbsent - before.putIfAbsent]).toEqual([0, 1, 2])
})

test('an old table that nobody changed since is committed to as before', async () => {
  const { store, base } = await makeTable()
  expect(await commit(portsLater(store, 24 * 365), append(base, 'a'))).toMatchObject({ kind: 'committed', version: 1n })
})

test('a caller who gives up between two tries leaves nothing behind', async () => {
  const { store, base } = await makeTable()
  const stop = new AbortController()
  const ports = testPorts(overtaken(store, base, 99), 'b')
  const clock = { ...ports.clock, sleep: async () => stop.abort(new Error('enough')) }
  await expect(commit({ ...ports, clock }, append(base, 'ours'), { signal: stop.signal })).rejects.toThrow('enough')
  const read = await readSnapshot({ store }, { tablePath: 't' })
  expect([...(read?.files.keys() ?? [])]).toEqual(['x1'])
})
