import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checkWritableSchema } from './check-schema.ts'
import { type DataType, field, parseSchema, printSchema, type StructType } from './schema.ts'

const primitive = fc.constantFrom(
  'string',
  'long',
  'integer',
  'double',
  'date',
  'timestamp',
  'decimal(38,18)',
  'binary',
)

const { type: anyType } = fc.letrec<{ type: DataType }>(tie => ({
  type: fc.oneof(
    { depthSize: 'small' },
    primitive,
    fc.record({ type: fc.constant('array' as const), elementType: tie('type'), containsNull: fc.boolean() }),
    fc.record({
      type: fc.constant('map' as const),
      keyType: tie('type'),
      valueType: tie('type'),
      valueContainsNull: fc.boolean(),
    }),
    fc.record({
      type: fc.constant('struct' as const),
      fields: fc.array(
        fc.record({
          name: fc.string(),
          type: tie('type'),
          nullable: fc.boolean(),
          metadata: fc.dictionary(fc.string(), fc.string(), { maxKeys: 2, noNullPrototype: true }),
        }),
        { maxLength: 3 },
      ),
    }),
  ),
}))

test('what is printed parses back, and prints the same again', () => {
  fc.assert(
    fc.property(anyType, type => {
      const schema: StructType = { type: 'struct', fields: [field('a', type)] }
      const printed = printSchema(schema)
      expect(parseSchema(printed)).toEqual(schema)
      expect(printSchema(parseSchema(printed))).toBe(printed)
    }),
  )
})

test('numbers in field metadata keep all their digits', () => {
  const text =
    '{"type":"struct","fields":[{"name":"a","type":"long","nullable":true,"metadata":{"x":9223372036854775807}}]}'
  expect(printSchema(parseSchema(text))).toBe(text)
})

test('a type nobody knows is refused with the name of its column', () => {
  const text =
    '{"type":"struct","fields":[{"name":"a","type":{"type":"struct","fields":[{"name":"b","type":"variant"}]}}]}'
  expect(() => parseSchema(text)).toThrow(/a\.b.*variant/)
  expect(() => parseSchema('{')).toThrow(expect.objectContaining({ code: 'SCHEMA_INVALID' }))
  expect(() => parseSchema('"long"')).toThrow(expect.objectContaining({ code: 'SCHEMA_INVALID' }))
})

test.each([' ', ',', ';', '{', '}', '(', ')', '\n', '\t', '='])(
  'a column name with %j is refused before writing',
  c => {
    const nested = field('outer', { type: 'struct', fields: [field(`a${c}b`, 'long')] })
    expect(() => checkWritableSchema({ type: 'struct', fields: [field(`a${c}b`, 'long')] })).toThrow(/column mapping/)
    expect(() => checkWritableSchema({ type: 'struct', fields: [nested] })).toThrow(/outer\.a/)
  },
)

test('columns that differ only in case, void columns and impossible decimals are refused before writing', () => {
  const check =
    (...fields: StructType['fields']) =>
    () =>
      checkWritableSchema({ type: 'struct', fields })
  expect(check(field('Id', 'long'), field('id', 'long'))).toThrow(/upper and lower case/)
  expect(check(field('a', 'void'))).toThrow(/void/)
  expect(check(field('a', 'decimal(39,0)'))).toThrow(/precision/)
  expect(check(field('a', 'timestamp_ntz'))).toThrow(/timestamp_ntz/)
  expect(check()).toThrow(/at least one column/)
  expect(check(field('blå-bær"x', 'decimal(38,38)'))).not.toThrow()
})
