import { expect, test } from 'vitest'
import { parseInterval, retentionOf } from './retention.ts'

const HOUR_MS = 60 * 60 * 1000

test.each([
  ['interval 7 days', 7 * 24 * HOUR_MS],
  ['interval 1 week', 7 * 24 * HOUR_MS],
  ['INTERVAL 1 DAY 2 HOURS', 26 * HOUR_MS],
  ['168 hours', 168 * HOUR_MS],
  ['interval 0 seconds', 0],
])('%s is read', (text, ms) => {
  expect(parseInterval(text)).toBe(ms)
})

test.each(['', 'interval', '7', 'interval 1 month', 'interval -1 days', 'interval 1.5 days', 'interval days 1'])(
  '%s is not guessed',
  text => {
    expect(parseInterval(text)).toBeUndefined()
  },
)

test('the protocol has defaults, and a setting that is not understood stops what would delete by it', () => {
  expect(retentionOf('t', {})).toEqual({ filesMs: 7 * 24 * HOUR_MS, logMs: 30 * 24 * HOUR_MS })
  expect(retentionOf('t', { 'delta.deletedFileRetentionDuration': 'interval 2 hours' }).filesMs).toBe(2 * HOUR_MS)
  expect(() => retentionOf('t', { 'delta.logRetentionDuration': 'a while' })).toThrow(
    expect.objectContaining({ code: 'WRITE_REFUSED' }),
  )
})
