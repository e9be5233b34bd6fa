import { describe, expect, test } from 'vitest'
import { stepResult } from '../../../../test/support/alerts.ts'
import { goodRun, runStart } from '../../../../test/support/events.ts'
import type { PhaseProgress, RunEvent } from '../model/event.ts'
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
      'bronze.DimUser  running    reading, 4,300 rows',
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

describe('a step that reads for long', () => {
  const at = (ms: number, rows: bigint, more: Partial<PhaseProgress> = {}): RunEvent => ({
    kind: 'step progress',
    runId: 'r',
    at: runStart + ms,
    step: 'bronze.DimUser',
    rows,
    bytes: 0n,
    phase: 'reading',
    ...more,
  })
  const lineAfter = (...events: RunEvent[]): string =>
    renderLive([...goodRun.slice(0, 3), ...events].reduce(applyEvent, noProgress), runStart, {
      ...screen,
      width: 200,
    })[0] ?? ''

  test('draws how far it is, when it will be done, and at which rate', () => {
    const expectedRows = 10_000n
    expect(lineAfter(at(0, 0n, { expectedRows }), at(3000, 6200n, { expectedRows }))).toBe(
      'bronze.DimUser  running    reading ██████░░░░ 62 %, about 5 s left, 6,200 of about 10,000 rows, 2,066 rows/s',
    )
  })

  test('never says 100 % before it is done, however wrong the estimate is', () => {
    const expectedRows = 1000n
    const parts = { done: 1, of: 2 }
    const line = lineAfter(at(0, 0n, { expectedRows, parts }), at(9000, 5000n, { expectedRows, parts }))
    expect(line).toContain('reading █████████░ 99 %, 5,000 rows, 555 rows/s, 1 of 2 parts done')
  })

  test('counts rows of an earlier run as done, and not in its rate', () => {
    const more = { expectedRows: 10_000n, parts: { done: 5, of: 10 } }
    expect(lineAfter(at(0, 5000n, more), at(10_000, 6000n, more))).toContain(
      '60 %, about 40 s left, 6,000 of about 10,000 rows, 100 rows/s, 5 of 10 parts done',
    )
  })

  test('says where it stands now and then where lines cannot be redrawn, without a bar', () => {
    const { report, written } = open({})
    for (const event of goodRun.slice(0, 3)) report.onEvent(event)
    for (let s = 0; s <= 65; s += 5) report.onEvent(at(s * 1000, BigInt(s) * 100n, { expectedRows: 10_000n }))
    expect(written).toEqual([
      'bronze.DimUser  running    reading 30 %, about 1 min left, 3,000 of about 10,000 rows, 100 rows/s\n',
      'bronze.DimUser  running    reading 60 %, about 40 s left, 6,000 of about 10,000 rows, 100 rows/s\n',
    ])
  })
})

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

  test('keeps each warning above the picture, which begins anew below it', () => {
    const { report, written } = open({ isTTY: true })
    for (const event of goodRun.slice(0, 3)) report.onEvent(event)
    report.onEvent({ kind: 'warning', runId: 'r', at: 0, step: 'bronze.DimUser', text: 'low\ndisk' })
    const [warned, picture] = written.slice(-2)
    expect(warned).toBe('\u001b[3A\r\u001b[Jwarning: bronze.DimUser: low disk\n')
    expect(picture).toMatch(/^bronze\.DimUser /)
    report.close()
    expect(written.at(-1)).toBe('\u001b[3A\r\u001b[J\u001b[?25h')
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
