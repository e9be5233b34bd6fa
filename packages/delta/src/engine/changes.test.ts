import { expect, test } from 'vitest'
import { type MemoryStore, memoryStore } from '../../test/support/memory-store.ts'
import { dataFile, ROW_SCHEMA, testPorts } from '../../test/support/rows.ts'
import { RowSet } from '../deletion-vector/row-set.ts'
import { writeDeletionVectors } from '../deletion-vector/write-vectors.ts'
import type { DataFile } from '../log/actions.ts'
import { commitPath } from '../log/log-path.ts'
import { field, type StructType } from '../schema/schema.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import { commit } from '../write/commit.ts'
import { type CreateRequest, stageAppend, stageCreate, stageOverwrite, stageRemoveAndAdd } from '../write/stage.ts'
import type { Staged } from '../write/staged.ts'
import { findVersionSince } from '../snapshot/version-at.ts'
import { type ChangePlan, planChanges } from './changes.ts'

const info = { operation: 'WRITE' }
const FEED = { 'delta.enableChangeDataFeed': 'true' }
const file = (name: string, more: Partial<DataFile> = {}): DataFile => ({ ...dataFile(name, []), ...more })

interface Table {
  store: MemoryStore
  current: Snapshot
  apply(stage: (base: Snapshot) => Staged): Promise<void>
}

async function makeTable(parts: Partial<CreateRequest> = {}): Promise<Table> {
  const store = memoryStore()
  let commits = 0
  const publish = async (staged: Staged): Promise<Snapshot> => {
    const ports = testPorts(store, String((commits += 1)))
    const result = await commit({ ...ports, clock: { ...ports.clock, now: () => commits * 1000 } }, staged)
    if (result.kind === 'conflict') throw new Error(result.reason)
    return result.snapshot
  }
  const table: Table = {
    store,
    current: await publish(stageCreate({ tablePath: 't', schema: ROW_SCHEMA, info, ...parts })),
    apply: async stage => {
      table.current = await publish(stage(table.current))
    },
  }
  return table
}

const replace =
  (remove: string[], files: DataFile[], more: object = {}) =>
  (base: Snapshot): Staged =>
    stageRemoveAndAdd(base, { remove, files, dataChange: true, info, ...more })

/** For each version, what was changed: type, file, and rows where they are not all. */
function printed(plan: ChangePlan): Record<string, string[]> {
  const parts = plan.versions.map(({ version, parts: all }) => {
    const lines = all.map(({ changeType, file: { add, deletedRows }, onlyRows }) => {
      const only = onlyRows === undefined ? '' : ` only ${[...onlyRows].join()}`
      const without = deletedRows === undefined ? '' : ` without ${[...deletedRows].join()}`
      return `${changeType ?? 'changes'} ${add.path}${only}${without}`
    })
    return [String(version), lines]
  })
  return Object.fromEntries(parts)
}

test('changes are the files of changes where there are any, else the files that came and went', async () => {
  const table = await makeTable({ configuration: FEED, files: [file('a'), file('b')] })
  await table.apply(base => stageAppend(base, { files: [file('c')], info }))
  await table.apply(replace(['a'], [file('a2')], { cdc: [file('_change_data/cdc-1'), file('_change_data/cdc-2')] }))
  await table.apply(replace(['b'], []))
  await table.apply(replace(['a2', 'c'], [file('ac')], { dataChange: false }))
  await table.apply(base => stageOverwrite(base, { files: [file('d')], info }))
  const plan = await planChanges(table, { tablePath: 't', from: 0n })
  expect(printed(plan)).toEqual({
    0: ['insert a', 'insert b'],
    1: ['insert c'],
    2: ['changes _change_data/cdc-1', 'changes _change_data/cdc-2'],
    3: ['delete b'],
    4: [],
    5: ['delete ac', 'insert d'],
  })
  const part = await planChanges(table, { tablePath: 't', from: 3n, to: 4n })
  expect(Object.keys(printed(part))).toEqual(['3', '4'])
})

test('without a feed a version that rewrote files does not tell, and one that only added or removed does', async () => {
  const table = await makeTable({ files: [file('a')] })
  await table.apply(replace([], [file('b')]))
  await table.apply(replace(['a'], []))
  await table.apply(replace(['b'], [file('b2')]))
  expect(printed(await planChanges(table, { tablePath: 't', from: 0n, to: 2n }))).toMatchObject({ 2: ['delete a'] })
  await expect(planChanges(table, { tablePath: 't', from: 0n })).rejects.toMatchObject({
    code: 'CHANGES_UNAVAILABLE',
    details: { version: 3n },
  })
})

