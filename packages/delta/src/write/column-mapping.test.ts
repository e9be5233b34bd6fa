import { expect, test } from 'vitest'
import { type MemoryStore, memoryStore } from '../../test/support/memory-store.ts'
import { dataFile, ROW_SCHEMA, testPorts } from '../../test/support/rows.ts'
import type { DataFile } from '../log/actions.ts'
import { columnMappingOf, fieldId, MAX_COLUMN_ID, physicalName } from '../schema/column-mapping.ts'
import { type DataType, field, parseSchema, type StructType } from '../schema/schema.ts'
import { walkTypes } from '../schema/walk.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import { commit } from './commit.ts'
import { evolvedSchema, replacedSchema } from './schema-after.ts'
import { type CreateRequest, stageAppend, stageCreate, stageMetadata, stageOverwrite } from './stage.ts'
import { type Alteration, stageAlter } from './stage-alter.ts'
import type { Staged } from './staged.ts'

const info = { operation: 'WRITE' }
const BY_NAME = { 'delta.columnMapping.mode': 'name' }
const struct = (...fields: StructType['fields']): StructType => ({ type: 'struct', fields })

interface Table {
  store: MemoryStore
  publish(staged: Staged): Promise<Snapshot>
}

function makeStore(): Table {
  const store = memoryStore()
  let names = 0
  return {
    store,
    publish: async staged => {
      const result = await commit(testPorts(store, String((names += 1))), staged)
      if (result.kind === 'conflict') throw new Error(result.reason)
      return result.snapshot
    },
  }
}

const create = (request: Partial<CreateRequest> = {}): Staged =>
  stageCreate({ tablePath: 't', schema: ROW_SCHEMA, configuration: BY_NAME, info, ...request })

const alter = (table: Snapshot, ...alterations: Alteration[]): Staged => stageAlter(table, { alterations, info })

/** For each column its id and its name in files, by place. */
function mapping(schema: StructType): Record<string, string> {
  const columns = [...walkTypes(schema)].flatMap(({ place, field: f }) =>
    f === undefined ? [] : [[place, `${fieldId(f, 'name')} ${physicalName(f, 'name')}`]],
  )
  return Object.fromEntries(columns)
}

/** A file as a writer makes it that knows the columns' names in files. */
function mappedFile(name: string, schema: StructType): DataFile {
  const nullCount = Object.fromEntries(schema.fields.map(f => [physicalName(f, 'name'), 0]))
  return { ...dataFile(name, []), stats: JSON.stringify({ numRecords: 0, nullCount }) }
}

test('a new table with column mapping names its columns anew, nested ones too, and any name will do', async () => {
  const { publish } = makeStore()
  const nested: DataType = { type: 'array', elementType: struct(field('a b', 'long')), containsNull: true }
  const table = await publish(create({ schema: struct(field('first name', 'string'), field('l;{}', nested)) }))
  expect(table.protocol).toEqual({ minReaderVersion: 2, minWriterVersion: 5 })
  expect(columnMappingOf(table)).toBe('name')
  const names = mapping(table.schema)
  expect(Object.keys(names)).toEqual(['first name', 'l;{}', 'l;{}.element.a b'])
  expect(Object.values(names).map(text => text.split(' ')[0])).toEqual(['1', '2', '3'])
  expect(Object.values(names).every(text => /^\d col-[0-9a-f]{32}$/.test(text))).toBe(true)
  expect(table.configuration[MAX_COLUMN_ID]).toBe('3')
})

test('a table that begins to map its columns keeps the names its files have', async () => {
  const { publish } = makeStore()
  const plain = await publish(create({ configuration: {}, files: [dataFile('a', [])] }))
  const table = await publish(stageMetadata(plain, { configuration: BY_NAME, info }))
  expect(mapping(table.schema)).toEqual({ id: '1 id', name: '2 name' })
  expect(table.configuration[MAX_COLUMN_ID]).toBe('2')
  const byId = { 'delta.columnMapping.mode': 'id' }
  expect(() => stageMetadata(plain, { configuration: byId, info })).toThrow(/no column ids/)
  const ended = { 'delta.columnMapping.mode': null }
  expect(() => stageMetadata(table, { configuration: ended, info })).toThrow(/cannot change from name to none/)
  expect(() => stageMetadata(table, { configuration: byId, info })).toThrow(/cannot change from name to id/)
})

