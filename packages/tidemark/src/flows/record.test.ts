import { describe, expect, test } from 'vitest'
import { appIdOf, type BatchRecord, parseRecord, printRecord, recordPath } from './record.ts'

const record: BatchRecord = {
  batch: 7n,
  flow: {
    kind: 'auto cdc',
    name: 'gold.dim_user',
    target: 'gold.dim_user',
    source: 'silver.DimUser_changes',
    query: undefined,
    keys: ['user_id'],
    sequenceBy: 'updated_at',
    applyAsDeleteWhen: undefined,
    scdType: 2,
    expectations: [{ name: 'valid_id', expression: 'user_id IS NOT NULL', onViolation: 'drop' }],
  },
  generation: 1n,
  source: { table: 'silver.DimUser_changes', tableId: 'f00d', after: 2n ** 60n, upTo: 2n ** 60n + 1n },
  reads: [{ table: 'silver.Country', tableId: 'beef', version: 4n }],
  createdBy: '20261122T120003Z-4f1c2a',
}

describe('batch records', () => {
  test('come back as they were written, versions beyond 2^53 included', () => {
    expect(parseRecord(printRecord(record))).toEqual(record)
    const first = { ...record, source: { ...record.source, after: undefined } }
    expect(parseRecord(printRecord(first))).toEqual(first)
  })

  test('of a format that is not known are refused', () => {
    expect(() => parseRecord(printRecord(record).replace('"format":1', '"format":2'))).toThrow('format 2 is not known')
  })

  test('sort by name as their numbers do', () => {
    const paths = [1n, 9n, 10n, 100n].map(batch => recordPath(record.flow, batch))
    expect(paths.toSorted()).toEqual(paths)
    expect(paths[1]).toBe('system/batches/gold%2Edim_user/000000000009.json')
  })

  test('commit under the flow and the identity of the source', () => {
    expect(appIdOf(record)).toBe('gold.dim_user/f00d')
  })
})
