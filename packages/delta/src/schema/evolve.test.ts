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

test('what is inside an array or a map does not change by itself', () => {
  const array = (elementType: DataType): DataType => ({ type: 'array', elementType, containsNull: true })
  const drifts = driftsOf(struct(field('a', array('long'))), struct(field('a', array('string'))))
  expect(drifts).toEqual([{ column: 'a', reason: 'type', current: 'array<long>', wanted: 'array<string>' }])
})
