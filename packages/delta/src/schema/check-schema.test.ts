import { expect, test } from 'vitest'
import { findUnstorable } from './check-schema.ts'
import { type DataType, field, type StructType } from './schema.ts'

const struct = (...types: DataType[]): StructType => ({
  type: 'struct',
  fields: types.map((type, i) => field(`c${i}`, type)),
})
const list = (elementType: DataType): DataType => ({ type: 'array', elementType, containsNull: true })
const map = (valueType: DataType): DataType => ({
  type: 'map',
  keyType: 'string',
  valueType,
  valueContainsNull: true,
})

test.each([
  ['a column of no type beside another', struct('void', 'long'), undefined],
  ['such a column in a struct', struct(struct('void', 'long')), undefined],
  ['nothing but such columns', struct('void', 'void'), 'the table has only'],
  ['a struct of nothing but such columns', struct('long', struct('void')), 'c1 has only'],
  ['a list of no type', struct('long', list('void')), 'c1.element is of no type'],
  ['a map of no type', struct('long', map('void')), 'c1.value is of no type'],
  ['such a column in structs in a list', struct(list(struct('long', 'void'))), 'c0.element.c1 is of no type'],
])('files can be written or not with %s', (_what, schema, reason) => {
  const found = findUnstorable(schema)
  if (reason === undefined) expect(found).toBeUndefined()
  else expect(found).toContain(reason)
})
