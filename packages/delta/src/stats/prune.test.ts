import { expect, test } from 'vitest'
import type { AddFile, PartitionValues } from '../log/actions.ts'
import { type DataType, field } from '../schema/schema.ts'
import type { TableColumns } from './bound-column.ts'
import { and, compare, expression, isIn, isNull, not, or, type Predicate } from './predicate.ts'
import { type KeyRange, keysPredicate, pruneFiles, rangePredicate } from './prune.ts'

/** Bounds as JSON writes them; a text that begins with `#` is a number in its own digits. */
interface Bounds {
  min?: unknown
  max?: unknown
  nulls?: number
  tightBounds?: boolean
}

function tableOf(type: DataType, options: { isPartition?: boolean; metadata?: object } = {}): TableColumns {
  return {
    schema: {
      type: 'struct',
      fields: [field('k', type, { metadata: { ...options.metadata } }), field('other', 'long')],
    },
    protocol: { minReaderVersion: 2, minWriterVersion: 5 },
    metaData: { partitionColumns: options.isPartition ? ['k'] : [], configuration: {} },
  }
}

function fileOf(bounds: Bounds | undefined, partitionValues: PartitionValues = {}): AddFile {
  const { min, max, nulls = 0, ...rest } = bounds ?? {}
  const stats = { numRecords: 10, minValues: { k: min }, maxValues: { k: max }, nullCount: { k: nulls }, ...rest }
  return {
    path: 'f',
    uri: 'f',
    partitionValues,
    size: 1n,
    modificationTime: 0,
    dataChange: true,
    ...(bounds ? { stats: JSON.stringify(stats).replaceAll(/"#(.*?)"/g, '$1') } : {}),
  }
}

/** Whether a file with these bounds is kept. */
function mayHold(type: DataType, bounds: Bounds | undefined, predicate: Predicate<string>, metadata?: object): boolean {
  return pruneFiles([fileOf(bounds)], tableOf(type, { ...(metadata ? { metadata } : {}) }), predicate).length === 1
}

const equals = (value: string): Predicate<never> => compare('k', '=', value)

test('integers are compared as integers, beyond 2^53 too', () => {
  const file = { min: '#9007199254740993', max: '#9007199254740995' }
  expect(mayHold('long', file, equals('9007199254740992'))).toBe(false)
  expect(mayHold('long', file, compare('k', '<=', '9007199254740993'))).toBe(true)
  expect(mayHold('long', file, compare('k', '<', '9007199254740993'))).toBe(false)
  expect(mayHold('long', file, equals('9007199254740996'))).toBe(false)
  expect(mayHold('integer', { min: 9, max: 10 }, compare('k', '>=', '100'))).toBe(false)
  expect(mayHold('integer', { min: -5, max: 10 }, compare('k', '<', '-5'))).toBe(false)
})

test('decimals are compared in all 38 digits, however they are written', () => {
  const file = { min: '#-0.50', max: '#12345678901234567890123456789012345678.5' }
  expect(mayHold('decimal(38,2)', file, compare('k', '>', '12345678901234567890123456789012345678.49'))).toBe(true)
  expect(mayHold('decimal(38,2)', file, compare('k', '>', '12345678901234567890123456789012345678.50'))).toBe(false)
  expect(mayHold('decimal(38,2)', file, compare('k', '<', '-0.5'))).toBe(false)
  expect(mayHold('decimal(10,8)', { min: '#1E-7', max: '#2.5E-7' }, equals('0.00000026'))).toBe(false)
  expect(mayHold('decimal(10,8)', { min: '#1E-7', max: '#2.5E-7' }, equals('0.00000025'))).toBe(true)
  expect(mayHold('decimal(10,2)', { min: '#1.001', max: 2 }, equals('0'))).toBe(true)
})

