/** Lines of a small run as the product prints them, for docs/reference/events.md. */
import type { RunEvent, StepResult } from '../../packages/tidemark/src/model/event.ts'
import { printEvent } from '../../packages/tidemark/src/report/ndjson.ts'

const runId = '20261122T120000Z-4f1c2a'
const at = Date.UTC(2026, 10, 22, 12)
const step = 'bronze.DimUser'

const result: StepResult = {
  step,
  kind: 'extract',
  table: step,
  status: 'changed',
  ledger: { kind: 'extract', read: 70n, inserted: 50n, duplicate: 20n, deletes: 0n },
  versionBefore: 3n,
  versionAfter: 4n,
  startedAt: at + 10,
  durationMs: 480,
  reason: undefined,
  problem: undefined,
  asOf: '2026-11-22T12:00:00.002113Z',
  source: { name: 'app', guarantee: 'A', method: 'xmin scan', position: '1048' },
  warnings: [],
}

const events: readonly RunEvent[] = [
  { kind: 'run started', runId, at, target: 'dev', steps: [{ id: step, kind: 'extract' }] },
  { kind: 'step progress', runId, at: at + 200, step, rows: 70n, bytes: 5120n, phase: 'reading' },
  { kind: 'step finished', runId, at: at + 490, result },
]

export const eventSamples: readonly string[] = events.map(printEvent)
