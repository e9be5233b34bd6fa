import { expect, test } from 'vitest'
import { isReadable } from './readable-type.ts'

test.each([
  ['TINYINT', 'long'],
  ['BIGINT', 'integer'],
  ['UINTEGER', 'long'],
  ['INTEGER', 'double'],
  ['FLOAT', 'double'],
  ['INTEGER', 'decimal(12,2)'],
  ['DECIMAL(9,2)', 'decimal(12,4)'],
  ['DECIMAL(38,0)', 'decimal(10,0)'],
  ['DATE', 'timestamp_ntz'],
  ['TIMESTAMP', 'timestamp'],
  ['TIMESTAMP WITH TIME ZONE', 'timestamp_ntz'],
  ['TIMESTAMP_NS', 'timestamp'],
  ['BLOB', 'string'],
  ['VARCHAR', 'binary'],
  ['UUID', 'string'],
])('%s is read as %s', (duckType, type) => {
  expect(isReadable(duckType, type)).toBe(true)
})

test.each([
  ['VARCHAR', 'long'],
  ['DOUBLE', 'long'],
  ['DOUBLE', 'float'],
  ['BIGINT', 'double'],
  ['UBIGINT', 'double'],
  ['DOUBLE', 'decimal(10,2)'],
  ['DECIMAL(9,4)', 'decimal(12,2)'],
  ['INTEGER', 'boolean'],
  ['BOOLEAN', 'integer'],
  ['INTEGER', 'date'],
  ['TIMESTAMP', 'date'],
  ['DATE', 'timestamp'],
  ['BIGINT', 'timestamp'],
  ['TIME', 'timestamp'],
  ['INTEGER', 'string'],
  ['DATE', 'string'],
  ['UUID', 'binary'],
])('%s is not read as %s: values would change or mean something else', (duckType, type) => {
  expect(isReadable(duckType, type)).toBe(false)
})
