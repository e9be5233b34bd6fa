import { expect, test } from 'vitest'
import {
  assignColumnMapping,
  checkColumnMapping,
  columnMappingOf,
  fieldId,
  physicalName,
  physicalSchema,
} from './column-mapping.ts'
import { type DataType, field, type StructType } from './schema.ts'

const struct = (...fields: StructType['fields']): StructType => ({ type: 'struct', fields })
const array = (elementType: DataType): DataType => ({ type: 'array', elementType, containsNull: true })
const map = (keyType: DataType, valueType: DataType): DataType => ({
  type: 'map',
  keyType,
  valueType,
  valueContainsNull: true,
})

const schema = struct(
  field('id', 'long', { comment: 'the key' }),
  field('who', struct(field('first name', 'string'), field('tags', array(struct(field('t', 'string')))))),
  field('m', map(struct(field('k', 'integer')), struct(field('k', 'integer')))),
)

function counted(): { uuid(): string } {
  let n = 0
  return { uuid: () => String((n += 1)) }
}

test('new columns get ids and physical names, at every depth', () => {
  const mapped = assignColumnMapping(schema, { maxColumnId: undefined, names: counted() })
  expect(mapped.maxColumnId).toBe(8)
  const physical = physicalSchema(mapped.schema, 'name')
  const names = (type: DataType): unknown => {
    if (typeof type === 'string') return type
    if (type.type === 'struct') return Object.fromEntries(type.fields.map(f => [f.name, names(f.type)]))
    return type.type === 'array' ? [names(type.elementType)] : [names(type.keyType), names(type.valueType)]
  }
  expect(names(physical)).toEqual({
    'col-1': 'long',
    'col-2': { 'col-3': 'string', 'col-4': [{ 'col-5': 'string' }] },
    'col-6': [{ 'col-7': 'integer' }, { 'col-8': 'integer' }],
  })
  expect(mapped.schema.fields[0]?.metadata).toEqual({
    comment: 'the key',
    'delta.columnMapping.id': 1,
    'delta.columnMapping.physicalName': 'col-1',
  })
})

test('columns that are mapped already stay as they are, and an id is never handed out again', () => {
  const first = assignColumnMapping(struct(field('a', 'long'), field('b', 'long')), {
    maxColumnId: undefined,
    names: 'own',
  })
  const withoutB = struct(...first.schema.fields.slice(0, 1), field('c', 'long'))
  const second = assignColumnMapping(withoutB, { maxColumnId: first.maxColumnId, names: counted() })
  expect(second.schema.fields.map(f => [f.name, fieldId(f, 'id'), physicalName(f, 'name')])).toEqual([
    ['a', 1, 'a'],
    ['c', 3, 'col-1'],
  ])
  expect(assignColumnMapping(second.schema, { maxColumnId: 3, names: counted() })).toEqual(second)
})

test('two columns that lead to one, or to none, are refused', () => {
  const mapped = (name: string, id: unknown, physical: unknown): StructType['fields'][number] =>
    field(name, 'long', {
      metadata: { 'delta.columnMapping.id': id, 'delta.columnMapping.physicalName': physical },
    })
  const refused = expect.objectContaining({ code: 'SCHEMA_INVALID' })
  for (const fields of [
    [mapped('a', 1, 'x'), mapped('b', 1, 'y')],
    [mapped('a', 1, 'x'), mapped('b', 2, 'x')],
    [mapped('a', 1, undefined)],
    [mapped('a', undefined, 'x')],
    [field('s', struct(field('inner', 'long')), mapped('s', 1, 's'))],
  ]) {
    expect(() => checkColumnMapping(struct(...fields), 'name')).toThrow(refused)
    expect(() => checkColumnMapping(struct(...fields), 'none')).not.toThrow()
  }
  // The same physical name inside different structs is no conflict.
  const inside = (name: string, id: number): StructType['fields'][number] => ({
    ...mapped(name, id, name),
    type: struct(mapped('x', id + 10, 'x')),
  })
  expect(() => checkColumnMapping(struct(inside('a', 1), inside('b', 2)), 'id')).not.toThrow()
})

test('the mode counts only with the feature, in any letter case, and an unknown one is refused', () => {
  const of = (mode: string | undefined, reader: number, readerFeatures?: string[]): string =>
    columnMappingOf({
      protocol: { minReaderVersion: reader, minWriterVersion: 7, ...(readerFeatures && { readerFeatures }) },
      configuration: mode === undefined ? {} : { 'delta.columnMapping.mode': mode },
    })
  expect([of(undefined, 2), of('NAME', 2), of('id', 3, ['columnMapping']), of('name', 1), of('id', 3, [])]).toEqual([
    'none',
    'name',
    'id',
    'none',
    'none',
  ])
  expect(() => of('position', 2)).toThrow(expect.objectContaining({ code: 'FEATURE_UNSUPPORTED' }))
})
