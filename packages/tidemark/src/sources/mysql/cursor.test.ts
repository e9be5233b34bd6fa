import { expect, test } from 'vitest'
import { boundByClock, MARGIN_US } from './cursor.ts'

/** 2026-10-25T01:30:00Z: half past two in Berlin, after the clocks went back at one o'clock UTC. */
const us = (iso: string): bigint => BigInt(Date.parse(iso)) * 1000n
const clock = (now: string, open?: string) => ({
  nowUs: us(now),
  openSinceUs: open === undefined ? undefined : us(open),
  openTransactions: 1,
  aheadOfUtc: 3600,
  hidden: undefined,
})
const lag = { kind: 'lag', ms: 0 } as const

test('a timestamp is bounded in UTC, in whole seconds', () => {
  const at = clock('2026-07-01T12:00:00.900Z')
  expect(boundByClock({}, lag, at, 'Europe/Berlin')).toBe('2026-07-01 12:00:00')
})

test('a time without a zone is bounded in the zone of the source, lower before the clocks go back', () => {
  const bound = (now: string): string | undefined => boundByClock({ local: true }, lag, clock(now), 'Europe/Berlin')
  expect(bound('2026-01-15T12:00:00Z')).toBe('2026-01-15 13:00:00')
  // The server's clock may have no summer time.
  expect(bound('2026-07-01T12:00:00Z')).toBe('2026-07-01 13:00:00')
  expect(bound('2026-10-25T00:30:00Z')).toBe('2026-10-25 01:30:00')
  expect(bound('2026-10-25T01:30:00Z')).toBe('2026-10-25 02:30:00')
})

test('a time without a zone is bounded by the clock that the server shows, too', () => {
  const bound = (aheadOfUtc: number): string | undefined =>
    boundByClock({ local: true }, lag, { ...clock('2026-01-15T12:00:00Z'), aheadOfUtc }, 'UTC')
  expect([bound(-5 * 3600), bound(0), bound(20_700)]).toEqual([
    '2026-01-15 07:00:00',
    '2026-01-15 12:00:00',
    '2026-01-15 12:00:00',
  ])
})

test('open transactions bound by their start less the margin, and a prepared one bounds nothing new', () => {
  const cap = { kind: 'open transactions' } as const
  const at = clock('2026-07-01T12:00:00Z', '2026-07-01T11:00:00Z')
  expect(MARGIN_US).toBe(60_000_000n)
  expect(boundByClock({}, cap, at, 'UTC')).toBe('2026-07-01 10:59:00')
  expect(boundByClock({}, cap, clock('2026-07-01T12:00:00Z'), 'UTC')).toBeUndefined()
})