test('floats are compared as floats, and NaN is above all and may be in any file', () => {
  const file = { min: '#0.1', max: '#0.5' }
  expect(mayHold('float', file, compare('k', '<', '0.1'))).toBe(false)
  expect(mayHold('float', file, compare('k', '<=', '0.100000001'))).toBe(true)
  expect(mayHold('double', file, compare('k', '<=', '0.09999999999999999'))).toBe(false)
  expect(mayHold('double', file, equals('0.6'))).toBe(false)
  expect(mayHold('double', file, compare('k', '>', '0.6'))).toBe(true)
  expect(mayHold('double', file, equals('NaN'))).toBe(true)
  expect(mayHold('double', file, and(compare('k', '>', '0.6'), compare('k', '<', '0.7')))).toBe(false)
  expect(mayHold('double', { min: '#0.0', max: '#0.0' }, equals('-0.0'))).toBe(true)
  expect(mayHold('double', { min: '#-0.0', max: '#-0.0' }, compare('k', '<', '0'))).toBe(false)
  expect(mayHold('double', { min: 'NaN', max: 'NaN' }, equals('1'))).toBe(true)
})

test('bounds of a float that became a double are taken as wide as the rounding', () => {
  const file = { min: '#0.1', max: '#0.1' }
  const widened = { 'delta.typeChanges': [{ fromType: 'float', toType: 'double' }] }
  expect(mayHold('double', file, equals('0.10000000149011612'))).toBe(false)
  expect(mayHold('double', file, equals('0.10000000149011612'), widened)).toBe(true)
  expect(mayHold('double', file, equals('0.2'), widened)).toBe(false)
})

test('dates are compared as days, before 1970 and beyond four digits of year', () => {
  const file = { min: '1969-12-31', max: '9999-12-31' }
  expect(mayHold('date', file, equals('1969-12-30'))).toBe(false)
  expect(mayHold('date', file, equals('12024-01-01'))).toBe(false)
  expect(mayHold('date', { min: '1970-01-01', max: '+12024-01-01' }, equals('12023-12-31'))).toBe(true)
  expect(mayHold('date', { min: '0044-03-15 (BC)', max: '2023-01-01' }, equals('-0044-01-01'))).toBe(false)
  expect(mayHold('date', { min: 'infinity', max: 'infinity' }, equals('1970-01-01'))).toBe(true)
})

test('a maximal timestamp may have been cut to milliseconds; a minimum is one', () => {
  const file = { min: '2024-01-01T00:00:00.000Z', max: '2024-01-01T12:00:00.000Z' }
  expect(mayHold('timestamp', file, equals('2024-01-01 12:00:00.000999'))).toBe(true)
  expect(mayHold('timestamp', file, equals('2024-01-01T12:00:00.001001Z'))).toBe(false)
  expect(mayHold('timestamp', file, compare('k', '<', '2024-01-01 00:00:00+00'))).toBe(false)
  expect(mayHold('timestamp', file, equals('2024-01-01 01:30:00+02'))).toBe(false)
  const old = { min: '1969-12-31T23:59:59.999Z', max: '1969-12-31T23:59:59.999Z' }
  expect(mayHold('timestamp', old, equals('1969-12-31T23:59:59.999999Z'))).toBe(true)
  expect(mayHold('timestamp', old, compare('k', '<', '1969-12-31T23:59:59.999Z'))).toBe(false)
})

test('bounds of timestamps count only when their zone is certain', () => {
  const zoned = { min: '2024-01-01T00:00:00.000-08:00', max: '2024-01-01T00:00:00.000-08:00' }
  expect(mayHold('timestamp', zoned, equals('2024-01-01T08:00:00Z'))).toBe(true)
  expect(mayHold('timestamp', zoned, equals('2024-01-01T00:00:00Z'))).toBe(false)
  const zoneless = { min: '2024-01-01T00:00:00.000', max: '2024-01-01T00:00:00.000' }
  expect(mayHold('timestamp', zoneless, equals('2024-01-01T08:00:00Z'))).toBe(true)
  expect(mayHold('timestamp_ntz', zoneless, equals('2024-01-01 00:00:00.0009'))).toBe(true)
  expect(mayHold('timestamp_ntz', zoneless, equals('2024-01-01 00:00:00.002'))).toBe(false)
  expect(mayHold('timestamp_ntz', zoned, equals('2025-01-01 00:00:00'))).toBe(true)
})

