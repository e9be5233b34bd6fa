import { expect, test } from 'vitest'
import { memoryStore } from '../../test/support/memory-store.ts'
import { dataFile, ROW_SCHEMA, testPorts } from '../../test/support/rows.ts'
import { commitPath } from '../log/log-path.ts'
import { conditionsOf } from '../schema/conditions.ts'
import { type DataType, field, printSchema, type StructType } from '../schema/schema.ts'
import { readSnapshot } from '../snapshot/read-snapshot.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import { commit } from './commit.ts'
import {
  type CreateRequest,
  stageAppend,
  stageCreate,
  stageMetadata,
  stageOverwrite,
  stageRemoveAndAdd,
} from './stage.ts'
import type { Staged } from './staged.ts'

const info = { operation: 'WRITE' }
const invalid = expect.objectContaining({ code: 'STAGE_INVALID' })

/** Commit a staged change to a new store, and read it back. */
async function create(request: Partial<CreateRequest> = {}): Promise<{ snapshot: Snapshot; text: string }> {
  const store = memoryStore()
  return publish(store, stageCreate({ tablePath: 't', schema: ROW_SCHEMA, info, ...request }))
}

async function publish(store = memoryStore(), staged: Staged): Promise<{ snapshot: Snapshot; text: string }> {
  const result = await commit(testPorts(store), staged)
  const snapshot = await readSnapshot({ store }, { tablePath: 't' })
  if (result.kind === 'conflict' || !snapshot) throw new Error('not committed')
  return { snapshot, text: new TextDecoder().decode(await store.get(commitPath('t', result.version))) }
}

test('a plain table is written for the oldest readers, commitInfo first', async () => {
  const { text } = await create({ info: { operation: 'CREATE TABLE', runId: 'r1' } })
  const schemaString = JSON.stringify(
    '{"type":"struct","fields":[{"name":"id","type":"long","nullable":true,"metadata":{}},{"name":"name","type":"string","nullable":true,"metadata":{}}]}',
  )
  expect(text).toBe(
    [
      '{"commitInfo":{"timestamp":1700000000000,"operation":"CREATE TABLE","operationParameters":{},"isolationLevel":"Serializable","isBlindAppend":false,"runId":"r1","engineInfo":"@tidemark/delta","txnId":"00000001-0000-4000-8000-00000000000a"}}',
      '{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}',
      `{"metaData":{"id":"00000002-0000-4000-8000-00000000000a","format":{"provider":"parquet","options":{}},"schemaString":${schemaString},"partitionColumns":[],"configuration":{},"createdTime":1700000000000}}`,
      '',
    ].join('\n'),
  )
})

test('a table with a domain, or announced ones, has the feature; others may not set one', async () => {
  const protocol = {
    minReaderVersion: 1,
    minWriterVersion: 7,
    writerFeatures: ['appendOnly', 'invariants', 'domainMetadata'],
  }
  const withDomain = await create({ domains: [{ domain: 'd', configuration: '{"mark":1}' }] })
  expect(withDomain.snapshot.protocol).toEqual(protocol)
  expect(withDomain.snapshot.domain('d')).toBe('{"mark":1}')
  expect((await create({ needsDomainMetadata: true })).snapshot.protocol).toEqual(protocol)
  const { snapshot } = await create()
  const domains = [{ domain: 'd', configuration: '' }]
  expect(() => stageMetadata(snapshot, { domains, info })).toThrow(/domainMetadata/)
})

test('an append carries file, mark and application version in one commit', async () => {
  const store = memoryStore()
  const first = await publish(
    store,
    stageCreate({ tablePath: 't', schema: ROW_SCHEMA, needsDomainMetadata: true, info }),
  )
  const file = { ...dataFile('s=a%20b/part 0', [{ id: 1, name: 'x' }]), size: 2n ** 60n + 1n }
  const { snapshot, text } = await publish(
    store,
    stageAppend(first.snapshot, {
      files: [file],
      txn: [{ appId: 'flow', version: 2n ** 62n + 1n }],
      domains: [{ domain: 'mark', configuration: 'x' }],
      info,
    }),
  )
  expect(text).toContain('"path":"s=a%2520b/part%200"')
  expect(snapshot.files.get(file.path)).toMatchObject({ size: 2n ** 60n + 1n, stats: file.stats, dataChange: true })
  expect(snapshot.txn('flow')).toBe(2n ** 62n + 1n)
  expect(snapshot.txn('another')).toBeUndefined()
  expect(snapshot.domain('mark')).toBe('x')
  expect(snapshot.metaData.id).toBe(first.snapshot.metaData.id)
  expect(text).not.toContain('metaData"')
  const gone = stageMetadata(snapshot, { domains: [{ domain: 'mark', configuration: '', removed: true }], info })
  expect((await publish(store, gone)).snapshot.domain('mark')).toBeUndefined()
})

