import { expect, test } from 'vitest'
import { finishedRun, stepResult } from '../../../../test/support/alerts.ts'
import type { StepResult } from '../model/event.ts'
import type { WholeReading } from '../model/plan.ts'
import type { RunEnd } from './facts.ts'
import { costOf } from './pace.ts'

const MB = 1_000_000n

/** An ended run whose steps read tables whole. */
function runOf(...steps: StepResult[]): RunEnd {
  const { runId, target, status } = finishedRun(steps)
  return { runId, target, status, startedAt: 0, endedAt: 0, steps }
}

function read(table: string, whole: WholeReading, durationMs: number, name = 'app'): StepResult {
  const source = { name, guarantee: 'A', method: 'first full load', position: '7', whole }
  return stepResult(table, 'changed', { source, durationMs })
}

const wanted = { table: 'bronze.big', source: 'app', reading: 'load', bytes: 400n * MB } as const

test('what nobody has measured is estimated at a usual pace, and said to be', () => {
  expect(costOf(wanted, [])).toEqual({ reading: 'load', bytes: 400n * MB, durationMs: 20_000, pace: 'assumed' })
})

test('the last reading of the table itself counts most, scaled to the size it has now', () => {
  const newest = runOf(read('bronze.big', { reading: 'load', bytes: 100n * MB }, 3000))
  const older = runOf(read('bronze.big', { reading: 'load', bytes: 100n * MB }, 90_000))
  const others = runOf(read('bronze.other', { reading: 'load', bytes: 100n * MB }, 1000))
  expect(costOf(wanted, [others, newest, older])).toMatchObject({ durationMs: 12_000, pace: 'this table' })
})

test('else the loads of the same source count together, but those that were over at once', () => {
  const runs = [
    runOf(
      read('bronze.a', { reading: 'load', bytes: 100n * MB }, 4000),
      read('bronze.b', { reading: 'load', bytes: 300n * MB }, 4000),
      read('bronze.tiny', { reading: 'load', bytes: 1000n }, 60_000),
      read('bronze.elsewhere', { reading: 'load', bytes: 100n * MB }, 500_000, 'other'),
      read('bronze.compared', { reading: 'compare', bytes: 100n * MB }, 500_000),
      stepResult('bronze.failed', 'failed', { durationMs: 500_000 }),
    ),
  ]
  expect(costOf(wanted, runs)).toMatchObject({ durationMs: 8000, pace: 'this source' })
})

test('a scan is only told by a scan of its own table: others may have found more, or less', () => {
  const scan = { ...wanted, reading: 'scan' } as const
  const other = read('bronze.a', { reading: 'scan', bytes: 100n * MB }, 4000)
  expect(costOf(scan, [runOf(other)])).toMatchObject({ durationMs: undefined, pace: undefined })
  const own = read('bronze.big', { reading: 'scan', bytes: 100n * MB }, 1000)
  expect(costOf(scan, [runOf(other, own)])).toMatchObject({ durationMs: 4000, pace: 'this table' })
})
