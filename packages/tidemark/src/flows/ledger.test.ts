import { describe, expect, test } from 'vitest'
import { addLedgers, balance } from './ledger.ts'

const append = { kind: 'append' as const, read: 4n, inserted: 2n, filtered: 1n, quarantined: 1n, warned: 5n }

describe('balance', () => {
  test('gives back a ledger in which every row read is in one bucket; warnings are beside the buckets', () => {
    expect(balance('silver.t', append)).toBe(append)
  })

  test.each([
    { ...append, inserted: 3n },
    { kind: 'extract' as const, read: 1n, inserted: 0n, duplicate: 0n, deletes: 1n },
    { kind: 'auto cdc' as const, read: 2n, applied: 1n, ignored: 0n, quarantined: 0n, warned: 1n },
    {
      kind: 'silver' as const,
      read: 6n,
      inserted: 1n,
      updated: 1n,
      superseded: 1n,
      duplicate: 1n,
      deleted: 1n,
      filtered: 1n,
      quarantined: 1n,
      staleByRule: 0n,
      warned: 0n,
    },
  ])('stops a step whose $kind ledger does not add up, as a bug of ours', ledger => {
    expect(() => balance('silver.t', ledger)).toThrow(expect.objectContaining({ code: 'LEDGER_UNBALANCED' }))
  })
})

describe('addLedgers', () => {
  test('adds bucket by bucket', () => {
    expect(addLedgers(append, { ...append, warned: 0n })).toEqual({
      ...append,
      read: 8n,
      inserted: 4n,
      filtered: 2n,
      quarantined: 2n,
    })
  })

  test('refuses ledgers of different kinds', () => {
    const extract = { kind: 'extract' as const, read: 0n, inserted: 0n, duplicate: 0n, deletes: 0n }
    expect(() => addLedgers<typeof append | typeof extract>(append, extract)).toThrow('cannot be added')
  })
})
