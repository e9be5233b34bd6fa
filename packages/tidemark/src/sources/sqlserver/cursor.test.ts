import { expect, test } from 'vitest'
import { boundByClock, type CursorClock } from './cursor.ts'

const us = (iso: string): bigint => BigInt(Date.parse(iso)) * 1000n
const clock = (now: string, open?: string): CursorClock => ({
  nowUs: us(now),
  openSinceUs: open === undefined ? undefined : us(open),
  openTransactions: 0,
  aheadOfUtc: 7200,
  hidden: undefined,
})
const lag = { kind: 'lag', ms: 0 } as const
const open = { kind: 'open transactions' } as const

test('a bound lies below what a smalldatetime makes of the instant, in the zone of the source', () => {
  const at = clock('2026-07-01T12:00:31Z')
  expect(boundByClock({ local: true }, lag, at, 'Europe/Berlin')).toBe('2026-07-01 13:59:00')
  expect(boundByClock({}, lag, at, 'Europe/Berlin')).toBe('2026-07-01 11:59:00')
})

test('a time without a zone is bounded by the clock of the server, too, where that is behind', () => {
  const at = { ...clock('2026-07-01T12:00:31Z'), aheadOfUtc: -5 * 3600 }
  expect(boundByClock({ local: true }, lag, at, 'UTC')).toBe('2026-07-01 06:59:00')
})

test('open transactions bound by their start less the margin, and a prepared one bounds nothing new', () => {
  const column = { local: true } as const
  const at = clock('2026-07-01T12:00:00Z', '2026-07-01T11:00:00Z')
  expect(boundByClock(column, open, at, 'UTC')).toBe('2026-07-01 10:58:00')
  expect(boundByClock(column, open, clock('2026-07-01T12:00:00Z'), 'UTC')).toBeUndefined()
})
