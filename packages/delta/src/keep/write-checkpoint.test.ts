import fc from 'fast-check'
import { expect, test } from 'vitest'
import { jsonParquet } from '../../test/support/json-parquet.ts'
import { modelHistory, playModel, putCommit } from '../../test/support/log-model.ts'
import { type MemoryStore, memoryStore } from '../../test/support/memory-store.ts'
import { testPorts } from '../../test/support/rows.ts'
import { parseLastCheckpoint } from '../log/last-checkpoint.ts'
import { commitPath } from '../log/log-path.ts'
import type { LogParquet } from '../log/table-store.ts'
import { readState } from '../snapshot/read-snapshot.ts'
import { type CheckpointPorts, writeCheckpoint } from './write-checkpoint.ts'

const DAY = 24 * 60 * 60 * 1000
const HINT = 't/_delta_log/_last_checkpoint'

type History = Parameters<typeof playModel>[0]

/** A table; `settings` are those of its first commit. Tombstones have the version as their time. */
function lay(history: History, settings: Record<string, string> = {}): MemoryStore {
  const store = memoryStore()
  const { lines } = playModel(history)
  for (const [version, content] of lines.entries()) {
    const changed = content.map(line =>
      line.replace('"configuration":{}', `"configuration":${JSON.stringify(settings)}`),
    )
    putCommit(store, version, version === 0 ? changed : content)
  }
  return store
}

function portsOf(store: MemoryStore, now = 0): CheckpointPorts {
  const { ids } = testPorts(store)
  return { store, logParquet: jsonParquet(store), clock: { now: () => now }, ids }
}

async function stateOf(ports: CheckpointPorts, version?: bigint): Promise<object> {
  const state = await readState(ports, { tablePath: 't', version, removed: true })
  if (!state) throw new Error('there is no table')
  const { files, txns, domains, protocol, metaData, removed = new Map() } = state
  const kept = [...removed.values()].map(({ path, deletionVector, deletionTimestamp }) => [
    path,
    deletionVector?.offset ?? 0,
    deletionTimestamp,
  ])
  const plain = [...files].map(([path, { dataChange: _change, ...file }]) => [path, file] as const)
  return { files: new Map(plain), txns, domains, protocol, metaData, removed: new Set(kept.map(String)) }
}

const settings = fc.constantFrom(
  {},
  { 'delta.checkpointPolicy': 'v2' },
  { 'delta.checkpoint.writeStatsAsStruct': 'true' },
  { 'delta.checkpoint.writeStatsAsStruct': 'true', 'delta.checkpoint.writeStatsAsJson': 'false' },
)

test('a table is the same from a checkpoint we write as from the whole log, tombstones included', async () => {
  await fc.assert(
    fc.asyncProperty(modelHistory(12, 2), settings, fc.nat(), async (history, wanted, which) => {
      const store = lay(history, wanted)
      const ports = portsOf(store)
      const version = BigInt(which % history.length)
      const before = await stateOf(ports)
      const written = await writeCheckpoint(ports, { tablePath: 't', version })
      for (let v = 0n; v < version; v += 1n) store.objects.delete(commitPath('t', v))
      expect(await stateOf(ports)).toEqual(before)
      expect(await stateOf({ ...ports, store: withoutHint(store) })).toEqual(before)
      expect(written).toMatchObject({ version, outcome: 'created' })
    }),
    { numRuns: 150 },
  )
})

function withoutHint(store: MemoryStore): MemoryStore {
  return { ...store, get: (path, options) => store.get(path === HINT ? 'nothing' : path, options) }
}

test('only tombstones that readers of older versions may still want are kept', async () => {
  const remove = { kind: 'remove' } as const
  const history: History = ['a', 'b', 'c'].map(path => ({ files: { [path]: remove }, txns: {}, domains: {}, order: 0 }))
  const removedAfter = async (now: number, wanted: Record<string, string>): Promise<unknown> => {
    const store = lay(history, wanted)
    const ports = portsOf(store, now)
    await writeCheckpoint(ports, { tablePath: 't' })
    for (const version of [0n, 1n, 2n]) store.objects.delete(commitPath('t', version))
    return (await stateOf(ports)) as { removed: Set<string> }
  }
  const kept = (...paths: string[]): object => ({ removed: new Set(paths.map(p => `${p},0,${'abc'.indexOf(p)}`)) })
  expect(await removedAfter(7 * DAY, {})).toMatchObject(kept('a', 'b', 'c'))
  expect(await removedAfter(7 * DAY + 2, {})).toMatchObject(kept('c'))
  const hour = { 'delta.deletedFileRetentionDuration': 'interval 1 hour' }
  expect(await removedAfter(DAY, hour)).toMatchObject(kept())
  const nonsense = { 'delta.deletedFileRetentionDuration': 'interval some months' }
  expect(await removedAfter(9000 * DAY, nonsense)).toMatchObject(kept('a', 'b', 'c'))
})

