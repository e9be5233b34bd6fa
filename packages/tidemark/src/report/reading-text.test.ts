import { expect, test } from 'vitest'
import type { Estimate, PlanStep } from '../model/plan.ts'
import { expectationText, renderPlan } from './plan-lines.ts'
import { readingText } from './reading-text.ts'

const of = (seconds: number, pace: Estimate['pace'] = 'this source'): Estimate => ({
  rows: 1n,
  bytes: 600n * 1024n * 1024n,
  durationMs: seconds * 1000,
  pace,
})

test('a run that reads whole tables says how much, how long, and what is only assumed', () => {
  expect(readingText([of(33)])).toBe('1 table is read whole: 600 MB, about 35 s')
  expect(readingText([of(300), of(4200, 'assumed')])).toBe(
    '2 tables are read whole: 1.2 GB, about 1 h 15 min one after the other; 20 MB/s is assumed where no earlier run has measured it',
  )
})

test('nothing is said of what is over at once, or of what nobody can tell', () => {
  expect(readingText([])).toBeUndefined()
  expect(readingText([of(2), of(1)])).toBeUndefined()
  expect(readingText([{ ...of(1), durationMs: undefined, pace: undefined }])).toBeUndefined()
})

test('a plan says it of each table and of all', () => {
  const expect_ = { kind: 'whole table', rowEstimate: 1_500_000n, reading: 'load', ...of(240) } as const
  expect(expectationText(expect_)).toBe('reads all rows, about 1,500,000, about 4 min')
  const step: PlanStep = {
    id: 'bronze.big',
    kind: 'extract',
    table: 'bronze.big',
    guarantee: 'A',
    method: 'xmin scan 600 MB',
    expect: expect_,
    needs: [],
    notes: [],
  }
  const text = renderPlan({ steps: [step], unfilled: [] }, { width: undefined, notes: true })
  expect(text).toContain('\n1 table is read whole: 600 MB, about 4 min\n')
})
