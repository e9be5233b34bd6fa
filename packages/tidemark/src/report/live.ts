/** The live picture of a run: the plan's lines, ticked off, never more of them than the terminal has. Pure. */
import { textWidth, truncateToWidth } from '../errors/text-width.ts'
import { durationText, plural } from './numbers.ts'
import type { Progress } from './progress.ts'
import { type LineStyle, progressLine } from './step-line.ts'

export interface Screen {
  width: number
  height: number
  colour: boolean
}

/**
 * The lines to show now, at most `height - 1`. When there are more steps than lines, those under way and those that
 * failed are shown first, and a last line counts the others.
 *
 * @param now the clock the events were stamped with, in milliseconds
 */
export function renderLive(progress: Progress, now: number, screen: Screen): string[] {
  const all = [...progress.steps.values()]
  const room = Math.max(1, screen.height - 2)
  const shown = all.length <= room ? all : mostUrgent(all, room - 1)
  const style = { ...lineStyle(progress, screen), bar: true }
  const lines = shown.map(({ announced, progress: step }) => progressLine(announced.id, step, announced.planned, style))
  if (shown.length < all.length) lines.push(truncateToWidth(hiddenText(all, shown), screen.width))
  const done = all.filter(one => one.progress.state === 'finished').length
  const elapsed = durationText(Math.max(0, now - progress.startedAt))
  lines.push(truncateToWidth(`${done} of ${plural(all.length, 'step')} done  ${elapsed}`, screen.width))
  return lines
}

/** Widths that fit the names of the run's steps; the name column takes at most half of a line. */
export function lineStyle(progress: Progress, screen: Pick<Screen, 'width' | 'colour'>): LineStyle {
  const longest = Math.max(8, ...[...progress.steps.keys()].map(textWidth))
  return { colour: screen.colour, width: screen.width, nameWidth: Math.min(longest, Math.floor(screen.width / 2)) }
}

type Shown = { progress: { state: string; result?: { status: string } } }

function urgency({ progress }: Shown): number {
  if (progress.state === 'running') return 0
  if (progress.result?.status === 'failed') return 1
  if (progress.state === 'waiting') return 2
  return progress.state === 'pending' ? 3 : 4
}

/** The `room` most urgent steps, in the order of the plan. */
function mostUrgent<S extends Shown>(all: readonly S[], room: number): S[] {
  const ranked = all.map((one, i) => ({ one, i })).sort((a, b) => urgency(a.one) - urgency(b.one) || a.i - b.i)
  const chosen = new Set(ranked.slice(0, Math.max(0, room)).map(({ one }) => one))
  return all.filter(one => chosen.has(one))
}

function hiddenText(all: readonly Shown[], shown: readonly Shown[]): string {
  const hidden = all.filter(one => !shown.includes(one))
  const done = hidden.filter(one => one.progress.state === 'finished').length
  return `… ${hidden.length} more: ${done} done, ${hidden.length - done} to come`
}
