import { expect, test } from 'vitest'
import { type Condition, conditionsOf } from './conditions.ts'
import { type DataType, field, type StructType } from './schema.ts'

const struct = (...fields: StructType['fields']): StructType => ({ type: 'struct', fields })
const required = (name: string, type: DataType): StructType['fields'][number] => field(name, type, { nullable: false })
const array = (elementType: DataType, containsNull: boolean): DataType => ({ type: 'array', elementType, containsNull })

const sqlOf = (...fields: StructType['fields']): string[] => conditionsOf(struct(...fields), {}).map(c => c.sql)

test('constraints, invariants and generated values are told with their name and their SQL', () => {
  const schema = struct(
    field('x', 'integer', { metadata: { 'delta.invariants': '{"expression":{"expression":"x > 3"}}' } }),
    field('day of', 'date', { metadata: { 'delta.generationExpression': 'CAST(at AS DATE)' } }),
  )
  expect(conditionsOf(schema, { 'delta.constraints.positive': 'x > 0', 'delta.appendOnly': 'true' })).toEqual([
    { kind: 'constraint', name: 'positive', sql: 'x > 0' },
    { kind: 'invariant', name: 'x', sql: 'x > 3' },
    { kind: 'generated value', name: 'day of', sql: '`day of` <=> (CAST(at AS DATE))' },
  ])
})

test('an invariant in a form nobody knows is passed on as it is, not left out', () => {
  for (const text of ['x > 3', '{"expression":7}', 'null']) {
    const schema = struct(field('x', 'integer', { metadata: { 'delta.invariants': text } }))
    expect(conditionsOf(schema, {})).toEqual([{ kind: 'invariant', name: 'x', sql: text }])
  }
})

test('a plain column without NULL is proved by its count of NULLs, nothing deeper is', () => {
  const proved = (...fields: StructType['fields']): Condition[] =>
    conditionsOf(struct(...fields), {}).filter(c => c.provedByNullCountOf !== undefined)
  expect(proved(required('a', 'long')).map(c => c.provedByNullCountOf)).toEqual(['a'])
  expect(proved(field('a', 'long'), required('s', struct(required('x', 'long'))))).toEqual([])
})

test('what may not be NULL inside structs, lists and maps is asked for only where there is something around it', () => {
  expect(sqlOf(field('a', 'long'), field('s', struct(field('x', 'long'))))).toEqual([])
  expect(sqlOf(required('a`b', 'long'))).toEqual(['`a``b` IS NOT NULL'])
  expect(sqlOf(field('s', struct(required('x', 'long'))))).toEqual(['(`s` IS NULL OR (`s`.`x` IS NOT NULL))'])
  expect(sqlOf(required('s', struct(required('x', 'long'))))).toEqual(['`s` IS NOT NULL AND `s`.`x` IS NOT NULL'])
  expect(sqlOf(field('l', array(array('long', false), true)))).toEqual([
    '(`l` IS NULL OR (forall(`l`, x0 -> (x0 IS NULL OR (forall(x0, x1 -> x1 IS NOT NULL))))))',
  ])
  const map: DataType = { type: 'map', keyType: 'string', valueType: 'long', valueContainsNull: false }
  expect(sqlOf(required('m', map))).toEqual(['`m` IS NOT NULL AND forall(map_values(`m`), x0 -> x0 IS NOT NULL)'])
})
