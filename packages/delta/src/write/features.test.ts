import { expect, test } from 'vitest'
import { type MemoryStore, memoryStore } from '../../test/support/memory-store.ts'
import { dataFile, ROW_SCHEMA, testPorts } from '../../test/support/rows.ts'
import type { DataFile } from '../log/actions.ts'
import { commitPath } from '../log/log-path.ts'
import { readCommits } from '../snapshot/read-commits.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import { commit } from './commit.ts'
import { type CreateRequest, stageAppend, stageCreate, stageMetadata, stageRemoveAndAdd } from './stage.ts'
import type { Staged } from './staged.ts'

const info = { operation: 'WRITE' }
const START = 1_700_000_000_000

interface Table {
  store: MemoryStore
  publish(staged: Staged, now?: number): Promise<Snapshot>
}

function makeStore(): Table {
  const store = memoryStore()
  let names = 0
  return {
    store,
    publish: async (staged, now = START) => {
      const ports = testPorts(store, String((names += 1)))
      const result = await commit({ ...ports, clock: { ...ports.clock, now: () => now } }, staged)
      if (result.kind === 'conflict') throw new Error(result.reason)
      return result.snapshot
    },
  }
}

const create = (request: Partial<CreateRequest> = {}): Staged =>
  stageCreate({ tablePath: 't', schema: ROW_SCHEMA, info, ...request })

/** A file of so many rows; their values do not matter. */
function rows(name: string, count: number): DataFile {
  const { stats: _stats, ...file } = dataFile(name, [])
  return { ...file, numRecords: BigInt(count), stats: JSON.stringify({ numRecords: count }) }
}

test('a setting that makes use of a feature brings the feature, once', async () => {
  const { publish } = makeStore()
  const table = await publish(create())
  const staged = stageMetadata(table, { configuration: { 'delta.enableInCommitTimestamps': 'true' }, info })
  expect(staged.protocol).toEqual({
    minReaderVersion: 1,
    minWriterVersion: 7,
    writerFeatures: ['appendOnly', 'invariants', 'inCommitTimestamp'],
  })
  const after = await publish(staged)
  expect(stageMetadata(after, { configuration: { mine: 'x' }, info }).protocol).toBeUndefined()
})

test('a feature may be asked for by its name or by a setting, which is then not kept', async () => {
  const { publish } = makeStore()
  const table = await publish(create({ features: ['vacuumProtocolCheck'] }))
  expect(table.protocol).toMatchObject({ minReaderVersion: 3, readerFeatures: ['vacuumProtocolCheck'] })
  const staged = stageMetadata(table, { configuration: { 'delta.feature.domainMetadata': 'supported' }, info })
  expect(staged.protocol?.writerFeatures).toContain('domainMetadata')
  expect(staged.metaData).toBeUndefined()
  expect(() => stageMetadata(table, { configuration: { 'delta.feature.x': 'yes' }, info })).toThrow(/supported/)
})

test('a domain raises no protocol by itself, and may be set when the feature is asked for along with it', async () => {
  const { publish } = makeStore()
  const table = await publish(create())
  const domains = [{ domain: 'd', configuration: '1' }]
  expect(() => stageMetadata(table, { domains, info })).toThrow(/features/)
  const after = await publish(stageMetadata(table, { domains, features: ['domainMetadata'], info }))
  expect(after.domain('d')).toBe('1')
})

test.each(['catalogManaged', 'icebergCompatV1', 'icebergCompatV2', 'icebergCompatV3', 'allowColumnDefaults', 'shiny'])(
  'the feature %s is not given to a table',
  feature => {
    expect(() => create({ features: [feature] })).toThrow(
      expect.objectContaining({ code: 'FEATURE_UNSUPPORTED', message: expect.stringContaining(feature) }),
    )
  },
)

test('settings that belong to a feature are not for callers to change', async () => {
  const key = 'delta.inCommitTimestampEnablementVersion'
  expect(() => create({ configuration: { [key]: '1' } })).toThrow(expect.objectContaining({ code: 'STAGE_INVALID' }))
})