test('strings are compared by code point, not as JavaScript does', () => {
  expect(mayHold('string', { min: 'b', max: 'd' }, compare('k', '<=', 'az'))).toBe(false)
  expect(mayHold('string', { min: 'b', max: 'd' }, compare('k', '<=', 'b'))).toBe(true)
  expect(mayHold('string', { min: '\uff00', max: '\uffee' }, equals('😀'))).toBe(false)
  expect(mayHold('string', { min: 'a', max: '😀' }, equals('\uff00'))).toBe(true)
  expect(mayHold('string', { min: '', max: '' }, equals('a'))).toBe(false)
})

test('a cut string bound that other writers get wrong is not trusted', () => {
  expect(mayHold('string', { min: 'a', max: 'a\ufffd' }, equals('a😀'))).toBe(true)
  expect(mayHold('string', { min: 'z\ud83d', max: 'zz' }, equals('a'))).toBe(true)
})

test('strings with a collation have an order that stats do not know', () => {
  const collated = { __COLLATIONS: { k: 'ICU.de' } }
  expect(mayHold('string', { min: 'b', max: 'b' }, equals('B'), collated)).toBe(true)
  expect(mayHold('string', { min: 'b', max: 'b' }, isNull('k'), collated)).toBe(false)
})

test('booleans are ordered, and binary columns have no bounds', () => {
  expect(mayHold('boolean', { min: false, max: false }, equals('true'))).toBe(false)
  expect(mayHold('boolean', { min: false, max: true }, equals('true'))).toBe(true)
  expect(mayHold('binary', { min: 'b', max: 'b' }, equals('a'))).toBe(true)
})

test('NULL is neither equal nor different, whichever way NOT is written', () => {
  const allNull = { nulls: 10 }
  for (const one of [equals('1'), compare('k', '<>', '1'), not(equals('1')), not(compare('k', '<>', '1'))]) {
    expect(mayHold('long', allNull, one)).toBe(false)
  }
  expect(mayHold('long', allNull, isNull('k'))).toBe(true)
  expect(mayHold('long', allNull, or(equals('1'), isNull('k')))).toBe(true)
  expect(mayHold('long', { min: 1, max: 2, nulls: 0 }, isNull('k'))).toBe(false)
  expect(mayHold('long', { min: 1, max: 1, nulls: 3 }, not(equals('1')))).toBe(false)
  expect(mayHold('long', { min: 1, max: 2, nulls: 3 }, and(isNull('k'), compare('k', '>', '0')))).toBe(false)
})

test('conditions on one column are judged together', () => {
  const file = { min: 1, max: 1, nulls: 1 }
  expect(mayHold('long', file, not(or(isNull('k'), equals('1'))))).toBe(false)
  expect(mayHold('long', file, and(compare('k', '>=', '2'), expression('f(k)'), isNull('other')))).toBe(false)
  expect(mayHold('long', file, or(equals('2'), expression('f(k)')))).toBe(true)
  expect(mayHold('long', file, not(expression('f(k)')))).toBe(true)
})

test('with deletion vectors bounds stay bounds, and counts count only at none and all', () => {
  const wide = { tightBounds: false }
  expect(mayHold('long', { min: 1, max: 9, nulls: 4, ...wide }, equals('10'))).toBe(false)
  expect(mayHold('long', { min: 1, max: 9, nulls: 4, ...wide }, equals('5'))).toBe(true)
  expect(mayHold('long', { min: 1, max: 9, nulls: 4, ...wide }, isNull('k'))).toBe(true)
  expect(mayHold('long', { min: 1, max: 9, nulls: 0, ...wide }, isNull('k'))).toBe(false)
  expect(mayHold('long', { nulls: 10, ...wide }, equals('5'))).toBe(false)
})

