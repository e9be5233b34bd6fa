import { expect, test } from 'vitest'
import { type Drift, evolve } from './evolve.ts'
import { type DataType, field, type StructType } from './schema.ts'

const struct = (...fields: StructType['fields']): StructType => ({ type: 'struct', fields })

function driftsOf(current: StructType, wanted: StructType): readonly Drift[] {
  const evolution = evolve(current, wanted)
  return evolution.kind === 'incompatible' ? evolution.drifts : []
}

test('new nullable columns go to the end, whatever their place in the input', () => {
  const current = struct(field('id', 'long', { nullable: false, comment: 'key' }), field('name', 'string'))
  const wanted = struct(field('city', 'string'), field('id', 'long', { nullable: false }), field('name', 'string'))
  expect(evolve(current, wanted)).toEqual({
    kind: 'compatible',
    changed: true,
    schema: struct(...current.fields, field('city', 'string')),
  })
})

test('the same columns, or fewer of the nullable ones, change nothing', () => {
  const current = struct(field('id', 'long'), field('name', 'string', { comment: 'kept' }))
  for (const wanted of [current, struct(field('id', 'long')), struct(field('name', 'string'), field('id', 'long'))]) {
    expect(evolve(current, wanted)).toEqual({ kind: 'compatible', changed: false, schema: current })
  }
})

test('a struct grows inside', () => {
  const inner = struct(field('x', 'long'))
  const grown = struct(field('x', 'long'), field('y', 'string'))
  const evolution = evolve(struct(field('s', inner)), struct(field('s', grown)))
  expect(evolution).toMatchObject({ kind: 'compatible', changed: true, schema: struct(field('s', grown)) })
})

test('all drifts are collected, each with its reason', () => {
  const current = struct(field('id', 'long', { nullable: false }), field('at', 'date'), field('Name', 'string'))
  const wanted = struct(field('id', 'long'), field('at', 'timestamp'), field('name', 'string'), {
    ...field('must', 'long'),
    nullable: false,
  })
  expect(driftsOf(current, wanted).map(d => [d.column, d.reason])).toEqual([
    ['id', 'nullability'],
    ['at', 'type'],
    ['Name', 'letter case'],
    ['must', 'new column is not nullable'],
  ])
})

test('a required column that the input lacks is a drift', () => {
  const current = struct(field('id', 'long', { nullable: false }), field('name', 'string'))
  expect(driftsOf(current, struct(field('name', 'string')))).toMatchObject([{ column: 'id', wanted: 'missing' }])
})

const array = (elementType: DataType, containsNull = true): DataType => ({ type: 'array', elementType, containsNull })
const map = (keyType: DataType, valueType: DataType): DataType => {
  return { type: 'map', keyType, valueType, valueContainsNull: true }
}
const one = (type: DataType): StructType => struct(field('a', type))

test('structs in lists and in values of maps grow too, keys of maps never', () => {
  const [small, grown] = [struct(field('x', 'long')), struct(field('x', 'long'), field('y', 'string'))]
  for (const inside of [array, (type: DataType) => map('string', type), (type: DataType) => array(map('long', type))]) {
    const evolution = evolve(one(inside(small)), one(inside(grown)))
    expect(evolution).toEqual({ kind: 'compatible', changed: true, schema: one(inside(grown)) })
  }
  expect(driftsOf(one(map(small, 'long')), one(map(grown, 'long')))).toMatchObject([
    { column: 'a.key', reason: 'type' },
  ])
})

test('a type inside a list or a map that differs is a drift, told by its place', () => {
  expect(driftsOf(one(array(map('long', 'date'))), one(array(map('long', 'string'))))).toEqual([
    { column: 'a.element.value', reason: 'type', current: 'date', wanted: 'string' },
  ])
  const drifts = driftsOf(one(array('long', false)), one(array('long')))
  expect(drifts).toMatchObject([{ column: 'a.element', reason: 'nullability' }])
})

test('types grow only where the table agrees, and the schema keeps what they were', () => {
  const [current, wanted] = [one(map('short', 'float')), one(map('long', 'double'))]
  expect(driftsOf(current, wanted).map(d => d.column)).toEqual(['a.key', 'a.value'])
  const evolution = evolve(current, wanted, { widenTypes: true })
  const changes = [
    { fromType: 'short', toType: 'long', fieldPath: 'key' },
    { fromType: 'float', toType: 'double', fieldPath: 'value' },
  ]
  const schema = struct(field('a', map('long', 'double'), { metadata: { 'delta.typeChanges': changes } }))
  expect(evolution).toEqual({ kind: 'compatible', changed: true, schema })
  expect(evolve(one('long'), one('integer'), { widenTypes: true }).kind).toBe('incompatible')
})

test('a column of no type takes any, and keeps no record of it', () => {
  const current = struct(field('nothing', 'void'), field('s', struct(field('nothing', 'void'))))
  const wanted = struct(field('nothing', 'string'), field('s', struct(field('nothing', 'long'))))
  expect(evolve(current, wanted)).toEqual({ kind: 'compatible', changed: true, schema: wanted })
})
