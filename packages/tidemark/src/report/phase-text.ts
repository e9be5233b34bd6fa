/** How far a running step has come, in words and with a bar. Never more than 99 %: only the end is the end. Pure. */
import { plainLine } from '../errors/plain-text.ts'
import { countText, rateText, roughText } from './numbers.ts'
import type { RunningPhase } from './progress.ts'

const BAR_CELLS = 10
/** A rate is told from so many milliseconds on, and what is left only by a rate. */
const TELLING_MS = 2000

/** `reading ██████░░░░ 62 %, about 15 s left, 6,200 of about 10,000 rows, 240 rows/s`; what matters most comes first. */
export function phaseText(running: RunningPhase, { bar }: { bar: boolean }): string {
  const { phase, rows, rowsBefore, rowsAt, since, expectedRows, parts, held } = running
  const share = expectedRows === undefined || expectedRows === 0n ? undefined : shareOf(rows, expectedRows)
  const drawn = share === undefined || !bar ? undefined : barText(share)
  const percent = share === undefined ? undefined : `${share} %`
  const head = [plainLine(phase), drawn, percent].filter(text => text !== undefined && text !== '').join(' ')
  const rate = rateText(rows - rowsBefore, rowsAt - since)
  const details = [
    held && `waits: ${plainLine(held)}`,
    leftText(running),
    rowsText(running),
    rate,
    parts && `${parts.done} of ${parts.of} parts done`,
  ]
  return [head, ...details].filter(text => text !== undefined && text !== '').join(', ')
}

/** Whole percent, at most 99: an estimate may be too low, and what was read is still to be committed. */
function shareOf(rows: bigint, expected: bigint): number {
  const percent = (rows * 100n) / expected
  return Number(percent > 99n ? 99n : percent)
}

function barText(percent: number): string {
  const filled = Math.floor((percent * BAR_CELLS) / 100)
  return `${'█'.repeat(filled)}${'░'.repeat(BAR_CELLS - filled)}`
}

function rowsText({ rows, expectedRows }: RunningPhase): string | undefined {
  if (expectedRows === undefined || expectedRows === 0n || rows > expectedRows)
    return rows === 0n ? undefined : `${countText(rows)} rows`
  return `${countText(rows)} of about ${countText(expectedRows)} rows`
}

function leftText({ rows, rowsBefore, rowsAt, since, expectedRows }: RunningPhase): string | undefined {
  const read = rows - rowsBefore
  const ms = rowsAt - since
  if (expectedRows === undefined || read <= 0n || ms < TELLING_MS || rows >= expectedRows) return undefined
  return `about ${roughText((Number(expectedRows - rows) / Number(read)) * ms)} left`
}