test('who writes files can ask for their names before the commit, and asking twice gives the same', async () => {
  const { publish } = makeStore()
  const table = await publish(create())
  const wanted = struct(...ROW_SCHEMA.fields, field('city', 'string'))
  const schema = evolvedSchema(table, wanted)
  expect(evolvedSchema(table, schema)).toEqual(schema)
  const after = await publish(stageAppend(table, { files: [mappedFile('a', schema)], schema, info }))
  expect(after.schema).toEqual(schema)
  expect(after.configuration[MAX_COLUMN_ID]).toBe('3')
  expect(evolvedSchema(after, wanted)).toEqual(schema)
})

test('two writers who add different columns at once give them different names', async () => {
  const { publish } = makeStore()
  const table = await publish(create())
  const added = (name: string): string | undefined =>
    mapping(evolvedSchema(table, struct(...ROW_SCHEMA.fields, field(name, 'string'))))[name]
  expect(added('x')).not.toBe(added('y'))
})

test('ids and names that a schema brings from another table mean nothing here', async () => {
  const { publish } = makeStore()
  const table = await publish(create())
  const foreign = { 'delta.columnMapping.id': 1, 'delta.columnMapping.physicalName': 'id', 'delta.typeChanges': [] }
  const wanted = struct(...ROW_SCHEMA.fields, field('city', 'string', { metadata: foreign }))
  const schema = evolvedSchema(table, wanted)
  expect(mapping(schema)['city']).toMatch(/^3 col-/)
  expect(schema.fields[2]?.metadata).not.toHaveProperty(['delta.typeChanges'])
})

test('a renamed column stays itself, and a name that is free again is a new column', async () => {
  const { publish } = makeStore()
  const schema = struct(...ROW_SCHEMA.fields, field('age', 'long'))
  const first = await publish(create({ schema, partitionColumns: ['name'] }))
  const before = mapping(first.schema)
  const renamed = await publish(alter(first, { kind: 'rename column', column: ['NAME'], name: 'full name' }))
  expect(renamed.metaData.partitionColumns).toEqual(['full name'])
  expect(mapping(renamed.schema)).toEqual({ id: before['id'], 'full name': before['name'], age: before['age'] })
  const dropped = await publish(alter(renamed, { kind: 'drop column', column: ['id'] }))
  expect(dropped.schema.fields.map(f => f.name)).toEqual(['full name', 'age'])
  const again = await publish(
    stageAppend(dropped, { files: [], schema: struct(...dropped.schema.fields, field('id', 'date')), info }),
  )
  expect(mapping(again.schema)['id']).toMatch(/^4 col-/)
  expect(mapping(again.schema)['id']).not.toBe(before['id'])
})

test('a column that something else depends on is not renamed or dropped', async () => {
  const { publish } = makeStore()
  const configuration = { ...BY_NAME, 'delta.constraints.c': 'length(`name`) > 0' }
  const table = await publish(create({ configuration, clusterBy: [['id']] }))
  const stage = (alteration: Alteration) => () => alter(table, alteration)
  expect(stage({ kind: 'rename column', column: ['name'], name: 'x' })).toThrow(/constraint c .* speaks of name/)
  expect(stage({ kind: 'drop column', column: ['id'] })).toThrow(/clustering column/)
  expect(stage({ kind: 'rename column', column: ['id'], name: 'key' })).not.toThrow()
  expect(stage({ kind: 'rename column', column: ['id'], name: 'Name' })).toThrow(/another column/)
  const partitioned = await makeStore().publish(create({ partitionColumns: ['id'] }))
  expect(() => alter(partitioned, { kind: 'drop column', column: ['id'] })).toThrow(/partition column/)
  const rest = partitioned.schema.fields.flatMap(({ name }) => (name === 'id' ? [] : [name]))
  const alterations = rest.map(name => ({ kind: 'drop column' as const, column: [name] }))
  expect(() => stageAlter(partitioned, { alterations, info })).toThrow(/all of its columns are partition columns/)
})

