/** The events of one small run, for tests of its readers. */
import type { RunEvent, StepResult } from '../../packages/tidemark/src/model/event.ts'
import { runEnd, stepResult } from './alerts.ts'

export const runStart: number = runEnd - 3000
const runId = '20261122T120003Z-4f1c2a'

export const userResult: StepResult = stepResult('bronze.DimUser', 'changed', {
  ledger: { kind: 'extract', read: 570n, inserted: 500n, duplicate: 70n, deletes: 2n },
  versionBefore: 4n,
  versionAfter: 9007199254740993n,
  asOf: '2026-11-22T12:00:01Z',
  source: { name: 'app', guarantee: 'A', method: 'xmin scan', position: '7' },
})

export const silverResult: StepResult = stepResult('silver.DimUser', 'changed', {
  kind: 'silver',
  ledger: {
    kind: 'silver',
    read: 500n,
    inserted: 400n,
    updated: 90n,
    superseded: 0n,
    duplicate: 0n,
    deleted: 7n,
    filtered: 0n,
    quarantined: 3n,
    staleByRule: 1n,
    warned: 0n,
  },
  durationMs: 64_000,
  warnings: ['rule valid_id rejected 3 rows'],
})

/** Everything went well, but for three rejected rows. */
export const goodRun: readonly RunEvent[] = [
  {
    kind: 'run started',
    runId,
    at: runStart,
    target: 'prod',
    steps: [
      { id: 'bronze.DimUser', kind: 'extract', planned: 'A  xmin scan 41 MB  at most 570 rows' },
      { id: 'silver.DimUser', kind: 'silver', planned: 'known after bronze.DimUser' },
    ],
  },
  { kind: 'step started', runId, at: runStart, step: 'bronze.DimUser' },
  { kind: 'step waiting', runId, at: runStart, step: 'silver.DimUser', for: 'bronze.DimUser' },
  {
    kind: 'step progress',
    runId,
    at: runStart + 1000,
    step: 'bronze.DimUser',
    rows: 4300n,
    bytes: 100n,
    phase: 'reading',
  },
  { kind: 'step finished', runId, at: runStart + 2000, result: userResult },
  { kind: 'step finished', runId, at: runEnd, result: silverResult },
  { kind: 'run finished', runId, at: runEnd, status: 'succeeded', results: [userResult, silverResult] },
]

/** A run in which these results came about. */
export function finishedWith(...results: StepResult[]): Extract<RunEvent, { kind: 'run finished' }> {
  const status = results.some(one => one.status === 'failed') ? 'failed' : 'succeeded'
  return { kind: 'run finished', runId, at: runEnd, status, results }
}