test('an append may bring new nullable columns, and nothing else new', async () => {
  const store = memoryStore()
  const { snapshot } = await publish(store, stageCreate({ tablePath: 't', schema: ROW_SCHEMA, info }))
  const wider: StructType = { type: 'struct', fields: [field('city', 'string'), field('id', 'long')] }
  const after = await publish(store, stageAppend(snapshot, { files: [], schema: wider, info }))
  expect(after.snapshot.schema.fields.map(f => f.name)).toEqual(['id', 'name', 'city'])
  const drifted: StructType = { type: 'struct', fields: [field('id', 'string')] }
  const incompatible = expect.objectContaining({ code: 'SCHEMA_INCOMPATIBLE' })
  expect(() => stageAppend(snapshot, { files: [], schema: drifted, info })).toThrow(incompatible)
  const spaced: StructType = { type: 'struct', fields: [field('a b', 'string')] }
  expect(() => stageAppend(snapshot, { files: [], schema: spaced, info })).toThrow(/column mapping/)
})

test('an overwrite removes every current file and may change the whole schema', async () => {
  const store = memoryStore()
  const files = [dataFile('a', []), dataFile('b', [])]
  const { snapshot } = await publish(store, stageCreate({ tablePath: 't', schema: ROW_SCHEMA, files, info }))
  const schema: StructType = { type: 'struct', fields: [field('other', 'date')] }
  const after = await publish(store, stageOverwrite(snapshot, { files: [dataFile('c', [])], schema, info }))
  expect([...after.snapshot.files.keys()]).toEqual(['c'])
  expect(after.snapshot.schema).toEqual(schema)
  expect(after.text.match(/"extendedFileMetadata":true/g)).toHaveLength(2)
})

test('a removed file is named as the log spelled it, not as we would', async () => {
  const store = memoryStore()
  const { snapshot } = await publish(store, stageCreate({ tablePath: 't', schema: ROW_SCHEMA, info }))
  const add = { path: './a%3Db', partitionValues: {}, size: 1, modificationTime: 1, dataChange: true }
  await store.put(commitPath('t', 1n), new TextEncoder().encode(JSON.stringify({ add })))
  const current = await readSnapshot({ store }, { tablePath: 't' })
  expect(snapshot.files.size).toBe(0)
  if (!current) throw new Error('no table')
  const staged = stageRemoveAndAdd(current, { remove: ['a=b'], files: [], dataChange: true, info })
  expect((await publish(store, staged)).text).toContain('"remove":{"path":"./a%3Db"')
})

test('settings are set and removed without touching the others', async () => {
  const store = memoryStore()
  const configuration = { 'delta.logRetentionDuration': 'interval 1 day', mine: 'x' }
  const { snapshot } = await publish(store, stageCreate({ tablePath: 't', schema: ROW_SCHEMA, configuration, info }))
  const staged = stageMetadata(snapshot, { configuration: { mine: null, more: 'y' }, info })
  expect((await publish(store, staged)).snapshot.configuration).toEqual({
    'delta.logRetentionDuration': 'interval 1 day',
    more: 'y',
  })
})

test('what contradicts the table is refused before anything is written', async () => {
  const { snapshot } = await create({ files: [dataFile('a', [])] })
  const append =
    (...files: ReturnType<typeof dataFile>[]) =>
    () =>
      stageAppend(snapshot, { files, info })
  expect(append(dataFile('a', []))).toThrow(/already part/)
  expect(append(dataFile('b', []), dataFile('b', []))).toThrow(/named twice/)
  expect(append(dataFile('../b', []))).toThrow(invalid)
  expect(append(dataFile('/b', []))).toThrow(invalid)
  expect(append({ ...dataFile('b', []), numRecords: 5n })).toThrow(/5 rows/)
  expect(append({ ...dataFile('b', []), modificationTime: 1.5 })).toThrow(invalid)
  expect(append({ ...dataFile('b', []), partitionValues: { id: '1' } })).toThrow(/partition values/)
  const missing = { remove: ['nothing'], files: [], dataChange: true, info }
  expect(() => stageRemoveAndAdd(snapshot, missing)).toThrow(invalid)
  const twice = { appId: 'x', version: 1n }
  expect(() => stageMetadata(snapshot, { txn: [twice, twice], info })).toThrow(/set twice/)
  expect(() => stageCreate({ tablePath: 't', schema: ROW_SCHEMA, partitionColumns: ['no'], info })).toThrow(invalid)
  const all = { tablePath: 't', schema: ROW_SCHEMA, partitionColumns: ['name', 'id'], info }
  expect(() => stageCreate(all)).toThrow(/all of its columns are partition columns/)
})

test('columns of no type let files in, unless a struct or the table has no others', async () => {
  const { snapshot } = await create({ files: [dataFile('a', [])] })
  const append = (...more: StructType['fields']) => {
    const schema: StructType = { type: 'struct', fields: [...ROW_SCHEMA.fields, ...more] }
    const metaData = { ...snapshot.metaData, schemaString: printSchema(schema) }
    return () => stageAppend({ ...snapshot, schema, metaData }, { files: [dataFile('b', [])], info })
  }
  expect(append(field('nothing', 'void'))().add).toHaveLength(1)
  const nothing: StructType = { type: 'struct', fields: [field('nothing', 'void')] }
  expect(append(field('s', nothing))).toThrow(
    expect.objectContaining({ code: 'WRITE_REFUSED', message: expect.stringMatching(/s has only/) }),
  )
})

