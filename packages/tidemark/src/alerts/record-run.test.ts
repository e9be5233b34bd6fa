/** Promises about failures that go on, told by a clock of the test: how often, to whom, and when it is over. */
import { describe, expect, test } from 'vitest'
import { alertConfig, finishedRun, hook, mail, runEnd, stepResult } from '../../../../test/support/alerts.ts'
import { type MemoryStore, memoryStore, steppingClock } from '../../../../test/support/memory.ts'
import type { ProblemFact, RunStatus, StepResult } from '../model/event.ts'
import type { AlertConfig, AlertRule } from '../model/project.ts'
import { writeRunEnd } from '../run/facts.ts'
import { ALERT_RECEIVER_REMOVED } from '../errors/alert.ts'
import { deliverPending } from './deliver.ts'
import { lakeOutbox } from './outbox.ts'
import type { AlertRecord } from './record.ts'
import { recordRunAlerts } from './record-run.ts'

const hour = 3_600_000

interface Lake {
  store: MemoryStore
  /** A run that ends so many hours after the first, and the alerts it gave rise to. */
  run(
    hours: number,
    results: readonly StepResult[],
    more?: { status?: RunStatus; problem?: ProblemFact },
  ): Promise<AlertRecord[]>
}

function openLake(config: AlertConfig): Lake {
  const store = memoryStore()
  let runs = 0
  return {
    store,
    async run(hours, results, more = {}) {
      runs += 1
      const known = new Set((await lakeOutbox(store).listPending()).map(({ id }) => id))
      const { finishedAt: endedAt, ...run } = finishedRun(results, { finishedAt: runEnd + hours * hour, ...more })
      const { status, target, problem } = run
      const end = {
        runId: `run-${String(runs).padStart(3, '0')}`,
        status,
        startedAt: endedAt,
        endedAt,
        target,
        problem,
        steps: results,
      }
      await recordRunAlerts({ store, config, pipeline: 'music', redact: text => text }, end)
      await writeRunEnd(store, end)
      return (await lakeOutbox(store).listPending()).filter(({ id }) => !known.has(id))
    },
  }
}

const rule = (repeatAfter: number | undefined, more: Partial<AlertRule> = {}): Omit<AlertRule, 'place'> => ({
  on: ['failure', 'recovery'],
  send: ['hook'],
  repeatAfterMs: repeatAfter,
  ...more,
})
const failed = (code = 'SOURCE_TABLE_MISSING'): StepResult[] => [
  stepResult('bronze.a', 'failed', { problem: { code, title: 't', message: 'm', hint: undefined, place: undefined } }),
]
const well = [stepResult('bronze.a', 'changed')]