test('files name their columns as the table does, or are not let in', async () => {
  const { publish } = makeStore()
  const table = await publish(create({ partitionColumns: ['name'] }))
  const partition = physicalName(table.schema.fields[1] ?? field('', ''), 'name')
  const good = { ...mappedFile('a', struct(...table.schema.fields.slice(0, 1))), partitionValues: { [partition]: 'x' } }
  expect(() => stageAppend(table, { files: [good], info })).not.toThrow()
  expect(() => stageAppend(table, { files: [{ ...good, partitionValues: { name: 'x' } }], info })).toThrow(/partition/)
  const unmapped = { ...dataFile('a', []), partitionValues: { [partition]: 'x' } }
  expect(() => stageAppend(table, { files: [unmapped], info })).toThrow(/did not map names/)
})

test('a column without NULL is proved by the statistics under its name in files', async () => {
  const { publish } = makeStore()
  const table = await publish(create({ schema: struct(field('id', 'long', { nullable: false })) }))
  const file = mappedFile('a', table.schema)
  const withNull = {
    ...file,
    numRecords: 1n,
    stats: file.stats.replace('"numRecords":0', '"numRecords":1').replace(/0\}\}$/, '1}}'),
  }
  expect(() =>
    stageAppend(table, { files: [{ ...withNull, stats: withNull.stats.replace(/1\}\}$/, '0}}') }], info }),
  ).not.toThrow()
  expect(() => stageAppend(table, { files: [withNull], info })).toThrow(/NULL in the column/)
})

test('columns that stay the same stay themselves when all rows are replaced', async () => {
  const { publish } = makeStore()
  const table = await publish(create())
  const before = mapping(table.schema)
  const schema = replacedSchema(table, struct(field('name', 'string'), field('id', 'string')))
  const after = await publish(stageOverwrite(table, { files: [mappedFile('a', schema)], schema, info }))
  expect(mapping(after.schema)).toEqual({ name: before['name'], id: expect.stringMatching(/^3 col-/) })
})

test('types grow with the input where the table agrees, and when asked to', async () => {
  const { publish } = makeStore()
  const narrow = struct(field('a', 'integer'), field('b', 'date'))
  const widening = { 'delta.enableTypeWidening': 'true' }
  const table = await publish(create({ schema: narrow, configuration: widening }))
  expect(table.protocol).toMatchObject({ minReaderVersion: 3, readerFeatures: ['typeWidening'] })
  const wide = struct(field('a', 'long'), field('b', 'date'))
  const after = await publish(stageAppend(table, { files: [], schema: wide, info }))
  expect(after.schema.fields[0]).toMatchObject({
    type: 'long',
    metadata: { 'delta.typeChanges': [{ fromType: 'integer', toType: 'long' }] },
  })
  const asked = alter(after, { kind: 'widen type', column: ['a'], type: 'decimal(20,0)' })
  expect(parseSchema(asked.metaData?.schemaString ?? '').fields[0]?.metadata['delta.typeChanges']).toHaveLength(2)
  const ntz: Alteration = { kind: 'widen type', column: ['b'], type: 'timestamp_ntz' }
  expect(() => alter(after, ntz)).toThrow(/timestamp_ntz/)
  const withFeature = stageAlter(after, { alterations: [ntz], features: ['timestampNtz'], info })
  expect(withFeature.protocol?.readerFeatures).toContain('timestampNtz')
  const plain = await makeStore().publish(create({ schema: narrow, configuration: {} }))
  expect(() => stageAppend(plain, { files: [], schema: wide, info })).toThrow(/cannot evolve/)
})
