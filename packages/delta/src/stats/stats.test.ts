import fc from 'fast-check'
import { expect, test } from 'vitest'
import { field, type StructType } from '../schema/schema.ts'
import { compareBytes } from '../store/store-path.ts'
import { indexedLeaves } from './indexed-columns.ts'
import { looseStats, parseStats } from './parse-stats.ts'
import { statsFromColumns } from './stats.ts'
import { lowerBound, upperBound } from './stats-bound.ts'

const struct = (...fields: StructType['fields']): StructType => ({ type: 'struct', fields })

function columns(entries: Record<string, Record<string, string>>): Map<string, Map<string, string>> {
  return new Map(Object.entries(entries).map(([path, values]) => [path, new Map(Object.entries(values))]))
}

test('longs and decimals keep every digit on the way out and back', () => {
  const schema = struct(field('id', 'long'), field('amount', 'decimal(38,2)'))
  const max = '9223372036854775807'
  const amount = '123456789012345678901234567890123456.70'
  const stats = statsFromColumns(
    { schema },
    2n,
    columns({
      '"id"': { min: '-9223372036854775808', max, null_count: '0' },
      '"amount"': { min: '-0.50', max: amount, null_count: '1' },
    }),
  )
  expect(stats).toBe(
    `{"numRecords":2,"minValues":{"id":-9223372036854775808,"amount":-0.50},"maxValues":{"id":${max},"amount":${amount}},"nullCount":{"id":0,"amount":1}}`,
  )
  expect(parseStats(stats)).toMatchObject({
    numRecords: 2n,
    maxValues: { id: max, amount },
    nullCount: { amount: '1' },
  })
})

test('a timestamp minimum is rounded down and a maximum up to milliseconds', () => {
  const at = '2024-02-28 23:59:58.999001+00'
  expect(lowerBound('timestamp', at)).toBe('2024-02-28T23:59:58.999Z')
  expect(upperBound('timestamp', at)).toBe('2024-02-28T23:59:59.000Z')
  expect(upperBound('timestamp', '2024-01-01 00:00:00+00')).toBe('2024-01-01T00:00:00.000Z')
  expect(upperBound('timestamp_ntz', '2024-01-01 00:00:00.1')).toBe('2024-01-01T00:00:00.100')
  expect(upperBound('timestamp', '2024-02-29 23:59:59.999001+00')).toBe('2024-03-01T00:00:00.000Z')
  expect(lowerBound('timestamp', '1969-12-31 23:59:59.998999+00')).toBe('1969-12-31T23:59:59.998Z')
  expect(upperBound('timestamp', '1969-12-31 23:59:59.998001+00')).toBe('1969-12-31T23:59:59.999Z')
})

test.each([
  ['timestamp', '12024-01-01 00:00:00+00'],
  ['timestamp', 'infinity'],
  ['timestamp', '0044-03-15 (BC) 00:00:00+00'],
  ['timestamp', '2024-01-01 00:00:00'],
  ['timestamp_ntz', '2024-01-01 00:00:00+00'],
  ['timestamp', '9999-12-31 23:59:59.999001+00'],
  ['timestamp', '0001-12-31 (BC) 23:59:59+00'],
  ['date', '0044-03-15 (BC)'],
  ['date', 'infinity'],
  ['double', 'inf'],
  ['double', '-inf'],
  ['double', 'nan'],
  ['boolean', '1'],
  ['binary', '00FF'],
])('a %s maximum of %s is left out', (type, value) => {
  expect(upperBound(type, value)).toBeUndefined()
})

test('a maximum of -0 is told as 0: readers that order all bits would look for no 0 below it', () => {
  expect(upperBound('double', '-0.0')).toEqual(upperBound('double', '0.0'))
  expect(upperBound('float', '-0.0')).toEqual(upperBound('float', '0.0'))
  expect(lowerBound('double', '-0.0')).not.toEqual(lowerBound('double', '0.0'))
})

