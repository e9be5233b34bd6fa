import { describe, expect, test } from 'vitest'
import { stepResult } from '../../../../test/support/alerts.ts'
import { goodRun, runStart } from '../../../../test/support/events.ts'
import type { RunEvent } from '../model/event.ts'
import { renderLive } from './live.ts'
import { applyEvent, noProgress, type Progress } from './progress.ts'
import { openTerminalReport, type TerminalReport, type TerminalStream, wantsColour } from './terminal.ts'

const screen = { width: 80, height: 24, colour: false }
const after = (count: number): Progress => goodRun.slice(0, count).reduce(applyEvent, noProgress)

describe('the live picture', () => {
  test('starts as the plan and ticks its lines off', () => {
    expect(renderLive(after(1), runStart, screen)).toEqual([
      'bronze.DimUser             A  xmin scan 41 MB  at most 570 rows',
      'silver.DimUser             known after bronze.DimUser',
      '0 of 2 steps done  0.0 s',
    ])
    expect(renderLive(after(4), runStart + 1500, screen)).toEqual([
      'bronze.DimUser  running    reading, 4,300 rows, 4,300 rows/s',
      'silver.DimUser  waiting    for bronze.DimUser',
      '0 of 2 steps done  1.5 s',
    ])
    expect(renderLive(after(5), runStart + 2000, screen)[0]).toBe(
      'bronze.DimUser  done       read 570 = inserted 500 + duplicate 70; deletes 2  1…',
    )
  })

  test('never has more lines than the terminal and shows what matters first', () => {
    const steps = Array.from({ length: 1000 }, (_, i) => ({ id: `bronze.t${i}`, kind: 'extract' as const }))
    const events: RunEvent[] = [
      { kind: 'run started', runId: 'r', at: 0, target: 'dev', steps },
      { kind: 'step finished', runId: 'r', at: 0, result: stepResult('bronze.t1', 'changed') },
      { kind: 'step finished', runId: 'r', at: 0, result: stepResult('bronze.t5', 'failed') },
      { kind: 'step started', runId: 'r', at: 0, step: 'bronze.t900' },
    ]
    const lines = renderLive(events.reduce(applyEvent, noProgress), 0, { ...screen, height: 6 })
    expect(lines.map(line => line.split(/\s+/).slice(0, 2).join(' '))).toEqual([
      'bronze.t0',
      'bronze.t5 failed',
      'bronze.t900 running',
      '… 997',
      '2 of',
    ])
  })

  test('counts the rate of a phase from its own beginning', () => {
    const more: RunEvent = {
      kind: 'step progress',
      runId: 'r',
      at: runStart + 9000,
      step: 'bronze.DimUser',
      rows: 10n,
      bytes: 0n,
      phase: 'writing',
    }
    expect(renderLive(applyEvent(after(4), more), runStart + 9000, screen)[0]).toBe(
      'bronze.DimUser  running    writing, 10 rows',
    )
  })
})

interface Fake {
  report: TerminalReport
  written: string[]
  tick: () => void
  ticking: () => boolean
}

function open(stream: Partial<TerminalStream>): Fake {
  const written: string[] = []
  let tick: (() => void) | undefined
  const report = openTerminalReport({
    stream: { columns: 80, rows: 24, ...stream, write: text => written.push(text) },
    live: stream.isTTY === true,
    colour: false,
    now: () => runStart,
    startTicker(_everyMs, draw) {
      tick = draw
      return () => {
        tick = undefined
      }
    },
  })
  return { report, written, tick: () => tick?.(), ticking: () => tick !== undefined }
}

describe('a terminal', () => {
  test('is redrawn in place, and is left clean with its cursor when the run ends', () => {
    const { report, written, tick, ticking } = open({ isTTY: true })
    for (const event of goodRun.slice(0, -1)) report.onEvent(event)
    tick()
    expect(written.at(-1)).toMatch(/^\u001b\[3A\r\u001b\[Jbronze\.DimUser {2}done/)
    for (const event of goodRun.slice(-1)) report.onEvent(event)
    expect(written.at(-1)).toBe('\u001b[3A\r\u001b[J\u001b[?25h')
    expect(ticking()).toBe(false)
    const before = written.length
    expect(report.close().finished?.status).toBe('succeeded')
    expect(written).toHaveLength(before)
  })

  test('gets its cursor back when the run is broken off', () => {
    const { report, written, ticking } = open({ isTTY: true })
    for (const event of goodRun.slice(0, 3)) report.onEvent(event)
    report.close()
    expect(written.at(-1)).toContain('\u001b[?25h')
    expect(ticking()).toBe(false)
  })

  test('that is a pipe gets one plain line for each finished step', () => {
    const { report, written } = open({})
    for (const event of goodRun) report.onEvent(event)
    report.onEvent({ kind: 'warning', runId: 'r', at: 0, step: undefined, text: 'low\ndisk' })
    expect(written).toEqual([
      'bronze.DimUser  done       read 570 = inserted 500 + duplicate 70; deletes 2  1.0 s\n',
      expect.stringMatching(/^silver\.DimUser {2}done {7}read 500 = .*\n$/),
      'warning: low disk\n',
    ])
  })

  test('has colour only on a terminal that did not refuse it', () => {
    const tty = { write: () => true, isTTY: true }
    expect(wantsColour(tty, {})).toBe(true)
    expect(wantsColour(tty, { NO_COLOR: '1' })).toBe(false)
    expect(wantsColour(tty, { NO_COLOR: '' })).toBe(true)
    expect(wantsColour(tty, { TERM: 'dumb' })).toBe(false)
    expect(wantsColour({ write: () => true }, {})).toBe(false)
  })
})
