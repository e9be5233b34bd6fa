import { expect, test } from 'vitest'
import { memoryStore } from '../../test/support/memory-store.ts'
import { dataFile, ROW_SCHEMA, testPorts } from '../../test/support/rows.ts'
import { field, type StructType } from '../schema/schema.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import { clusteringColumns } from './clustering.ts'
import { commit } from './commit.ts'
import { type CreateRequest, stageAppend, stageCreate } from './stage.ts'
import { stageAlter } from './stage-alter.ts'

const info = { operation: 'WRITE' }
const bare = { ...dataFile('bare', []), stats: '{"numRecords":0}' }

async function makeTable(parts: Partial<CreateRequest> = {}): Promise<Snapshot> {
  const staged = stageCreate({ tablePath: 't', schema: ROW_SCHEMA, info, ...parts })
  const result = await commit(testPorts(memoryStore()), staged)
  if (result.kind === 'conflict') throw new Error(result.reason)
  return result.snapshot
}

test('a clustered table names its columns in the domain of the format, and has the features for it', async () => {
  const table = await makeTable({ clusterBy: [['id'], ['name']] })
  expect(table.protocol.writerFeatures).toEqual(expect.arrayContaining(['clustering', 'domainMetadata']))
  expect(table.domain('delta.clustering')).toBe('{"clusteringColumns":[["id"],["name"]]}')
  expect(clusteringColumns(table)).toEqual([['id'], ['name']])
})

test('files of a clustered table have statistics of its columns', async () => {
  const table = await makeTable({ clusterBy: [['id']] })
  expect(() => stageAppend(table, { files: [dataFile('a', [])], info })).not.toThrow()
  expect(() => stageAppend(table, { files: [bare], info })).toThrow(/statistics of the clustering column id/)
  expect(() => stageCreate({ tablePath: 't', schema: ROW_SCHEMA, clusterBy: [['id']], files: [bare], info })).toThrow(
    /id/,
  )
})

test('a table is clustered later only when the files it has tell of the columns, and by none ends it', async () => {
  const alterations = [{ kind: 'cluster by', columns: [['name']] }] as const
  const counted = await makeTable({ files: [dataFile('a', [])] })
  expect(stageAlter(counted, { alterations, info }).domains[0]?.configuration).toContain('[["name"]]')
  const uncounted = await makeTable({ files: [bare] })
  expect(() => stageAlter(uncounted, { alterations, info })).toThrow(/bare/)
  const clustered = await makeTable({ clusterBy: [['id']] })
  const ended = stageAlter(clustered, { alterations: [{ kind: 'cluster by', columns: [] }], info })
  expect(ended.domains[0]?.configuration).toBe('{"clusteringColumns":[]}')
})

test('what cannot be clustered is refused', async () => {
  const nested: StructType = {
    type: 'struct',
    fields: [field('s', { type: 'struct', fields: [field('x', 'long')] }), field('b', 'boolean')],
  }
  const create =
    (columns: string[][], more: Partial<CreateRequest> = {}) =>
    () =>
      stageCreate({ tablePath: 't', schema: nested, clusterBy: columns, info, ...more })
  expect(create([['s', 'x']])).not.toThrow()
  expect(create([['s']])).toThrow(/no order/)
  expect(create([['b']])).toThrow(/no order/)
  expect(create([['nowhere']])).toThrow(/nowhere/)
  expect(create([['s', 'x']], { partitionColumns: ['b'] })).toThrow(/partitioned/)
  expect(create(Array.from({ length: 5 }, () => ['s', 'x']))).toThrow(/more than 4/)
})
