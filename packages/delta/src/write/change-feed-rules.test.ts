import { expect, test } from 'vitest'
import { memoryStore } from '../../test/support/memory-store.ts'
import { dataFile, ROW_SCHEMA, testPorts } from '../../test/support/rows.ts'
import type { DataFile } from '../log/actions.ts'
import { commitPath } from '../log/log-path.ts'
import { field, type StructType } from '../schema/schema.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import { needsChangeFiles } from './change-feed-rules.ts'
import { commit } from './commit.ts'
import { stageAppend, stageCreate, stageOverwrite, stageRemoveAndAdd } from './stage.ts'

const info = { operation: 'MERGE' }
const store = memoryStore()

async function makeTable(enabled: boolean): Promise<Snapshot> {
  const configuration = { 'delta.enableChangeDataFeed': String(enabled) }
  const files = [dataFile('a', []), dataFile('b', [])]
  const tablePath = enabled ? 'fed' : 'plain'
  const result = await commit(
    testPorts(store),
    stageCreate({ tablePath, schema: ROW_SCHEMA, configuration, files, info }),
  )
  if (result.kind === 'conflict') throw new Error(result.reason)
  return result.snapshot
}

const fed = await makeTable(true)
const plain = await makeTable(false)
const changes: DataFile = dataFile('_change_data/cdc-1', [])

const rewrite =
  (table: Snapshot, remove: string[], add: string[], more: object = {}) =>
  () =>
    stageRemoveAndAdd(table, { remove, files: add.map(name => dataFile(name, [])), dataChange: true, info, ...more })

test('the setting brings the feature', () => {
  expect(fed.protocol).toEqual({ minReaderVersion: 1, minWriterVersion: 4 })
  expect(plain.protocol).toEqual({ minReaderVersion: 1, minWriterVersion: 2 })
})

test('a table does not get a feed beside a column that the feed has itself', () => {
  const schema: StructType = { type: 'struct', fields: [...ROW_SCHEMA.fields, field('_Change_Type', 'string')] }
  const configuration = { 'delta.enableChangeDataFeed': 'true' }
  expect(() => stageCreate({ tablePath: 't', schema, configuration, info: { operation: 'CREATE TABLE' } })).toThrow(
    expect.objectContaining({ code: 'WRITE_REFUSED', message: expect.stringContaining('_Change_Type') }),
  )
})

test('a change that may have copied rows is not staged without its changes', () => {
  const refused = expect.objectContaining({ code: 'WRITE_REFUSED', message: expect.stringContaining('ChangeDataFeed') })
  expect(rewrite(fed, ['a'], ['a2'])).toThrow(refused)
  expect(rewrite(plain, ['a'], ['a2'])).not.toThrow()
  expect(rewrite(fed, ['a'], ['a2'], { cdc: [changes] })).not.toThrow()
  expect(rewrite(fed, ['a'], ['a2'], { copiesNothing: true })).not.toThrow()
  expect(rewrite(fed, ['a'], ['a2'], { dataChange: false })).not.toThrow()
})

test('only adding, only removing, replacing everything and another deletion vector need none', () => {
  expect(() => stageAppend(fed, { files: [dataFile('c', [])], info })).not.toThrow()
  expect(() => stageOverwrite(fed, { files: [dataFile('c', [])], info })).not.toThrow()
  expect(rewrite(fed, ['a', 'b'], [])).not.toThrow()
  expect(rewrite(fed, ['a'], ['a'])).not.toThrow()
  expect(rewrite(fed, ['a'], ['a', 'new'])).not.toThrow()
})

test('whoever writes the files can ask beforehand', () => {
  const change = (remove: string[], add: string[]) => ({
    remove: remove.flatMap(path => fed.files.get(path) ?? []),
    add: add.map(path => ({ path })),
    dataChange: true,
  })
  expect(needsChangeFiles(fed, change(['a'], ['a2']))).toBe(true)
  expect(needsChangeFiles(fed, change(['a', 'b'], ['b']))).toBe(false)
  expect(needsChangeFiles(plain, change(['a'], ['a2']))).toBe(false)
})

test('changes come only to tables that are read for them, and from their own folder', () => {
  expect(rewrite(plain, ['a'], ['a2'], { cdc: [changes] })).toThrow(/no change data feed/)
  expect(rewrite(fed, ['a'], ['a2'], { cdc: [dataFile('cdc-1', [])] })).toThrow(/_change_data/)
  expect(rewrite(fed, ['a'], ['a2'], { cdc: [changes], dataChange: false })).toThrow(/no rows/)
})

test('a commit carries its changes as the protocol has them', async () => {
  const result = await commit(testPorts(store, 'b'), rewrite(fed, ['a'], ['a2'], { cdc: [changes] })())
  expect(result.kind).toBe('committed')
  const text = new TextDecoder().decode(await store.get(commitPath('fed', 1n)))
  const cdc = '{"cdc":{"path":"_change_data/cdc-1","partitionValues":{},"size":1,"dataChange":false}}'
  expect(text.split('\n')).toContain(cdc)
})
