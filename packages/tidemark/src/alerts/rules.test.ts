import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { alertConfig, failingBefore, finishedRun, mail, stepResult } from '../../../../test/support/alerts.ts'
import type { RunStatus, StepStatus } from '../model/event.ts'
import { parseAlertRecord, printAlertRecord } from './record.ts'
import { decideAlerts } from './rules.ts'

const everything = alertConfig([{ on: ['failure', 'recovery'], send: ['hook'] }])

describe('a failure', () => {
  test('is told once for each failed step, with the tables skipped because of it', () => {
    const run = finishedRun([
      stepResult('bronze.DimUser', 'failed'),
      stepResult('bronze.DimTrack', 'failed'),
      stepResult('bronze.DimDate', 'changed'),
      stepResult('silver.DimUser', 'skipped', { blockedBy: ['bronze.DimUser'] }),
      stepResult('gold.mix', 'skipped', { blockedBy: ['bronze.DimUser', 'bronze.DimTrack'] }),
    ])
    expect(
      decideAlerts(run, failingBefore([]), everything).map(one => [one.body.table, one.body.status, one.body.skipped]),
    ).toEqual([
      ['bronze.DimUser', 'failed', ['silver.DimUser', 'gold.mix']],
      ['bronze.DimTrack', 'failed', ['gold.mix']],
    ])
  })

  test('carries the keys existing receivers read, and what they lacked', () => {
    const [record] = decideAlerts(finishedRun([stepResult('bronze.DimUser', 'failed')]), failingBefore([]), everything)
    expect(record).toMatchObject({
      channel: 'hook',
      receiver: null,
      kind: 'failure',
      created: '2026-11-22T12:00:03.000Z',
    })
    expect(record?.subject).toBe('[music prod] bronze.DimUser failed: SOURCE_TABLE_MISSING')
    expect(record?.body).toMatchObject({
      pipeline_name: 'music',
      pipeline_runId: '20261122T120003Z-4f1c2a',
      pipeline_id: '20261122T120003Z-4f1c2a',
      target: 'prod',
      table: 'bronze.DimUser',
      error_code: 'SOURCE_TABLE_MISSING',
      message: 'bronze.DimUser is gone.',
      hint: 'Bring it back.',
      time: '2026-11-22T12:00:03.000Z',
    })
  })

  test('of the run itself is told even when no step failed', () => {
    const problem = { code: 'LIST_UNREACHABLE', title: 'x', message: 'no list', hint: undefined, place: undefined }
    const stopped = decideAlerts(finishedRun([], { status: 'failed', problem }), failingBefore([]), everything)
    expect(stopped.map(one => [one.body.table, one.body.error_code])).toEqual([[null, 'LIST_UNREACHABLE']])
    const died = decideAlerts(finishedRun([], { status: 'abandoned' }), failingBefore([]), everything)
    expect(died.map(one => one.body.error_code)).toEqual(['RUN_ENDED_EARLY'])
  })

  test('is told to each receiver by its own record, and once however many rules name the channel', () => {
    const config = alertConfig([
      { on: ['failure'], send: ['mail', 'hook'] },
      { on: ['failure', 'recovery'], send: ['mail'] },
    ])
    const records = decideAlerts(finishedRun([stepResult('bronze.DimUser', 'failed')]), failingBefore([]), config)
    expect(records.map(one => [one.channel, one.receiver])).toEqual([
      ['mail', 'ann@example.org'],
      ['mail', 'bob@example.org'],
      ['hook', null],
    ])
    expect(new Set(records.map(one => one.id)).size).toBe(3)
  })

  test('has an id and a grouping key that depend on nothing but what it is about', () => {
    const results = [stepResult('bronze.DimUser', 'failed')]
    const first = decideAlerts(finishedRun(results), failingBefore([]), everything)[0]
    const later = decideAlerts(
      finishedRun(results, { finishedAt: Date.UTC(2027, 0, 1) }),
      failingBefore([]),
      everything,
    )[0]
    const next = decideAlerts(finishedRun(results, { runId: 'other' }), failingBefore([]), everything)[0]
    expect(later?.id).toBe(first?.id)
    expect(next?.id).not.toBe(first?.id)
    expect(next?.body.dedupe_key).toBe(first?.body.dedupe_key)
  })
})

describe('a recovery', () => {
  const before = [{ table: 'bronze.DimUser', code: 'SOURCE_TABLE_MISSING' }]

  test('is told when a table that failed before was tried and is well', () => {
    const records = decideAlerts(
      finishedRun([stepResult('bronze.DimUser', 'unchanged')]),
      failingBefore(before),
      everything,
    )
    expect(records.map(one => [one.kind, one.body.table, one.body.status])).toEqual([
      ['recovery', 'bronze.DimUser', 'recovered'],
    ])
  })

  test('is not told for a table that was skipped, failed again or took no part', () => {
    for (const results of [
      [stepResult('bronze.DimUser', 'skipped')],
      [stepResult('bronze.DimUser', 'failed')],
      [stepResult('bronze.DimUser', 'changed'), stepResult('bronze.DimUser', 'failed', { step: 'bronze.DimUser#b' })],
      [stepResult('bronze.DimDate', 'changed')],
    ]) {
      const records = decideAlerts(finishedRun(results), failingBefore(before), everything)
      expect(records.filter(one => one.kind === 'recovery')).toEqual([])
    }
  })

  test('is not told by a rule for failures only', () => {
    const config = alertConfig([{ on: ['failure'], send: ['hook', 'mail'] }])
    expect(decideAlerts(finishedRun([stepResult('bronze.DimUser', 'changed')]), failingBefore(before), config)).toEqual(
      [],
    )
  })
})

describe('properties', () => {
  const status = fc.constantFrom<StepStatus>('changed', 'unchanged', 'failed', 'skipped')
  const table = fc.constantFrom('bronze.a', 'bronze.b', 'silver.a', 'gold.c')
  const results = fc.array(fc.tuple(table, status).map(([name, how]) => stepResult(name, how)))
  const earlier = fc.array(fc.record({ table: fc.option(table), code: fc.constantFrom('A_B', 'C_D') }))

  test('failure alerts never fire on success', () => {
    fc.assert(
      fc.property(results, earlier, (all, failedBefore) => {
        const good = all.filter(one => one.status !== 'failed')
        const records = decideAlerts(finishedRun(good), failingBefore(failedBefore), everything)
        expect(records.filter(one => one.kind === 'failure')).toEqual([])
      }),
    )
  })

  test('a run that is not well always tells somebody', () => {
    fc.assert(
      fc.property(results, fc.constantFrom<RunStatus>('failed', 'abandoned'), (all, ended) => {
        const records = decideAlerts(finishedRun(all, { status: ended }), failingBefore([]), everything)
        expect(records.some(one => one.kind === 'failure')).toBe(true)
      }),
    )
  })

  test('a record read back from the lake is the record', () => {
    fc.assert(
      fc.property(results, earlier, fc.string(), (all, failedBefore, text) => {
        const config = alertConfig([{ on: ['failure', 'recovery'], send: ['mail'] }], [{ ...mail, to: [text] }])
        for (const record of decideAlerts(finishedRun(all, { pipeline: text }), failingBefore(failedBefore), config)) {
          expect(parseAlertRecord(printAlertRecord(record))).toEqual(record)
        }
      }),
    )
  })

  test('bytes that are no record are no record', () => {
    expect(parseAlertRecord(new TextEncoder().encode('{"id":"x"}'))).toBeUndefined()
    expect(parseAlertRecord(new TextEncoder().encode('torn'))).toBeUndefined()
  })
})