test('stats that are missing, broken or contradict themselves rule nothing out', () => {
  expect(mayHold('long', undefined, equals('1'))).toBe(true)
  expect(mayHold('long', {}, equals('1'))).toBe(true)
  expect(mayHold('long', { min: 5, max: 1 }, equals('9'))).toBe(true)
  expect(mayHold('long', { min: 'x', max: '#1.5' }, equals('9'))).toBe(true)
  expect(mayHold('long', { min: 5, max: 5, nulls: 10 }, equals('5'))).toBe(true)
  expect(mayHold('long', { min: 5 }, equals('4'))).toBe(false)
  expect(mayHold('long', { min: 5 }, equals('6'))).toBe(true)
  for (const stats of ['', '{', '{"minValues":{"k":"5', '[]', '{"numRecords":1,"nullCount":{"k":"x"}}']) {
    expect(pruneFiles([{ ...fileOf({}), stats }], tableOf('long'), equals('1'))).toHaveLength(1)
  }
})

test('an array has no bounds and no trusted count, but may be asked for NULL', () => {
  const list: DataType = { type: 'array', elementType: 'long', containsNull: true }
  expect(mayHold(list, { nulls: 0 }, isNull('k'))).toBe(true)
  expect(mayHold(list, { nulls: 10 }, not(isNull('k')))).toBe(true)
})

test.each<[string, string | null, Predicate<never>, boolean]>([
  ['long', '5', equals('6'), false],
  ['long', '5', compare('k', '<>', '5'), false],
  ['long', null, not(equals('5')), false],
  ['long', '', isNull('k'), true],
  ['long', 'five', equals('5'), true],
  ['boolean', 'true', equals('false'), false],
  ['binary', '\u0001\u0002', equals('\u0001\u0003'), false],
  ['binary', '\u0001\u0002', equals('\u0001\u0002'), true],
  ['binary', '\u00ff', equals('\u00fe'), false],
  ['binary', '\uff00', compare('k', '>', '😀'), false],
  ['double', 'NaN', compare('k', '>', '1.0E300'), true],
  ['double', 'NaN', compare('k', '<=', 'Infinity'), false],
  ['double', '-0.0', equals('0'), true],
  ['timestamp', '2024-01-01T00:00:00.123456Z', equals('2024-01-01 00:00:00.123456'), true],
  ['timestamp', '2024-01-01 00:00:00.123457', equals('2024-01-01 00:00:00.123456'), false],
  ['string', '\uff00', compare('k', '>', '😀'), false],
  ['decimal(5,2)', '1.5', compare('k', '<>', '1.50'), false],
])('a partition of %s %j decides %j', (type, value, predicate, kept) => {
  const files = [fileOf(undefined, { k: value })]
  expect(pruneFiles(files, tableOf(type, { isPartition: true }), predicate)).toHaveLength(kept ? 1 : 0)
})

test('a file that does not tell its partition value is kept', () => {
  expect(pruneFiles([fileOf(undefined)], tableOf('long', { isPartition: true }), equals('1'))).toHaveLength(1)
})

test('nested columns and column mapping lead to the physical names in stats and partition values', () => {
  const physical = (name: string): object => ({ metadata: { 'delta.columnMapping.physicalName': name } })
  const table: TableColumns = {
    schema: {
      type: 'struct',
      fields: [
        field('s', { type: 'struct', fields: [field('x', 'long', physical('col-2'))] }, physical('col-1')),
        field('day', 'date', physical('col-3')),
      ],
    },
    protocol: { minReaderVersion: 2, minWriterVersion: 5 },
    metaData: { partitionColumns: ['day'], configuration: { 'delta.columnMapping.mode': 'name' } },
  }
  const stats =
    '{"numRecords":1,"minValues":{"col-1":{"col-2":5}},"maxValues":{"col-1":{"col-2":7}},"nullCount":{"col-1":{"col-2":0}}}'
  const file = { ...fileOf({}), stats, partitionValues: { 'col-3': '2024-01-01' } }
  const kept = (predicate: Predicate<never>): boolean => pruneFiles([file], table, predicate).length === 1
  expect(kept(compare(['s', 'x'], '<', '5'))).toBe(false)
  expect(kept(compare(['s', 'x'], '<', '6'))).toBe(true)
  expect(kept(isNull(['s', 'x']))).toBe(false)
  expect(kept(isNull('s'))).toBe(true)
  expect(kept(compare('day', '=', '2024-01-02'))).toBe(false)
  const unmapped = { ...table, metaData: { partitionColumns: [], configuration: {} } }
  expect(pruneFiles([file], unmapped, compare(['s', 'x'], '<', '5'))).toHaveLength(1)
})

