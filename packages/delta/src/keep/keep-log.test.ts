/**
 * Looking after the log is part of a commit and no risk to it: whatever fails, the commit stands, the table stays
 * readable, and the next commit makes good what was missed.
 */
import { expect, test } from 'vitest'
import { faultyStore } from '../../test/support/faulty-store.ts'
import { jsonParquet } from '../../test/support/json-parquet.ts'
import { type MemoryStore, memoryStore } from '../../test/support/memory-store.ts'
import { dataFile, ROW_SCHEMA, testPorts } from '../../test/support/rows.ts'
import { readSnapshot } from '../snapshot/read-snapshot.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import type { ObjectStore } from '../store/store.ts'
import { commit, type CommitPorts } from '../write/commit.ts'
import { stageAppend, stageCreate } from '../write/stage.ts'
import { keepLog, type Upkeep } from './keep-log.ts'

const info = { operation: 'WRITE' }
const DAY = 24 * 60 * 60 * 1000

function portsOf(store: ObjectStore, seed: string, now = 0): CommitPorts {
  const ports = testPorts(store, seed)
  return { ...ports, logParquet: jsonParquet(store), clock: { ...ports.clock, now: () => now } }
}

async function publish(
  ports: CommitPorts,
  base: Snapshot,
  name: string,
): Promise<{ snapshot: Snapshot; upkeep: Upkeep }> {
  const result = await commit(ports, stageAppend(base, { files: [dataFile(name, [])], info }))
  if (result.kind === 'conflict') throw new Error(result.reason)
  return result
}

interface Made {
  store: MemoryStore
  latest: Snapshot
  upkeeps: Upkeep[]
  /** Let the store's clock say this from now on. */
  setTime(time: number): void
}

/** A table with a checkpoint after every fourth commit, and some versions. */
async function makeTable(appends: number, settings: Record<string, string> = {}): Promise<Made> {
  let time = 0
  const store = memoryStore(() => time)
  const ports = portsOf(store, 'a')
  const configuration = { 'delta.checkpointInterval': '4', ...settings }
  const made = await commit(ports, stageCreate({ tablePath: 't', schema: ROW_SCHEMA, configuration, info }))
  if (made.kind === 'conflict') throw new Error(made.reason)
  let latest = made.snapshot
  const upkeeps = [made.upkeep]
  for (let i = 1; i <= appends; i += 1) {
    const { snapshot, upkeep } = await publish(ports, latest, `f${i}`)
    latest = snapshot
    upkeeps.push(upkeep)
  }
  return { store, latest, upkeeps, setTime: later => void (time = later) }
}

const names = (store: MemoryStore, part: string): string[] =>
  [...store.objects.keys()].filter(path => path.includes(part)).map(path => path.slice('t/_delta_log/'.length))

test('every commit gets a checksum, every so many a checkpoint, and counting begins anew', async () => {
  const { store, latest, upkeeps } = await makeTable(9)
  expect(upkeeps.map(({ kind }) => kind).join(' ')).toBe('none none none done none none none done none none')
  expect(names(store, 'checkpoint.parquet').map(name => Number(name.slice(0, 20)))).toEqual([3, 7])
  expect(names(store, '.crc')).toHaveLength(10)
  expect(latest.log).toMatchObject({ checkpoint: 7n })
  const read = await readSnapshot(portsOf(store, 'b'), { tablePath: 't' })
  expect(read).toMatchObject({ version: 9n, log: { checkpoint: 7n } })
  expect([...(read?.files.keys() ?? [])].sort()).toEqual([...latest.files.keys()].sort())
})

test('without a writer of Parquet the checksum is all that is asked of the store', async () => {
  const { store, latest } = await makeTable(2)
  const { logParquet: _reader, ...ports } = portsOf(store, 'b')
  const counts = { ...store.counts }
  expect((await keepLog(ports, { ...latest, version: 500n })).upkeep).toEqual({ kind: 'none' })
  expect(store.counts).toEqual({ ...counts, putIfAbsent: counts.putIfAbsent + 1 })
})

test('a writer that did not see the newest checkpoint learns of it instead of writing another', async () => {
  const { store, latest } = await makeTable(4)
  const blind: Snapshot = { ...latest, log: { checkpoint: undefined, sizeInBytes: 0 } }
  const { snapshot, upkeep } = await publish(portsOf(store, 'b'), blind, 'more')
  expect(upkeep).toEqual({ kind: 'none' })
  expect(snapshot.log.checkpoint).toBe(3n)
  expect(names(store, 'checkpoint.parquet')).toHaveLength(1)
})

test('nothing of the log is removed by a commit, however old', async () => {
  const { store, latest, setTime } = await makeTable(6)
  setTime(400 * DAY)
  const { upkeep } = await publish(portsOf(store, 'b', 400 * DAY), latest, 'late')
  expect(upkeep).toEqual({ kind: 'done', checkpoint: 7n })
  expect(names(store, '.json')).toHaveLength(8)
  expect(store.counts.delete).toBe(2)
})

test.each(['before', 'after', 'hang'] as const)(
  'a commit stands when any store call of the checkpoint after it fails: %s',
  async mode => {
    for (let call = 1; ; call += 1) {
      const { store, latest } = await makeTable(2)
      const interrupt = new AbortController()
      const onFault = (): void => (mode === 'hang' ? interrupt.abort() : undefined)
      // The commit itself has tests of its own: only what comes after it fails here.
      const published = await publish({ ...portsOf(store, 'b'), logParquet: undefined as never }, latest, 'f3')
      const faulty = faultyStore(store, { call, mode, signal: interrupt.signal, onFault })
      const { upkeep, snapshot } = await keepLog(portsOf(faulty, 'b'), published.snapshot, { signal: interrupt.signal })
      expect(snapshot).toMatchObject({ version: 3n })
      const read = await readSnapshot(portsOf(store, 'c'), { tablePath: 't' })
      expect(read).toMatchObject({ version: 3n })
      expect([...(read?.files.keys() ?? [])].sort()).toEqual(['f1', 'f2', 'f3'])
      if (!faulty.fired) {
        expect(upkeep).toMatchObject({ kind: 'done', checkpoint: 3n })
        expect(call).toBeGreaterThan(8)
        return
      }
      let again = published.snapshot
      for (const name of ['f4', 'f5', 'f6', 'f7']) again = (await publish(portsOf(store, 'd'), again, name)).snapshot
      const later = await readSnapshot(portsOf(store, 'e'), { tablePath: 't' })
      expect(later?.log.checkpoint ?? -1n).toBeGreaterThanOrEqual(3n)
      expect(later?.files.size).toBe(7)
    }
  },
)

test('a cancelled commit that is there already is told as committed', async () => {
  const { store, latest } = await makeTable(2)
  const cancel = new AbortController()
  const late: ObjectStore = {
    ...store,
    putIfAbsent: async (path, bytes, options) => {
      const outcome = await store.putIfAbsent(path, bytes, options)
      cancel.abort()
      return outcome
    },
  }
  const staged = stageAppend(latest, { files: [dataFile('f3', [])], info })
  const result = await commit(portsOf(late, 'b'), staged, { signal: cancel.signal })
  expect(result).toMatchObject({ kind: 'committed', version: 3n, upkeep: { kind: 'failed' } })
})
