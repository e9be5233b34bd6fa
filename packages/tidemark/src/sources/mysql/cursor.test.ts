import { expect, test } from 'vitest'
import { boundByClock, MARGIN_US } from './cursor.ts'

/** 2026-10-25T01:30:00Z: half past two in Berlin, after the clocks went back at one o'clock UTC. */
const us = (iso: string): bigint => BigInt(Date.parse(iso)) * 1000n
const clock = (now: string, open?: string) => ({
  nowUs: us(now),
  openSinceUs: open === undefined ? undefined : us(open),
  openTransactions: 1,
  hidden: undefined,
})
const lag = { kind: 'lag', ms: 0 } as const

test('a timestamp is bounded in UTC, in whole seconds', () => {
  const at = clock('2026-07-01T12:00:00.900Z')
  expect(boundByClock({ sourceType: 'timestamp(6)' }, lag, at, 'Europe/Berlin')).toBe('2026-07-01 12:00:00')
})

test('a time without a zone is bounded in the zone of the source, lower before the clocks go back', () => {
  const bound = (now: string): string | undefined =>
    boundByClock({ sourceType: 'datetime' }, lag, clock(now), 'Europe/Berlin')
  expect(bound('2026-07-01T12:00:00Z')).toBe('2026-07-01 14:00:00')
  expect(bound('2026-10-25T00:30:00Z')).toBe('2026-10-25 01:30:00')
  expect(bound('2026-10-25T01:30:00Z')).toBe('2026-10-25 02:30:00')
})

test('open transactions bound by their start less the margin, and a prepared one bounds nothing new', () => {
  const cap = { kind: 'open transactions' } as const
  const at = clock('2026-07-01T12:00:00Z', '2026-07-01T11:00:00Z')
  expect(MARGIN_US).toBe(60_000_000n)
  expect(boundByClock({ sourceType: 'timestamp' }, cap, at, 'UTC')).toBe('2026-07-01 10:59:00')
  expect(boundByClock({ sourceType: 'timestamp' }, cap, clock('2026-07-01T12:00:00Z'), 'UTC')).toBeUndefined()
})
