/** When the next full pass of a table is due, and how it reads. */
import { expect, test } from 'vitest'
import type { Position } from '../sources/position.ts'
import { duePass, keepPass } from './full-pass.ts'
import type { Reading } from './guarantee.ts'
import type { Mark } from './mark.ts'

const HOUR = 3_600_000
const reading = (fullPassMs?: number): Reading => ({
  kind: 'cursor',
  column: 'changed_at',
  cap: { kind: 'lag', ms: HOUR },
  nulls: 'error',
  ...(fullPassMs === undefined ? {} : { fullPassMs }),
})

const at = (asOf: string): Position => ({
  identity: 'server',
  order: 20n,
  rowVersions: { horizon: 19n, next: 20n, maxAge: undefined },
  log: 0n,
  asOf: `2026-01-10T${asOf}:00.000000Z`,
  openTransactions: 0,
})

const mark: Mark = {
  identity: 'server',
  rowVersions: { horizon: 12n, next: 15n },
  cursor: { column: 'changed_at', from: '2026-01-10 05:00' },
  fullPass: { horizon: 7n, asOf: at('06:00').asOf },
  listed: undefined,
  order: 15n,
  log: 0n,
  asOf: at('08:00').asOf,
  seq: 15n,
  seqBase: 0n,
  fingerprint: '',
  settings: '',
  keys: ['id'],
  liveRows: 1n,
  version: 3n,
  runId: 'r',
  backfills: [],
  content: undefined,
}
const sinceLast = { slice: { kind: 'since', horizon: 7n } }

test('a pass is due once its interval has passed, and reads what was written since the last one', () => {
  expect(duePass(reading(4 * HOUR), mark, at('09:59'))).toBeUndefined()
  expect(duePass(reading(4 * HOUR), mark, at('10:00'))).toEqual(sinceLast)
})

test('where rows carry no versions a pass that is due compares every row', () => {
  const uncounted = { ...mark, fullPass: { horizon: undefined, asOf: at('06:00').asOf } }
  expect(duePass(reading(4 * HOUR), uncounted, at('10:00'))).toEqual({ reason: 'its full pass is due' })
})

test('a clock that was set back puts no pass off: it is made at once', () => {
  expect(duePass(reading(4 * HOUR), mark, at('05:59'))).toEqual(sinceLast)
})

test('passes that are given up end with one more, so that what the last runs could not see is found', () => {
  expect(duePass(reading(), mark, at('08:30'))).toEqual(sinceLast)
  const table = { hasRowVersion: true }
  const made = { asOf: at('08:30').asOf, versions: at('08:30').rowVersions }
  const kept = keepPass({ reading: reading(), table }, made, { isPass: true, before: mark })
  expect(duePass(reading(), { ...mark, fullPass: kept }, at('09:00'))).toBeUndefined()
})

test('a table that never had passes, or is read by row versions, has none that is due', () => {
  expect(duePass(reading(), { ...mark, fullPass: undefined }, at('23:00'))).toBeUndefined()
  expect(duePass({ kind: 'row versions' }, mark, at('23:00'))).toBeUndefined()
})