test('string bounds are at most 33 characters, valid by bytes, and never half a character', () => {
  const letter = fc.constantFrom('a', '~', '\u007f', 'é', '\ufffd', '😀', '\u{10ffff}')
  fc.assert(
    fc.property(fc.array(letter, { maxLength: 80 }), letters => {
      const value = letters.join('')
      const low = lowerBound('string', value)
      const high = upperBound('string', value)
      expect(typeof low === 'string' && low.isWellFormed() && compareBytes(low, value) <= 0).toBe(true)
      if (high === undefined) expect(letters.slice(32, 64).every(c => c === '\u{10ffff}')).toBe(true)
      else expect(typeof high === 'string' && high.isWellFormed() && compareBytes(high, value) >= 0).toBe(true)
      if (typeof high === 'string' && letters[32] !== '\u{10ffff}') expect([...high].length).toBeLessThanOrEqual(33)
    }),
  )
})

test('a column with NaN has counts and no bounds', () => {
  const one = columns({ '"x"': { min: '1.0', max: '2.0', null_count: '0', has_nan: 'true' } })
  expect(statsFromColumns({ schema: struct(field('x', 'double')) }, 3n, one)).toBe(
    '{"numRecords":3,"minValues":{},"maxValues":{},"nullCount":{"x":0}}',
  )
})

test('nested fields mirror the schema, quotes and dots in names included; arrays have no counts', () => {
  const schema = struct(
    field('s', struct(field('y.z', 'string'), field('q"x', 'integer'))),
    field('list', { type: 'array', elementType: 'integer', containsNull: true }),
    field('__proto__', 'integer'),
  )
  const stats = statsFromColumns(
    { schema },
    1n,
    columns({
      '"s"."y.z"': { min: 'ø', max: 'ø', null_count: '0' },
      '"s"."q""x"': { min: '1', max: '2', null_count: '0' },
      '"list"."element"': { min: '1', max: '1', null_count: '7' },
      '"__proto__"': { min: '5', max: '6', null_count: '0' },
    }),
  )
  expect(stats).toBe(
    '{"numRecords":1,"minValues":{"s":{"y.z":"ø","q\\"x":1},"__proto__":5},"maxValues":{"s":{"y.z":"ø","q\\"x":2},"__proto__":6},"nullCount":{"s":{"y.z":0,"q\\"x":0},"__proto__":0}}',
  )
})

test('only the first 32 leaves have statistics, and the columns asked for', () => {
  const names = Array.from({ length: 40 }, (_, i) => `c${i}`)
  const schema = struct(...names.map(name => field(name, 'integer')))
  const all = columns(Object.fromEntries(names.map(name => [`"${name}"`, { min: '1', max: '1', null_count: '0' }])))
  const counted = (always?: string[]): string[] =>
    Object.keys(
      parseStats(statsFromColumns({ schema, ...(always ? { statsColumns: always } : {}) }, 1n, all))?.nullCount ?? {},
    )
  expect(counted()).toEqual(names.slice(0, 32))
  expect(counted(['c3', 'c39'])).toEqual([...names.slice(0, 32), 'c39'])
})

