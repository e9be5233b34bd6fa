import { expect, test } from 'vitest'
import { alterField, getField, widenField } from './alter.ts'
import { type DataType, field, type StructType } from './schema.ts'
import { isWidening, typeChangesOf } from './widen.ts'

const struct = (...fields: StructType['fields']): StructType => ({ type: 'struct', fields })
const array = (elementType: DataType): DataType => ({ type: 'array', elementType, containsNull: true })
const map = (keyType: DataType, valueType: DataType): DataType => {
  return { type: 'map', keyType, valueType, valueContainsNull: true }
}

const inner = struct(field('x', 'integer'), field('element', 'string'))
const schema = struct(field('id', 'long'), field('list', array(inner)), field('m', map('short', array('float'))))

test('a column is found by its path, through lists and maps, whatever the letter case', () => {
  expect(getField(schema, ['LIST', 'element', 'x'])).toEqual(field('x', 'integer'))
  expect(getField(schema, ['list', 'element', 'element'])).toEqual(field('element', 'string'))
  for (const path of [['nothing'], ['id', 'x'], ['list', 'x'], ['m', 'value'], []]) {
    expect(() => getField(schema, path)).toThrow(expect.objectContaining({ code: 'SCHEMA_INVALID' }))
  }
})

test('a column that is changed or removed leaves every other one as it was', () => {
  const renamed = alterField(schema, ['list', 'element', 'x'], f => ({ ...f, name: 'y' }))
  expect(getField(renamed, ['list', 'element', 'y'])).toEqual(field('y', 'integer'))
  expect(alterField(renamed, ['list', 'element', 'y'], f => ({ ...f, name: 'x' }))).toEqual(schema)
  const dropped = alterField(schema, ['m'], () => undefined)
  expect(dropped.fields.map(f => f.name)).toEqual(['id', 'list'])
})

test('no two columns get one name, and no struct loses its last one', () => {
  expect(() => alterField(schema, ['m'], f => ({ ...f, name: 'ID' }))).toThrow(/another column/)
  const single = struct(field('s', struct(field('only', 'long'))))
  expect(() => alterField(single, ['s', 'only'], () => undefined)).toThrow(/last one/)
})

test('a wider type is recorded with the column, by the way into its lists and maps', () => {
  const widened = widenField(schema, ['m', 'value', 'element'], 'double')
  expect(getField(widened, ['m']).type).toEqual(map('short', array('double')))
  const first = { fromType: 'float', toType: 'double', fieldPath: 'value.element' }
  expect(typeChangesOf(getField(widened, ['m']))).toEqual([first])
  const again = widenField(widened, ['m', 'key'], 'long')
  expect(typeChangesOf(getField(again, ['m']))).toEqual([
    first,
    { fromType: 'short', toType: 'long', fieldPath: 'key' },
  ])
  const deep = widenField(schema, ['list', 'element', 'x'], 'decimal(12,2)')
  expect(typeChangesOf(getField(deep, ['list', 'element', 'x']))).toEqual([
    { fromType: 'integer', toType: 'decimal(12,2)' },
  ])
  expect(typeChangesOf(getField(deep, ['list']))).toEqual([])
})

test('a type that does not hold every value of the old one is refused', () => {
  expect(() => widenField(schema, ['id'], 'double')).toThrow(/written anew/)
  expect(() => widenField(schema, ['list'], 'string')).toThrow(/written anew/)
})

/** For each type, all it may become, as the protocol lists it. */
test('types grow as the protocol says, and in no other way', () => {
  const types = 'byte short integer long float double date timestamp timestamp_ntz string boolean binary'.split(' ')
  const decimals = ['decimal(5,2)', 'decimal(6,2)', 'decimal(7,3)', 'decimal(10,0)', 'decimal(12,2)', 'decimal(20,0)']
  const grown = (from: string): string[] => [...types, ...decimals].filter(to => isWidening(from, to))
  const fromInteger = ['decimal(10,0)', 'decimal(12,2)', 'decimal(20,0)']
  expect(Object.fromEntries([...types, ...decimals].map(type => [type, grown(type)]))).toEqual({
    byte: ['short', 'integer', 'long', 'double', ...fromInteger],
    short: ['integer', 'long', 'double', ...fromInteger],
    integer: ['long', 'double', ...fromInteger],
    long: ['decimal(20,0)'],
    float: ['double'],
    double: [],
    date: ['timestamp_ntz'],
    timestamp: [],
    timestamp_ntz: [],
    string: [],
    boolean: [],
    binary: [],
    'decimal(5,2)': ['decimal(6,2)', 'decimal(7,3)', 'decimal(12,2)'],
    'decimal(6,2)': ['decimal(7,3)', 'decimal(12,2)'],
    'decimal(7,3)': [],
    'decimal(10,0)': ['decimal(12,2)', 'decimal(20,0)'],
    'decimal(12,2)': [],
    'decimal(20,0)': [],
  })
})
