/** One step on one line, the same for the live display, the plain log and the summary. Pure. */
import { styleText } from 'node:util'
import { plainLine, plainText } from '../errors/plain-text.ts'
import { padToWidth, truncateToWidth } from '../errors/text-width.ts'
import type { StepResult, StepStatus } from '../model/event.ts'
import { ledgerText } from './ledger-text.ts'
import { durationText } from './numbers.ts'
import { phaseText } from './phase-text.ts'
import type { StepProgress } from './progress.ts'

export interface LineStyle {
  colour: boolean
  /** Cells of a line; it is cut, never wrapped. */
  width: number
  /** Cells of the name column. */
  nameWidth: number
  /** Draw how far a running step has come. */
  bar?: boolean
}

const words: Record<StepStatus, string> = {
  changed: 'done',
  unchanged: 'no change',
  failed: 'failed',
  skipped: 'skipped',
}
const colours: Record<StepStatus, Parameters<typeof styleText>[0]> = {
  changed: 'green',
  unchanged: 'dim',
  failed: 'red',
  skipped: 'yellow',
}

/** Cells of the column that says how a step stands. */
const stateWidth = 9

/** A step that is still under way, or waits for its turn; `planned` is what `plan` printed for it. */
export function progressLine(
  name: string,
  progress: StepProgress,
  planned: string | undefined,
  style: LineStyle,
): string {
  switch (progress.state) {
    case 'pending':
      return layOut(name, '', plainText(planned ?? '').replaceAll('\n', ' '), undefined, style)
    case 'waiting':
      return layOut(name, 'waiting', `for ${plainLine(progress.for)}`, 'dim', style)
    case 'running':
      return layOut(name, 'running', phaseText(progress, { bar: style.bar === true }), 'cyan', style)
    case 'finished':
      return resultLine(progress.result, style)
  }
}

/** A finished step with its ledger or its reason, and how long it took. */
export function resultLine(result: StepResult, style: LineStyle): string {
  const { status } = result
  const detail = `${resultDetail(result)}${status === 'skipped' ? '' : `  ${durationText(result.durationMs)}`}`
  return layOut(result.step, words[status], detail.trim(), colours[status], style)
}

function resultDetail(result: StepResult): string {
  if (result.problem !== undefined) return plainLine(`${result.problem.code}: ${result.problem.title}`)
  if (result.status === 'changed' && result.ledger !== undefined) return ledgerText(result.ledger)
  return plainLine(result.reason ?? (result.ledger === undefined ? '' : ledgerText(result.ledger)))
}

/** Colour is added after cutting, so that widths count what is seen. */
function layOut(
  name: string,
  state: string,
  detail: string,
  colour: Parameters<typeof styleText>[0] | undefined,
  style: LineStyle,
): string {
  const nameCell = padToWidth(truncateToWidth(plainLine(name), style.nameWidth), style.nameWidth)
  const line = truncateToWidth(`${nameCell}  ${padToWidth(state, stateWidth)}  ${detail}`.trimEnd(), style.width)
  if (!style.colour || colour === undefined || state === '' || !line.includes(state, nameCell.length)) return line
  const start = line.indexOf(state, nameCell.length)
  const painted = styleText(colour, state, { validateStream: false })
  return line.slice(0, start) + painted + line.slice(start + state.length)
}
