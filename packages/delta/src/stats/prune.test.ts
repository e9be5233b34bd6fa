import { expect, test } from 'vitest'
import type { AddFile } from '../log/actions.ts'
import { field } from '../schema/schema.ts'
import { type KeyRange, pruneByKeys } from './prune.ts'

interface Bounds {
  min?: unknown
  max?: unknown
  nulls?: number
}

function mayHold(type: string, bounds: Bounds | undefined, range: Partial<KeyRange>): boolean {
  const { min, max, nulls = 0 } = bounds ?? {}
  const stats = { numRecords: 10, minValues: { k: min }, maxValues: { k: max }, nullCount: { k: nulls } }
  const file: AddFile = {
    path: 'f',
    uri: 'f',
    partitionValues: {},
    size: 1n,
    modificationTime: 0,
    dataChange: true,
    ...(bounds ? { stats: JSON.stringify(stats).replace(/"#(.*?)"/g, '$1') } : {}),
  }
  const ranges = new Map([['k', { min: undefined, max: undefined, hasNull: false, ...range }]])
  return pruneByKeys([file], { type: 'struct', fields: [field('k', type)] }, ranges).length === 1
}

test('integers are compared as integers, beyond 2^53 too', () => {
  const file = { min: '#9007199254740993', max: '#9007199254740995' }
  expect(mayHold('long', file, { min: '9007199254740992', max: '9007199254740992' })).toBe(false)
  expect(mayHold('long', file, { min: '9007199254740992', max: '9007199254740993' })).toBe(true)
  expect(mayHold('long', file, { min: '9007199254740996', max: '9007199254740996' })).toBe(false)
  expect(mayHold('integer', { min: 9, max: 10 }, { min: '100', max: '200' })).toBe(false)
  expect(mayHold('integer', { min: -5, max: 10 }, { min: '-7', max: '-6' })).toBe(false)
})

test('strings are compared by code point, not as JavaScript does', () => {
  expect(mayHold('string', { min: 'b', max: 'd' }, { min: 'a', max: 'az' })).toBe(false)
  expect(mayHold('string', { min: 'b', max: 'd' }, { min: 'a', max: 'b' })).toBe(true)
  expect(mayHold('string', { min: '\uff00', max: '\uffee' }, { min: '😀', max: '😀' })).toBe(false)
  expect(mayHold('string', { min: 'a', max: '😀' }, { min: '\uff00', max: '\uff00' })).toBe(true)
})

test('a cut string bound that other writers get wrong is not trusted', () => {
  expect(mayHold('string', { min: 'a', max: 'a\ufffd' }, { min: 'a😀', max: 'a😀' })).toBe(true)
  expect(mayHold('string', { min: 'z\ud83d', max: 'zz' }, { min: 'a', max: 'b' })).toBe(true)
})

test('dates are compared as text only where that is their order', () => {
  const file = { min: '2024-01-01', max: '2024-12-31' }
  expect(mayHold('date', file, { min: '2023-01-01', max: '2023-12-31' })).toBe(false)
  expect(mayHold('date', file, { min: '12024-01-01', max: '12024-01-01' })).toBe(true)
  expect(mayHold('date', file, { min: '0044-03-15 (BC)', max: '2023-01-01' })).toBe(true)
})

test.each(['double', 'decimal(10,2)', 'timestamp', 'boolean', 'binary'])('a %s key never rules a file out', type => {
  expect(mayHold(type, { min: '#1', max: '#2' }, { min: '5', max: '6' })).toBe(true)
})

test('NULL keys reach exactly the files that may hold NULL', () => {
  expect(mayHold('long', { min: 1, max: 2 }, { hasNull: true })).toBe(false)
  expect(mayHold('long', { min: 1, max: 2, nulls: 1 }, { hasNull: true })).toBe(true)
  expect(mayHold('long', { nulls: 10 }, { min: '1', max: '2' })).toBe(false)
  expect(mayHold('long', { nulls: 10 }, { min: '1', max: '2', hasNull: true })).toBe(true)
})

test('a file without stats, or with only one bound, is kept unless that bound excludes it', () => {
  expect(mayHold('long', undefined, { min: '1', max: '2' })).toBe(true)
  expect(mayHold('long', {}, { min: '1', max: '2' })).toBe(true)
  expect(mayHold('long', { min: 5 }, { min: '1', max: '2' })).toBe(false)
  expect(mayHold('long', { min: 5 }, { min: '6', max: '6' })).toBe(true)
})