test('domains of the format are not for callers to set, and those nobody knows stay', async () => {
  const { store, publish } = makeStore()
  const table = await publish(create({ features: ['domainMetadata'] }))
  const set = (domain: string) => () => stageMetadata(table, { domains: [{ domain, configuration: '{}' }], info })
  expect(set('delta.clustering')).toThrow(expect.objectContaining({ code: 'WRITE_REFUSED' }))
  const line = { domainMetadata: { domain: 'delta.shiny', configuration: '{"x":1}', removed: false } }
  await store.put(commitPath('t', 1n), new TextEncoder().encode(JSON.stringify(line)))
  const after = await publish(stageAppend(table, { files: [], reads: { kind: 'none' }, info }))
  expect(after.version).toBe(2n)
  expect(after.domain('delta.shiny')).toBe('{"x":1}')
})

test('a domain that is removed keeps on record what it said last', async () => {
  const { store, publish } = makeStore()
  const table = await publish(create({ domains: [{ domain: 'd', configuration: 'last' }] }))
  await publish(stageMetadata(table, { domains: [{ domain: 'd', configuration: '', removed: true }], info }))
  const text = new TextDecoder().decode(await store.get(commitPath('t', 1n)))
  expect(text).toContain('{"domainMetadata":{"domain":"d","configuration":"last","removed":true}}')
})

test('every commit of a table with in-commit timestamps is later than the one before, whatever the clock says', async () => {
  const { store, publish } = makeStore()
  let table = await publish(create({ configuration: { 'delta.enableInCommitTimestamps': 'true' } }), 5000)
  for (const now of [4000, 6000, 6000]) table = await publish(stageAppend(table, { files: [], info }), now)
  expect(table.inCommitTimestamp).toBe(6001)
  const commits = await readCommits(store, 't', { after: -1n, upTo: 3n })
  expect(commits.map(c => c.commitInfo?.['inCommitTimestamp'])).toEqual([5000, 5001, 6000, 6001])
  expect(table.configuration).toEqual({ 'delta.enableInCommitTimestamps': 'true' })
})

test('a change that is carried on is later than the commit it follows', async () => {
  const { publish } = makeStore()
  const table = await publish(create({ configuration: { 'delta.enableInCommitTimestamps': 'true' } }), 5000)
  const ours = stageAppend(table, { files: [], reads: { kind: 'none' }, info })
  await publish(stageAppend(table, { files: [], info }), 9000)
  expect((await publish(ours, 8000)).inCommitTimestamp).toBe(9001)
})

test('a table that begins to keep times notes from which version on, later than the file before', async () => {
  const { store, publish } = makeStore()
  const table = await publish(create(), 5000)
  const listed: MemoryStore = {
    ...store,
    async *list(prefix, options) {
      // File systems tell parts of a millisecond, and a commit holds whole ones.
      for await (const object of store.list(prefix, options)) yield { ...object, modifiedAt: 7000.75 }
    },
  }
  const staged = stageMetadata(table, { configuration: { 'delta.enableInCommitTimestamps': 'true' }, info })
  const ports = testPorts(listed, 'z')
  await commit({ ...ports, clock: { ...ports.clock, now: () => 6000 } }, staged)
  const [begun] = await readCommits(store, 't', { after: 0n, upTo: 1n })
  expect(begun?.commitInfo?.['inCommitTimestamp']).toBe(7001)
  expect(begun?.actions).toContainEqual(
    expect.objectContaining({
      metaData: expect.objectContaining({
        configuration: {
          'delta.enableInCommitTimestamps': 'true',
          'delta.inCommitTimestampEnablementVersion': '1',
          'delta.inCommitTimestampEnablementTimestamp': '7001',
        },
      }),
    }),
  )
})

const ranges = (table: Snapshot): Record<string, unknown> =>
  Object.fromEntries([...table.files].map(([path, f]) => [path, [f.baseRowId, f.defaultRowCommitVersion]]))

