/**
 * A reader of run events that shows progress on a terminal: a live picture where lines can be redrawn; where they cannot,
 * one plain line for each finished step, and one now and then for a step that takes long. It writes to the stream it is given
 * (stderr) and knows no other effect.
 */
import { plainLine } from '../errors/plain-text.ts'
import type { RunEvent } from '../model/event.ts'
import { lineStyle, renderLive } from './live.ts'
import { applyEvent, noProgress, type Progress } from './progress.ts'
import { readingText } from './reading-text.ts'
import { type LineStyle, progressLine } from './step-line.ts'

/** The part of a tty stream that is needed; `process.stderr` fits. */
export interface TerminalStream {
  write(text: string): unknown
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
}

export interface TerminalOptions {
  stream: TerminalStream
  /** Whether lines can be redrawn; see `canRedraw`. */
  live: boolean
  colour: boolean
  /** Milliseconds, in the clock of the events. */
  now: () => number
  /** Call `tick` regularly until the returned function is called. Used on a terminal only. */
  startTicker: (everyMs: number, tick: () => void) => () => void
}

export interface TerminalReport {
  onEvent(event: RunEvent): void
  /** Erase the live picture and stop; the run's state so far. Closing twice is fine. */
  close(): Progress
}

const redrawMs = 100
/** Where lines stay, a step that works for long says where it stands no more often than this. */
const PLAIN_EVERY_MS = 30_000
const hideCursor = '\u001b[?25l'
const showCursor = '\u001b[?25h'

/** Whether to use colour: only on a terminal, not with NO_COLOR (any value but empty) and not on a dumb terminal. */
export function wantsColour(stream: TerminalStream, env: Readonly<Record<string, string | undefined>>): boolean {
  return canRedraw(stream, env) && (env['NO_COLOR'] ?? '') === ''
}

/** Whether there is a terminal on which the cursor can be moved. */
export function canRedraw(stream: TerminalStream, env: Readonly<Record<string, string | undefined>>): boolean {
  return stream.isTTY === true && env['TERM'] !== 'dumb'
}

/**
 * Cells of a line: the terminal's width, or undefined where there is none and nothing may be cut. A terminal that does
 * not know its size says 0.
 */
export function lineWidth(stream: TerminalStream): number | undefined {
  if (stream.isTTY !== true) return undefined
  return stream.columns === undefined || stream.columns === 0 ? 80 : stream.columns
}

/** Start showing a run. The picture is erased when the run ends: the summary takes its place. */
export function openTerminalReport(options: TerminalOptions): TerminalReport {
  return options.live ? openLive(options) : openPlain(options)
}

function openLive({ stream, colour, now, startTicker }: TerminalOptions): TerminalReport {
  let progress = noProgress
  let drawn = 0
  let stop: (() => void) | undefined
  const erase = (): string => (drawn === 0 ? '' : `\u001b[${drawn}A\r\u001b[J`)
  const draw = (): void => {
    const height = stream.rows === undefined || stream.rows === 0 ? 24 : stream.rows
    const screen = { width: Math.max(20, (lineWidth(stream) ?? 80) - 1), height, colour }
    const lines = renderLive(progress, now(), screen)
    stream.write(`${erase()}${lines.join('\n')}\n`)
    drawn = lines.length
  }
  const close = (): Progress => {
    if (stop === undefined) return progress
    stop()
    stop = undefined
    stream.write(`${erase()}${showCursor}`)
    drawn = 0
    return progress
  }
  return {
    onEvent(event) {
      progress = applyEvent(progress, event)
      if (event.kind === 'run started' && stop === undefined) {
        stream.write(hideCursor)
        stop = startTicker(redrawMs, draw)
        draw()
      }
      if (event.kind === 'warning') {
        // It stays above the picture.
        stream.write(`${erase()}${warningLine(event)}\n`)
        drawn = 0
        if (stop !== undefined) draw()
      }
      if (event.kind === 'run finished') close()
    },
    close,
  }
}

function warningLine(event: RunEvent & { kind: 'warning' }): string {
  return `warning: ${plainLine(warningText(event))}`
}

/** A warning with the step that it is of. */
export function warningText({ step, text }: RunEvent & { kind: 'warning' }): string {
  return step === undefined ? text : `${step}: ${text}`
}

function openPlain({ stream, colour }: TerminalOptions): TerminalReport {
  let progress = noProgress
  const told = new Map<string, number>()
  const styleNow = (): LineStyle => ({ ...lineStyle(progress, { width: 200, colour }), width: 200 })
  const isDue = (step: string, at: number): boolean => at - (told.get(step) ?? at) >= PLAIN_EVERY_MS
  return {
    onEvent(event) {
      progress = applyEvent(progress, event)
      if (event.kind === 'step started') told.set(event.step, event.at)
      if (event.kind === 'step progress' && isDue(event.step, event.at)) {
        told.set(event.step, event.at)
        const running = progress.steps.get(event.step)?.progress
        if (running !== undefined) stream.write(`${progressLine(event.step, running, undefined, styleNow())}\n`)
      }
      if (event.kind === 'run started') {
        const reading = readingText(event.steps.flatMap(({ estimate }) => estimate ?? []))
        if (reading !== undefined) stream.write(`${reading}\n`)
      }
      if (event.kind === 'step finished') {
        const { step } = event.result
        stream.write(`${progressLine(step, { state: 'finished', result: event.result }, undefined, styleNow())}\n`)
      }
      if (event.kind === 'warning') stream.write(`${warningLine(event)}\n`)
    },
    close: () => progress,
  }
}
