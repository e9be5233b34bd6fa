/** What a plan says of a table before its first load. */
import { expect, test } from 'vitest'
import type { ResolvedTable } from '../ingest/resolve.ts'
import { planTable } from './table-plan.ts'

const table = {
  name: 'bronze.big',
  guarantee: 'A',
  method: 'xmin scan',
  notes: [],
  keys: ['id'],
  settings: '',
  reading: { kind: 'row versions' },
  table: { sizeBytes: 10n, rowEstimate: undefined, fingerprint: '', isProvedByOrder: true },
} as unknown as ResolvedTable
const position = {
  identity: 'a',
  order: 1n,
  rowVersions: undefined,
  log: 1n,
  asOf: '2026-11-26T10:00:00.000000Z',
  openTransactions: 0,
}
const nothing = { version: undefined, mark: undefined, observed: undefined, fitted: undefined, problem: undefined }

test('a load that an earlier run has begun is told, with how far it is', () => {
  const begun = { asOf: '2026-11-26T09:00:00.000000Z', done: 7, of: 12 }
  expect(planTable(table, { ...nothing, begun }, { position }, { count: undefined, now: 0 }).notes).toEqual([
    'a load begun 2026-11-26T09:00:00.000000Z is continued, 7 of its 12 parts are read; anew if the table has changed since',
  ])
  expect(planTable(table, nothing, { position }, { count: undefined, now: 0 }).notes).toEqual([])
})