test.each<[Record<string, string>, string[]]>([
  [{}, ['id', 's.x', 's.y z', 'list', 'last']],
  [{ 'delta.dataSkippingNumIndexedCols': '-1' }, ['id', 's.x', 's.y z', 'list', 'last']],
  [{ 'delta.dataSkippingNumIndexedCols': '0' }, []],
  [{ 'delta.dataSkippingNumIndexedCols': '2' }, ['id', 's.x']],
  [{ 'delta.dataSkippingNumIndexedCols': 'many' }, ['id', 's.x', 's.y z', 'list', 'last']],
  [{ 'delta.dataSkippingStatsColumns': 'LAST,  s.`y z`' }, ['s.y z', 'last']],
  [
    { 'delta.dataSkippingStatsColumns': '`id`,s , gone', 'delta.dataSkippingNumIndexedCols': '0' },
    ['id', 's.x', 's.y z'],
  ],
  [{ 'delta.dataSkippingStatsColumns': '' }, []],
])('the settings %j index %j', (configuration, expected) => {
  const schema = struct(
    field('day', 'date'),
    field('id', 'long'),
    field('s', struct(field('x', 'long'), field('y z', 'long'))),
    field('list', { type: 'array', elementType: 'long', containsNull: true }),
    field('last', 'long'),
  )
  const target = { schema, partitionColumns: ['day'], configuration }
  const indexed = (more: object = {}): string[] =>
    indexedLeaves({ ...target, ...more }).map(({ path }) => path.join('.'))
  expect(indexed()).toEqual(expected)
  expect(indexed({ statsColumns: ['last'] })).toEqual([...expected.filter(name => name !== 'last'), 'last'])
})

test('under column mapping statistics are found and written under physical names', () => {
  const physical = (name: string): object => ({ metadata: { 'delta.columnMapping.physicalName': name } })
  const schema = struct(field('s', struct(field('x', 'long', physical('col-2'))), physical('col-1')))
  const one = columns({ '"col-1"."col-2"': { min: '1', max: '2', null_count: '0' } })
  expect(statsFromColumns({ schema, columnMapping: 'name' }, 3n, one)).toBe(
    '{"numRecords":3,"minValues":{"col-1":{"col-2":1}},"maxValues":{"col-1":{"col-2":2}},"nullCount":{"col-1":{"col-2":0}}}',
  )
})

test('what is written is read back in the same digits, also when it is said that bounds are loose', () => {
  const name = fc.oneof(
    fc.string({ minLength: 1, maxLength: 5 }),
    fc.constantFrom('a.b', 'q"x', '__proto__', 'é😀', '\\'),
  )
  const digits = fc.tuple(fc.bigInt({ min: -(10n ** 37n), max: 10n ** 37n }), fc.integer({ min: 0, max: 99 }))
  const column = fc.record({ name, min: digits, max: digits, nulls: fc.bigInt({ min: 0n, max: 10n ** 18n }) })
  const text = ([whole, cents]: [bigint, number]): string => `${whole}.${String(cents).padStart(2, '0')}`
  fc.assert(
    fc.property(
      fc.uniqueArray(column, { selector: c => c.name, maxLength: 5 }),
      fc.bigInt({ min: 0n }),
      (all, rows) => {
        const statistics = new Map(
          all.map(({ name: n, min, max, nulls }) => {
            const values = { min: text(min), max: text(max), null_count: String(nulls) }
            return [`"${n.replaceAll('"', '""')}"`, new Map(Object.entries(values))]
          }),
        )
        const schema = struct(...all.map(c => field(c.name, 'decimal(38,2)')))
        const written = statsFromColumns({ schema }, rows, statistics)
        const tree = (pick: (c: (typeof all)[number]) => string): unknown =>
          Object.fromEntries(all.map(c => [c.name, pick(c)]))
        const expected = {
          numRecords: rows,
          minValues: tree(c => text(c.min)),
          maxValues: tree(c => text(c.max)),
          nullCount: tree(c => String(c.nulls)),
          tightBounds: true,
        }
        expect(parseStats(written)).toEqual(expected)
        expect(parseStats(looseStats(written))).toEqual({ ...expected, tightBounds: false })
        expect(looseStats(looseStats(written))).toBe(looseStats(written))
      },
    ),
  )
})

test('stats that are not a JSON object are as good as none', () => {
  for (const text of [undefined, '', '{', '[]', '3', 'null']) expect(parseStats(text)).toBeUndefined()
  expect(parseStats('{"numRecords":-1}')).toMatchObject({ numRecords: undefined, minValues: {}, tightBounds: true })
})