describe('a failure that goes on', () => {
  test('through a week of hourly runs is told at once, again after each interval, and once when it is over', async () => {
    const lake = openLake(alertConfig([rule(24 * hour)]))
    const told: [number, string, string | null][] = []
    for (let i = 0; i < 7 * 24; i += 1) {
      for (const { kind, body } of await lake.run(i, i >= 5 && i < 100 ? failed() : well)) {
        told.push([i, kind, body.failing_since])
      }
    }
    const since = '2026-11-22T17:00:03.000Z'
    expect(told).toEqual([
      [5, 'failure', since],
      [29, 'failure', since],
      [53, 'failure', since],
      [77, 'failure', since],
      [100, 'recovery', since],
    ])
  })

  test('is told by every run where no rule says how often', async () => {
    const lake = openLake(alertConfig([rule(undefined)]))
    for (const i of [0, 1, 2]) expect(await lake.run(i, failed())).toHaveLength(1)
  })

  test('and becomes another one is told at once', async () => {
    const lake = openLake(alertConfig([rule(24 * hour)]))
    expect(await lake.run(0, failed('A_B'))).toHaveLength(1)
    expect(await lake.run(1, failed('C_D'))).toHaveLength(1)
    expect(await lake.run(2, failed('A_B'))).toHaveLength(1)
    expect(await lake.run(3, failed('A_B'))).toEqual([])
  })

  test('and comes back after it was over is told at once', async () => {
    const lake = openLake(alertConfig([rule(24 * hour, { on: ['failure'] })]))
    expect(await lake.run(0, failed())).toHaveLength(1)
    expect(await lake.run(1, well)).toEqual([])
    const again = await lake.run(2, failed())
    expect(again.map(({ body }) => body.failing_since)).toEqual(['2026-11-22T14:00:03.000Z'])
  })

  test('is not taken for over by a run that was stopped or left the table out', async () => {
    const lake = openLake(alertConfig([rule(24 * hour)]))
    expect(await lake.run(0, failed())).toHaveLength(1)
    expect(await lake.run(1, [stepResult('bronze.a', 'skipped')], { status: 'cancelled' })).toEqual([])
    expect(await lake.run(2, [stepResult('bronze.b', 'changed')])).toEqual([])
    expect(await lake.run(3, failed())).toEqual([])
    expect((await lake.run(4, well)).map(({ kind }) => kind)).toEqual(['recovery'])
  })

  test('of the run as a whole is repeated and recovers in the same way, also across a run that was stopped', async () => {
    const lake = openLake(alertConfig([rule(24 * hour)]))
    const problem = { code: 'LIST_UNREACHABLE', title: 'x', message: 'no list', hint: undefined, place: undefined }
    const broken = { status: 'failed', problem } as const
    expect(await lake.run(0, [], broken)).toHaveLength(1)
    expect(await lake.run(1, [], broken)).toEqual([])
    expect(await lake.run(2, [], { status: 'cancelled' })).toEqual([])
    expect(await lake.run(25, [], broken)).toHaveLength(1)
    expect((await lake.run(26, well)).map(({ kind, body }) => [kind, body.table])).toEqual([['recovery', null]])
  })

  test('is told to each receiver by its own rule', async () => {
    const rules = [
      rule(2 * hour, { send: ['hook'] }),
      rule(24 * hour, { send: ['mail'] }),
      rule(3 * hour, { send: ['mail'] }),
    ]
    const lake = openLake(alertConfig(rules, [hook, { ...mail, to: ['ann@example.org'] }]))
    const told: string[][] = []
    for (const i of [0, 1, 2, 3, 4]) told.push((await lake.run(i, failed())).map(({ channel }) => channel).toSorted())
    expect(told).toEqual([['hook', 'mail'], [], ['hook'], ['mail'], ['hook']])
  })

  test('is told although a clock once ran ahead', async () => {
    const lake = openLake(alertConfig([rule(24 * hour)]))
    expect(await lake.run(9000, failed())).toHaveLength(1)
    expect(await lake.run(0, failed())).toHaveLength(1)
    expect(await lake.run(1, failed())).toEqual([])
  })

  test('whose alert was given up is told by the next run, whatever the interval', async () => {
    const lake = openLake(alertConfig([rule(1000 * hour)]))
    expect(await lake.run(0, failed())).toHaveLength(1)
    const gone = { name: 'hook', send: () => Promise.reject(ALERT_RECEIVER_REMOVED({ channel: 'hook' })) }
    const [clock, signal] = [steppingClock(runEnd), new AbortController().signal]
    await deliverPending({ outbox: lakeOutbox(lake.store), channels: [gone], clock, signal, redact: text => text })
    expect(await lake.run(1, failed())).toHaveLength(1)
    expect(await lake.run(2, failed())).toEqual([])
  })
})

test('a crash between an alert and the note that it was told tells again, and a crash before both loses nothing', async () => {
  for (const at of ['alerts/', 'told/']) {
    const config = alertConfig([rule(24 * hour)])
    let crash = true
    const store = memoryStore(path => {
      if (crash && path.startsWith(`system/${at}`)) throw new Error('power cut')
    })
    const end = {
      runId: 'run-1',
      status: 'failed' as const,
      startedAt: runEnd,
      endedAt: runEnd,
      target: 'prod',
      steps: failed(),
    }
    const recording = { store, config, pipeline: 'music', redact: (text: string) => text }
    await expect(recordRunAlerts(recording, end)).rejects.toThrow('power cut')
    crash = false
    await recordRunAlerts(recording, { ...end, runId: 'run-2', endedAt: runEnd + hour })
    expect((await lakeOutbox(store).listPending()).at(-1)?.body.pipeline_runId).toBe('run-2')
  }
})