test('partition columns are columns of the schema, each once, of a type that has a text', async () => {
  const list: DataType = { type: 'array', elementType: 'long', containsNull: true }
  const schema: StructType = { type: 'struct', fields: [...ROW_SCHEMA.fields, field('list', list)] }
  const by = (...partitionColumns: string[]) => stageCreate({ tablePath: 't', schema, partitionColumns, info })
  expect(() => by('name', 'name')).toThrow(/name is named twice/)
  expect(() => by('list')).toThrow(/list is of the type array/)
  const { snapshot } = await create({ schema, partitionColumns: ['name'] })
  const files = [{ ...dataFile('a', []), partitionValues: { name: 'x' } }]
  const without: StructType = { type: 'struct', fields: [field('id', 'long')] }
  expect(() => stageOverwrite(snapshot, { files, schema: without, info })).toThrow(/column name is not in the schema/)
})

test('a file that comes again as it was, with other tags, is only added: a commit never does both to one', async () => {
  const store = memoryStore()
  const { snapshot } = await publish(
    store,
    stageCreate({ tablePath: 't', schema: ROW_SCHEMA, files: [dataFile('a', []), dataFile('b', [])], info }),
  )
  const tagged = { ...dataFile('a', []), tags: { k: 'v' } }
  const deletionVector = { storageType: 'i' as const, pathOrInlineDv: 'wi5b', sizeInBytes: 40, cardinality: 1n }
  const files = [tagged, { ...dataFile('b', []), deletionVector }]
  const staged = stageRemoveAndAdd(snapshot, { remove: ['a', 'b'], files, dataChange: true, info })
  const { snapshot: after, text } = await publish(store, staged)
  expect([...after.files.values()]).toMatchObject([
    { path: 'a', tags: { k: 'v' }, dataChange: false },
    { path: 'b', deletionVector, dataChange: true },
  ])
  expect([...text.matchAll(/"remove":{"path":"(.)"/g)].map(match => match[1])).toEqual(['b'])
})

test('NULL in a column that is not nullable is refused', () => {
  const schema: StructType = { type: 'struct', fields: [field('id', 'long', { nullable: false })] }
  const file = { ...dataFile('a', []), numRecords: 2n }
  const withNulls = (count: number) => () =>
    stageCreate({
      tablePath: 't',
      schema,
      files: [{ ...file, stats: `{"numRecords":2,"nullCount":{"id":${count}}}` }],
      info,
    })
  expect(withNulls(0)).not.toThrow()
  expect(withNulls(1)).toThrow(/column id/)
})

test('nor is the empty text of a partition column that is not nullable, since the log has it as NULL', () => {
  const name = field('name', 'string', { nullable: false })
  const schema: StructType = { type: 'struct', fields: [field('id', 'long'), name] }
  const of = (value: string | null) => () =>
    stageCreate({
      tablePath: 't',
      schema,
      partitionColumns: ['name'],
      files: [{ ...dataFile('a', []), partitionValues: { name: value } }],
      // What an engine found of the rows before they were written, where '' is a text.
      checked: conditionsOf(schema, {}),
      info,
    })
  expect(of('x')).not.toThrow()
  expect(of('')).toThrow(/column name, which is not nullable/)
  expect(of(null)).toThrow(/column name, which is not nullable/)
})

test('a partitioned table takes files with exactly its partition values, and an empty one is null', async () => {
  const file = dataFile('a', [])
  const request = { tablePath: 't', schema: ROW_SCHEMA, partitionColumns: ['name'], info }
  expect(() => stageCreate({ ...request, files: [file] })).toThrow(invalid)
  const { snapshot } = await create({ ...request, files: [{ ...file, partitionValues: { name: '' } }] })
  expect(snapshot.files.get('a')?.partitionValues).toEqual({ name: null })
})

test('an append-only table takes appends and rewrites, not removals', async () => {
  const { snapshot } = await create({ configuration: { 'delta.appendOnly': 'true' }, files: [dataFile('a', [])] })
  const files = [dataFile('b', [])]
  expect(() => stageAppend(snapshot, { files, info })).not.toThrow()
  expect(() => stageRemoveAndAdd(snapshot, { remove: ['a'], files, dataChange: false, info })).not.toThrow()
  expect(() => stageRemoveAndAdd(snapshot, { remove: ['a'], files, dataChange: true, info })).toThrow(/appendOnly/)
  expect(() => stageOverwrite(snapshot, { files, info })).toThrow(/appendOnly/)
})

test('a table is not created with settings this version could not honour', () => {
  const configuration = { 'delta.setTransactionRetentionDuration': 'interval 30 days' }
  expect(() => stageCreate({ tablePath: 't', schema: ROW_SCHEMA, configuration, info })).toThrow(
    expect.objectContaining({ code: 'WRITE_REFUSED' }),
  )
})