test('row ids are handed out once, in order, with the version that adds them', async () => {
  const { store, publish } = makeStore()
  const configuration = { 'delta.enableRowTracking': 'true' }
  const first = await publish(create({ configuration, files: [rows('a', 3), rows('b', 2)] }))
  expect(first.protocol.writerFeatures).toEqual(expect.arrayContaining(['domainMetadata', 'rowTracking']))
  expect(first.configuration).toMatchObject({
    'delta.rowTracking.materializedRowIdColumnName': `_row-id-col-${first.metaData.id}`,
    'delta.rowTracking.materializedRowCommitVersionColumnName': `_row-commit-version-col-${first.metaData.id}`,
  })
  const second = await publish(stageAppend(first, { files: [rows('c', 1)], info }))
  expect(ranges(second)).toEqual({ a: [0n, 0n], b: [3n, 0n], c: [5n, 1n] })
  expect(second.domain('delta.rowTracking')).toBe('{"rowIdHighWaterMark":5}')
  const deleted = stageRemoveAndAdd(second, { remove: ['a'], files: [], dataChange: true, info })
  const third = await publish(stageAppend(await publish(deleted), { files: [rows('d', 4)], info }))
  expect(ranges(third)).toMatchObject({ d: [6n, 3n] })
  const preserved = await readCommits(store, 't', { after: -1n, upTo: 3n })
  expect(preserved.map(c => c.commitInfo?.['tags'])).toEqual(
    Array.from({ length: 4 }, () => ({ 'delta.rowTracking.preserved': 'true' })),
  )
})

test('a file that is added again keeps its row ids, rows that move to a new file get new ones and the commit says so', async () => {
  const { store, publish } = makeStore()
  const configuration = { 'delta.enableRowTracking': 'true' }
  const table = await publish(create({ configuration, files: [rows('a', 3), rows('b', 2)] }))
  const again = { remove: ['a'], files: [rows('a', 3)], dataChange: false, info }
  const second = await publish(stageRemoveAndAdd(table, again))
  expect(ranges(second)['a']).toEqual([0n, 0n])
  const moved = { remove: ['b'], files: [rows('b2', 2)], dataChange: false, info }
  const third = await publish(stageRemoveAndAdd(second, moved))
  expect(ranges(third)['b2']).toEqual([5n, 2n])
  const commits = await readCommits(store, 't', { after: 0n, upTo: 2n })
  expect(commits.map(c => c.commitInfo?.['tags'])).toEqual([
    { 'delta.rowTracking.preserved': 'true' },
    { 'delta.rowTracking.preserved': 'false' },
  ])
  expect(JSON.stringify(commits[1]?.actions, (_k, v) => (typeof v === 'bigint' ? Number(v) : v))).toContain(
    '"baseRowId":3',
  )
})

test('two writers at once never hand out one row id twice', async () => {
  const { publish } = makeStore()
  const table = await publish(create({ features: ['rowTracking'] }))
  const append = (name: string): Staged =>
    stageAppend(table, { files: [rows(name, 10)], reads: { kind: 'none' }, info })
  const staged = [append('a'), append('b'), append('c')]
  let last = table
  for (const one of staged) last = await publish(one)
  expect(ranges(last)).toEqual({ a: [0n, 1n], b: [10n, 2n], c: [20n, 3n] })
  expect(last.domain('delta.rowTracking')).toBe('{"rowIdHighWaterMark":29}')
})

test('a table does not begin to promise row ids that its files lack', async () => {
  const { publish } = makeStore()
  const table = await publish(create({ files: [rows('a', 1)] }))
  const enable = (base: Snapshot): Staged =>
    stageMetadata(base, { configuration: { 'delta.enableRowTracking': 'true' }, info })
  expect(() => enable(table)).toThrow(expect.objectContaining({ code: 'WRITE_REFUSED' }))
  const supported = await publish(stageMetadata(table, { features: ['rowTracking'], info }))
  const readded = { remove: ['a'], files: [rows('a', 1)], dataChange: false, info }
  expect((await publish(enable(await publish(stageRemoveAndAdd(supported, readded))))).configuration).toMatchObject({
    'delta.enableRowTracking': 'true',
  })
})