test('a checkpoint says nothing of who committed, and a removed file has neither statistics nor tags', async () => {
  const store = memoryStore()
  const history: History = [
    { files: { a: { kind: 'write', vector: 0, twice: false } }, txns: {}, domains: {}, order: 0 },
  ]
  putCommit(store, 0, playModel(history).lines[0] ?? [])
  const remove = { path: 'a', deletionTimestamp: 1, dataChange: true, stats: '{}', tags: { x: 'y' }, size: 5 }
  const cdc = { path: '_change_data/c', partitionValues: {}, size: 1, dataChange: false }
  putCommit(
    store,
    1,
    [{ commitInfo: {} }, { remove }, { cdc }].map(action => JSON.stringify(action)),
  )
  await writeCheckpoint(portsOf(store), { tablePath: 't' })
  const text = new TextDecoder().decode(store.objects.get('t/_delta_log/00000000000000000001.checkpoint.parquet'))
  expect(text).not.toMatch(/"commitInfo"|"cdc"|"stats"|"tags":\{"x"/)
  expect(text).toContain(
    '"remove":{"path":"a","deletionTimestamp":1,"dataChange":false,"extendedFileMetadata":false,"size":5}',
  )
})

test('the hint counts, is signed, and takes the checksum that Hadoop kept of it away', async () => {
  const store = lay([
    { files: { a: { kind: 'write', vector: 0, twice: false } }, txns: { x: 1 }, domains: {}, order: 0 },
  ])
  await store.put('t/_delta_log/._last_checkpoint.crc', new Uint8Array([1]))
  const written = await writeCheckpoint(portsOf(store), { tablePath: 't' })
  const text = new TextDecoder().decode(store.objects.get(HINT))
  const { checksum: _checksum, ...hint } = JSON.parse(text) as Record<string, unknown>
  expect(hint).toEqual({ version: 0, size: 4, sizeInBytes: Number(written.sizeInBytes), numOfAddFiles: 1 })
  expect(parseLastCheckpoint(text)).toMatchObject({ version: 0n })
  expect(parseLastCheckpoint(text.replace('"size":4', '"size":5'))).toBeUndefined()
  expect(store.objects.has('t/_delta_log/._last_checkpoint.crc')).toBe(false)
})

test('the hint never goes back', async () => {
  const store = lay([0, 1, 2].map(() => ({ files: {}, txns: {}, domains: {}, order: 0 })))
  const ports = portsOf(store)
  await writeCheckpoint(ports, { tablePath: 't' })
  await writeCheckpoint(ports, { tablePath: 't', version: 1n })
  expect(parseLastCheckpoint(new TextDecoder().decode(store.objects.get(HINT)))).toMatchObject({ version: 2n })
})

test('of two writers of one checkpoint the first one stays', async () => {
  const store = lay([{ files: {}, txns: {}, domains: {}, order: 0 }])
  const outcomes = await Promise.all([0, 1].map(() => writeCheckpoint(portsOf(store), { tablePath: 't' })))
  expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual(['created', 'exists'])
})

test('a checkpoint that lost rows on its way is removed, and the hint does not speak of it', async () => {
  for (const wanted of [{}, { 'delta.checkpointPolicy': 'v2' }]) {
    const store = lay(
      [{ files: { a: { kind: 'write', vector: 0, twice: false } }, txns: {}, domains: {}, order: 0 }],
      wanted,
    )
    const honest = jsonParquet(store)
    const lossy: LogParquet = {
      ...honest,
      writeRows: async (path, schema, rows, options) => {
        const written = await honest.writeRows(path, schema, rows, options)
        return { ...written, rowCount: written.rowCount - 1n }
      },
    }
    const writing = writeCheckpoint({ ...portsOf(store), logParquet: lossy }, { tablePath: 't' })
    await expect(writing).rejects.toMatchObject({ code: 'CHECKPOINT_INVALID', details: { version: 0n } })
    expect([...store.objects.keys()]).toEqual([commitPath('t', 0n)])
  }
})

test('without a writer of Parquet, or a table, nothing is written', async () => {
  const store = lay([{ files: {}, txns: {}, domains: {}, order: 0 }])
  const { logParquet: _reader, ...without } = portsOf(store)
  await expect(writeCheckpoint(without, { tablePath: 't' })).rejects.toMatchObject({ code: 'CHECKPOINT_NEEDED' })
  await expect(writeCheckpoint(portsOf(store), { tablePath: 'no' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

test('with the policy v2 files lie in sidecars, however many, and nowhere else', async () => {
  const files = Object.fromEntries('abcd'.split('').map(p => [p, { kind: 'write', vector: 0, twice: false } as const]))
  const store = lay([{ files, txns: {}, domains: {}, order: 0 }], { 'delta.checkpointPolicy': 'v2' })
  const written = await writeCheckpoint(portsOf(store), { tablePath: 't' })
  expect(written.size).toBe(4n + 1n + 2n + 1n)
  const names = [...store.objects.keys()].filter(path => path.includes('_sidecars/'))
  expect(names).toHaveLength(1)
  const text = new TextDecoder().decode(store.objects.get('t/_delta_log/00000000000000000000.checkpoint.parquet'))
  expect(text).toContain('"checkpointMetadata":{"version":0,"tags":{}}')
  expect(text).not.toContain('"add"')
})