test('times are those of the commits where a table keeps them, else those of their files', async () => {
  const table = await makeTable({ configuration: { 'delta.enableInCommitTimestamps': 'true' } })
  await table.apply(replace([], [file('a')]))
  const timed = await planChanges(table, { tablePath: 't', from: 0n })
  expect(timed.versions.map(v => v.timestamp)).toEqual([1000, 2000])
  const plain = await makeTable()
  const store: MemoryStore = {
    ...plain.store,
    async *list(prefix, options) {
      for await (const object of plain.store.list(prefix, options)) yield { ...object, modifiedAt: 5000.75 }
    },
  }
  await plain.apply(replace([], [file('a')]))
  await plain.apply(replace([], [file('b')]))
  const times = async (from: bigint) =>
    (await planChanges({ store }, { tablePath: 't', from })).versions.map(v => v.timestamp)
  expect(await times(0n)).toEqual([5000, 5001, 5002])
  // Whichever versions are asked for, each has the time by which it is found.
  expect(await times(1n)).toEqual([5001, 5002])
  expect(await findVersionSince({ store }, { tablePath: 't', timestamp: 5001 })).toBe(1n)
})

test('a file that came again with other deleted rows tells by the difference', async () => {
  const DELETES = { ...FEED, 'delta.enableDeletionVectors': 'true' }
  const table = await makeTable({
    configuration: DELETES,
    files: [file('a', { numRecords: 9n, stats: '{"numRecords":9}' })],
  })
  const mark = async (rows: number[]): Promise<void> => {
    const [deletionVector] = await writeDeletionVectors(testPorts(table.store, rows.join('')), 't', [RowSet.from(rows)])
    if (deletionVector === undefined) throw new Error('no vector')
    const again = file('a', { numRecords: 9n, stats: '{"numRecords":9,"tightBounds":false}', deletionVector })
    await table.apply(replace(['a'], [again]))
  }
  await mark([1, 3])
  await mark([1, 3, 4, 5])
  await mark([3, 4])
  await table.apply(replace(['a'], []))
  expect(printed(await planChanges(table, { tablePath: 't', from: 1n }))).toEqual({
    1: ['delete a only 1,3'],
    2: ['delete a only 4,5'],
    3: ['insert a only 1,5'],
    4: ['delete a without 3,4'],
  })
})

test('versions that are not there are told, not passed over', async () => {
  const table = await makeTable()
  await expect(planChanges(table, { tablePath: 't', from: 1n })).rejects.toMatchObject({ code: 'VERSION_NOT_FOUND' })
  await expect(planChanges(table, { tablePath: 'nothing', from: 0n })).rejects.toMatchObject({
    code: 'VERSION_NOT_FOUND',
  })
})

test('a range that ends before it begins is told, not taken for one without changes', async () => {
  const table = await makeTable({ configuration: FEED, files: [file('a')] })
  await table.apply(base => stageAppend(base, { files: [file('b')], info }))
  await expect(planChanges(table, { tablePath: 't', from: 1n, to: 0n })).rejects.toMatchObject({
    code: 'CHANGES_UNAVAILABLE',
    details: { version: 1n, to: 0n },
  })
})

test('columns that came later are read as NULL, those that became something else not at all', async () => {
  const table = await makeTable({ configuration: FEED, files: [file('a')] })
  const wider: StructType = { type: 'struct', fields: [...ROW_SCHEMA.fields, field('more', 'date')] }
  await table.apply(base => stageAppend(base, { files: [file('b')], schema: wider, info }))
  const plan = await planChanges(table, { tablePath: 't', from: 0n })
  expect(plan.schema.fields.map(f => f.name)).toEqual(['id', 'name', 'more'])
  const other: StructType = { type: 'struct', fields: [field('id', 'string')] }
  await table.apply(base => stageOverwrite(base, { files: [], schema: other, info }))
  await expect(planChanges(table, { tablePath: 't', from: 1n })).rejects.toMatchObject({
    code: 'CHANGES_UNAVAILABLE',
    details: { version: 1n },
  })
  expect(printed(await planChanges(table, { tablePath: 't', from: 2n }))).toEqual({ 2: ['delete a', 'delete b'] })
})

test('partition values of removed files come from their remove, and one without them is told', async () => {
  const [x] = [file('a', { partitionValues: { name: 'x' } })]
  const table = await makeTable({ partitionColumns: ['name'], files: [x ?? file('a')] })
  await table.apply(replace(['a'], []))
  const plan = await planChanges(table, { tablePath: 't', from: 1n })
  expect(plan.versions[0]?.parts[0]?.file.partitionValues).toEqual([{ kind: 'text', text: 'x' }])
  const bare = JSON.stringify({ remove: { path: 'a', dataChange: true } })
  await table.store.put(commitPath('t', 2n), new TextEncoder().encode(bare))
  await expect(planChanges(table, { tablePath: 't', from: 1n })).rejects.toMatchObject({ details: { version: 2n } })
})