function mayHoldKeys(type: string, bounds: Bounds, range: Partial<KeyRange>): boolean {
  const ranges = new Map([['k', { min: undefined, max: undefined, hasNull: false, ...range }]])
  const table = tableOf(type)
  return pruneFiles([fileOf(bounds)], table, keysPredicate(table, ranges)).length === 1
}

test('key ranges keep the files they overlap, and NULL keys exactly those that may hold NULL', () => {
  expect(mayHoldKeys('long', { min: 5, max: 9 }, { min: '1', max: '4' })).toBe(false)
  expect(mayHoldKeys('long', { min: 5, max: 9 }, { min: '1', max: '5' })).toBe(true)
  expect(mayHoldKeys('long', { min: 1, max: 2 }, { hasNull: true })).toBe(false)
  expect(mayHoldKeys('long', { min: 1, max: 2, nulls: 1 }, { hasNull: true })).toBe(true)
  expect(mayHoldKeys('long', { nulls: 10 }, { min: '1', max: '2' })).toBe(false)
  expect(mayHoldKeys('long', { nulls: 10 }, { min: '1', max: '2', hasNull: true })).toBe(true)
  expect(mayHoldKeys('long', { min: 1, max: 2 }, {})).toBe(false)
})

test('few keys leave out the files between two of them', () => {
  const values = ['30', '-9', '10']
  expect(mayHoldKeys('long', { min: 11, max: 29 }, { values })).toBe(false)
  expect(mayHoldKeys('long', { min: 11, max: 30 }, { values })).toBe(true)
  expect(mayHoldKeys('long', { min: -8, max: 9 }, { values })).toBe(false)
  expect(mayHoldKeys('long', { max: -10 }, { values })).toBe(false)
  expect(mayHoldKeys('long', { min: 31 }, { values })).toBe(false)
  expect(mayHoldKeys('long', { nulls: 10 }, { values, hasNull: true })).toBe(true)
  expect(mayHoldKeys('double', { min: 1, max: 2 }, { values: ['0.5', 'nan'] })).toBe(true)
})

test('ranges of keys leave out the files between two of them', () => {
  const spans = [
    { min: '10', max: '12' },
    { min: '-9', max: '-9' },
  ]
  expect(mayHoldKeys('long', { min: -8, max: 9 }, { spans })).toBe(false)
  expect(mayHoldKeys('long', { min: 13 }, { spans })).toBe(false)
  expect(mayHoldKeys('long', { min: 11, max: 11 }, { spans })).toBe(true)
  expect(mayHoldKeys('long', { min: -20, max: 20 }, { spans })).toBe(true)
  expect(mayHoldKeys('long', { nulls: 10 }, { spans })).toBe(false)
  expect(mayHoldKeys('long', { nulls: 10 }, { spans, hasNull: true })).toBe(true)
  expect(mayHoldKeys('long', { min: 1, max: 2 }, { spans: [] })).toBe(false)
})

test('keys that cannot be compared do not narrow anything', () => {
  expect(mayHoldKeys('date', { min: '2024-01-01', max: '2024-01-01' }, { min: 'infinity', max: 'infinity' })).toBe(true)
  const ranges = new Map([['gone', { min: '1', max: '1', hasNull: false }]])
  const table = tableOf('long')
  expect(pruneFiles([fileOf({ min: 5, max: 5 })], table, keysPredicate(table, ranges))).toHaveLength(1)
})

test('a key range is a predicate like any other', () => {
  expect(rangePredicate('k', { min: '1', max: '5', hasNull: true })).toEqual(
    or(and(compare('k', '>=', '1'), compare('k', '<=', '5')), isNull('k')),
  )
  expect(rangePredicate('k', { min: undefined, max: undefined, hasNull: false })).toEqual(or())
  expect(rangePredicate('k', { min: '1', max: '5', hasNull: false, values: ['1', '5'] })).toEqual(isIn('k', ['1', '5']))
})
