import { describe, expect, test } from 'vitest'
import { DeltaError, type ObjectStore } from '@tidemark/delta'
import { appIdOf, type BatchRecord, parseRecord, printRecord, readLastRecord, recordPath } from './record.ts'

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
    expect(() => parseRecord('{"format":1}')).toThrow('its source or flow is missing')
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

describe('the newest record', () => {
  /** A store with the records of these batches, which says what it was asked for. */
  function storeOf(batches: readonly bigint[]): { store: ObjectStore; asked: string[] } {
    const asked: string[] = []
    const paths = new Map(batches.map(batch => [recordPath(record.flow, batch), batch]))
    const never = (): never => {
      throw new Error('nothing is written')
    }
    const store: ObjectStore = {
      get: path => {
        asked.push('get')
        const batch = paths.get(path)
        if (batch === undefined) return Promise.reject(new DeltaError('NOT_FOUND', path))
        return Promise.resolve(new TextEncoder().encode(printRecord({ ...record, batch })))
      },
      async *list() {
        asked.push('list')
        for (const path of paths.keys()) yield await Promise.resolve({ path, size: 1, modifiedAt: 0 })
      },
      putIfAbsent: never,
      put: never,
      putFile: never,
      delete: never,
      locate: path => path,
    }
    return { store, asked }
  }
  const upTo = (last: number): bigint[] => Array.from({ length: last }, (_, i) => BigInt(i + 1))
  const targetWith = (batch: bigint, name = record.flow.name) => ({
    txns: new Map([
      [`${name}/f00d`, batch],
      [`${name}/another-source`, 1n],
      ['gold.dim/f00d', 99n],
    ]),
  })

  test.each([
    { of: 'a flow whose last batch is in its target', records: upTo(5000), reached: 5000n, is: 5000n, lists: false },
    { of: 'a flow with an open batch', records: upTo(8), reached: 7n, is: 8n, lists: false },
    { of: 'a target that was put back', records: upTo(9), reached: 5n, is: 9n, lists: true },
    { of: 'a flow whose records are gone', records: [], reached: 7n, is: undefined, lists: true },
    { of: 'a flow whose newest records are gone', records: upTo(3), reached: 7n, is: 3n, lists: true },
  ])('of $of is found with few requests, by a listing only where those do not tell', async one => {
    const { store, asked } = storeOf(one.records)
    const found = await readLastRecord(store, record.flow, targetWith(one.reached))
    expect(found?.batch).toBe(one.is)
    expect(asked.includes('list')).toBe(one.lists)
    expect(asked.length).toBeLessThanOrEqual(one.lists ? 5 : 3)
  })

  test('of a store that does not answer is what the store says, and never a record to take away', async () => {
    const outage = new Error('the storage account does not answer')
    const store: ObjectStore = { ...storeOf(upTo(3)).store, get: () => Promise.reject(outage) }
    await expect(readLastRecord(store, record.flow, targetWith(3n))).rejects.toBe(outage)
  })

  test('is listed for where the target tells nothing of the flow', async () => {
    for (const target of [undefined, targetWith(7n, 'gold.other')]) {
      const { store, asked } = storeOf(upTo(3))
      expect((await readLastRecord(store, record.flow, target))?.batch).toBe(3n)
      expect(asked).toEqual(['list', 'get'])
    }
  })
})
