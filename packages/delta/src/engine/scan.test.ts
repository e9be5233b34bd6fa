import { expect, test } from 'vitest'
import { memoryStore } from '../../test/support/memory-store.ts'
import { RowSet } from '../deletion-vector/row-set.ts'
import { writeDeletionVectors } from '../deletion-vector/write-vectors.ts'
import type { AddFile, PartitionValues } from '../log/actions.ts'
import { field, printSchema, type StructType } from '../schema/schema.ts'
import { finishReplay, type Snapshot, startReplay } from '../snapshot/snapshot.ts'
import { compare } from '../stats/predicate.ts'
import { planScan } from './scan.ts'

const mapped = (name: string, id: number): object => ({
  'delta.columnMapping.id': id,
  'delta.columnMapping.physicalName': name,
})
const schema: StructType = {
  type: 'struct',
  fields: [
    field('day', 'date', { metadata: { ...mapped('col-d', 1) } }),
    field('id', 'long', { metadata: { ...mapped('col-i', 2) } }),
  ],
}
const ids = { uuid: () => 'd2c639aa-8816-431a-aaf6-d3fe2512ff61' }

function file(path: string, partitionValues: PartitionValues = { 'col-d': '2024-01-02' }): AddFile {
  return { path, uri: path, partitionValues, size: 1n, modificationTime: 0, dataChange: true }
}

function tableOf(files: readonly AddFile[]): Snapshot {
  const configuration = { 'delta.columnMapping.mode': 'name' }
  const metaData = { id: 't', schemaString: printSchema(schema), partitionColumns: ['day'], configuration: {} }
  const state = startReplay()
  state.protocol = { minReaderVersion: 2, minWriterVersion: 5 }
  state.metaData = { ...metaData, format: { provider: 'parquet', options: {} } }
  const snapshot = finishReplay('t', 7n, state)
  return {
    ...snapshot,
    configuration,
    metaData: { ...snapshot.metaData, configuration },
    files: new Map(files.map(f => [f.path, f])),
  }
}

test('a plan has each file with its partition values and its deleted rows', async () => {
  const store = memoryStore()
  const [deletionVector] = await writeDeletionVectors({ store, ids }, 't', [RowSet.from([3, 5])])
  if (!deletionVector) throw new Error('no vector')
  const files = [file('a'), { ...file('b', { 'col-d': null }), deletionVector }, file('c', {})]
  const plan = await planScan({ store }, tableOf(files))
  expect(plan).toMatchObject({ tablePath: 't', version: 7n, columnMapping: 'name', partitionColumns: ['day'] })
  expect(plan.files.map(f => [f.add.path, f.partitionValues, f.deletedRows && [...f.deletedRows]])).toEqual([
    ['a', [{ kind: 'days', days: 19_724 }], undefined],
    ['b', [undefined], [3, 5]],
    ['c', [undefined], undefined],
  ])
})

test('a column whose type was changed in a way nobody here knows is not read', async () => {
  const changed = (...changes: object[]): Snapshot => {
    const list = { type: 'array' as const, elementType: 'long', containsNull: true }
    const metadata = { ...mapped('col-l', 3), 'delta.typeChanges': changes }
    return { ...tableOf([]), schema: { type: 'struct', fields: [field('l', list, { metadata }), ...schema.fields] } }
  }
  const store = memoryStore()
  const inside = { fieldPath: 'element', tableVersion: 2 }
  const known = [
    { fromType: 'short', toType: 'integer', ...inside },
    { fromType: 'integer', toType: 'long', ...inside },
  ]
  await expect(planScan({ store }, changed(...known))).resolves.toMatchObject({ files: [] })
  await expect(planScan({ store }, changed(...known, { fromType: 'double', toType: 'long' }))).rejects.toMatchObject({
    code: 'FEATURE_UNSUPPORTED',
    message: expect.stringContaining('column l was changed from double to long'),
  })
})

test('deletion vectors of files that are pruned away or not asked for are not read', async () => {
  const store = memoryStore()
  const lost = { storageType: 'u', pathOrInlineDv: '0'.repeat(20), sizeInBytes: 4, cardinality: 1n } as const
  const table = tableOf([
    file('a', { 'col-d': '2024-01-01' }),
    { ...file('b'), deletionVector: { ...lost, offset: 1 } },
  ])
  const paths = async (request: Parameters<typeof planScan>[2]): Promise<string[]> =>
    (await planScan({ store }, table, request)).files.map(f => f.add.path)
  expect(await paths({ predicate: compare('day', '<', '2024-01-02') })).toEqual(['a'])
  expect(await paths({ files: ['a'] })).toEqual(['a'])
  expect(await paths({ files: [file('of another version')] })).toEqual(['of another version'])
  expect(store.counts.get).toBe(0)
  await expect(paths({})).rejects.toMatchObject({ code: 'FILE_MISSING', details: { tablePath: 't', version: 7n } })
})

test('what cannot be planned is refused by name', async () => {
  const store = memoryStore()
  const table = tableOf([file('a', { 'col-d': 'someday' })])
  await expect(planScan({ store }, table)).rejects.toMatchObject({
    code: 'LOG_INVALID',
    details: { tablePath: 't', version: 7n, file: 'a', column: 'day' },
  })
  await expect(planScan({ store }, table, { files: ['x'] })).rejects.toMatchObject({ code: 'STAGE_INVALID' })
  const twice = {
    ...schema,
    fields: [...schema.fields, field('again', 'long', { metadata: { ...mapped('col-i', 2) } })],
  }
  await expect(planScan({ store }, { ...table, schema: twice })).rejects.toMatchObject({ code: 'SCHEMA_INVALID' })
})
