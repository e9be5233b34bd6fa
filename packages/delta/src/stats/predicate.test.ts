import { expect, test } from 'vitest'
import { field } from '../schema/schema.ts'
import { bindPredicate } from './bind-predicate.ts'
import type { TableColumns } from './bound-column.ts'
import { and, compare, expression, isIn, isNull, not, or, type Predicate, printPredicate } from './predicate.ts'
import { evaluate } from './prune.ts'

const table: TableColumns = {
  schema: {
    type: 'struct',
    fields: [
      field('id', 'long'),
      field('Name', 'string'),
      field('price', 'decimal(5,2)'),
      field('tags', { type: 'array', elementType: 'string', containsNull: true }),
      field('s', { type: 'struct', fields: [field('x', 'integer'), field('X y', 'date')] }),
      field('a', 'byte'),
      field('A', 'byte'),
    ],
  },
  protocol: { minReaderVersion: 2, minWriterVersion: 5 },
  metaData: { partitionColumns: ['id', 'Name'], configuration: {} },
}

const print = (predicate: Predicate<string>): string => printPredicate(predicate, text => text)

test('a predicate prints as SQL with only the parentheses it needs', () => {
  expect(print(compare('id', '>=', '10'))).toBe("id >= '10'")
  expect(print(and(compare('Name', '=', "O'Neil"), isNull(['s', 'X y'])))).toBe("Name = 'O''Neil' AND s.`X y` IS NULL")
  expect(print(not(or(compare('id', '<', '1'), expression('rand() > 0.5'))))).toBe("NOT (id < '1' OR (rand() > 0.5))")
  expect(print(or(and(isNull('a'), isNull('b`')), not(isNull('c'))))).toBe(
    '(a IS NULL AND `b``` IS NULL) OR (NOT c IS NULL)',
  )
  expect([print(and()), print(or()), print(and(isNull('a')))]).toEqual(['TRUE', 'FALSE', 'a IS NULL'])
  expect(print(isIn('id', ['1', '2']))).toBe("id = '1' OR id = '2'")
})

test('a chain of conditions stays one list, so a thousand of them are no deeper than one', () => {
  let chain: Predicate<never> = compare('id', '=', '0')
  for (let id = 1; id < 1_000; id += 1) chain = or(chain, compare('id', '=', String(id)))
  expect(chain).toEqual(
    isIn(
      'id',
      Array.from({ length: 1_000 }, (_, i) => String(i)),
    ),
  )
  expect(evaluate(table, chain, { id: '999' })).toBe(true)
  expect(evaluate(table, chain, { id: '1000' })).toBe(false)
})

test.each<[Predicate<never>, string]>([
  [compare('nope', '=', '1'), 'There is no column nope.'],
  [isNull(['s', 'z']), 'There is no column s.z.'],
  [isNull(['id', 'x']), 'There is no column id.x.'],
  [isNull([]), 'There is no column (no name).'],
  [compare('tags', '=', 'x'), 'The column tags is array and cannot be compared.'],
  [compare('s', '=', 'x'), 'The column s is struct and cannot be compared.'],
  [compare('id', '<', '1.5'), 'The column id is long, and "1.5" is not a value of that type.'],
  [compare('price', '<', '0.125'), 'The column price is decimal(5,2), and "0.125" is not a value of that type.'],
  [
    compare(['s', 'X y'], '<', '2023-02-29'),
    'The column s.`X y` is date, and "2023-02-29" is not a value of that type.',
  ],
  [compare('Name', '=', '\ud83d'), 'The column Name is string, and "\\ud83d" is not a value of that type.'],
])('a predicate that does not fit the schema is refused: %j', (predicate, message) => {
  expect(() => bindPredicate(table, not(and(predicate)))).toThrow(
    expect.objectContaining({ code: 'PREDICATE_INVALID', message }),
  )
})

test('columns are found exactly first, else without regard to case when one fits', () => {
  const column = (...path: string[]): unknown => {
    const bound = bindPredicate(table, isNull(path))
    return bound.kind === 'column' ? bound.column.path : bound
  }
  expect(column('ID')).toEqual(['id'])
  expect(column('S', 'x Y')).toEqual(['s', 'X y'])
  expect([column('a'), column('A')]).toEqual([['a'], ['A']])
})

test('a partition answers with TRUE, FALSE or NULL, or not at all when the rows decide', () => {
  const holds = (predicate: Predicate<string>): boolean | null | undefined =>
    evaluate(table, predicate, { id: '5', Name: null })
  expect(holds(compare('id', '=', '5'))).toBe(true)
  expect(holds(not(compare('id', '<', '6')))).toBe(false)
  expect(holds(compare('Name', '=', 'a'))).toBe(null)
  expect(holds(not(compare('Name', '=', 'a')))).toBe(null)
  expect(holds(isNull('Name'))).toBe(true)
  expect(holds(and(compare('Name', '=', 'a'), compare('id', '>', '5')))).toBe(false)
  expect(holds(or(compare('Name', '=', 'a'), compare('id', '=', '5')))).toBe(true)
  expect(holds(or(compare('Name', '=', 'a'), compare('id', '=', '6')))).toBe(null)
  expect(holds(isNull('price'))).toBe(undefined)
  expect(holds(expression('x'))).toBe(undefined)
  expect(holds(and(expression('x'), compare('id', '=', '6')))).toBe(false)
  expect([holds(and()), holds(or())]).toEqual([true, false])
})
