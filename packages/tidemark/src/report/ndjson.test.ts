import { expect, test } from 'vitest'
import { goodRun } from '../../../../test/support/events.ts'
import { printJson } from './json.ts'
import { printEvent } from './ndjson.ts'

test('every event is one line of JSON whose keys are all there', () => {
  const lines = goodRun.map(printEvent)
  expect(lines.every(line => line.indexOf('\n') === line.length - 1)).toBe(true)
  const finished = JSON.parse(lines[4] ?? '') as Record<string, unknown>
  expect(finished).toEqual({
    kind: 'step finished',
    runId: '20261122T120003Z-4f1c2a',
    at: '2026-11-22T12:00:02.000Z',
    result: {
      step: 'bronze.DimUser',
      kind: 'extract',
      table: 'bronze.DimUser',
      status: 'changed',
      ledger: { kind: 'extract', read: '570', inserted: '500', duplicate: '70', deletes: '2' },
      versionBefore: '4',
      versionAfter: '9007199254740993',
      startedAt: '2026-11-22T12:00:02.000Z',
      durationMs: 1000,
      reason: null,
      blockedBy: [],
      problem: null,
      asOf: '2026-11-22T12:00:01Z',
      source: { name: 'app', guarantee: 'A', method: 'xmin scan', position: '7', whole: null },
      warnings: [],
    },
  })
})

test('what has no form in JSON is refused, not dropped', () => {
  expect(() => printJson({ a: new Map() })).toThrow(TypeError)
  expect(() => printJson({ a: () => 1 })).toThrow(TypeError)
  expect(printJson({ a: undefined, b: [1n, null] })).toBe('{"a":null,"b":["1",null]}')
})
