/** What reading whole tables is expected to take, in words: before a run, and when it starts. Pure. */
import { formatBytes } from '../model/bytes.ts'
import type { Estimate } from '../model/plan.ts'
import { plural, roughText } from './numbers.ts'

/** Less than this is not worth a word. */
const TOLD_MS = 5000

/** `about 2 min`; undefined for what is over at once, or when nothing can be said. */
export function timeText({ durationMs }: Pick<Estimate, 'durationMs'>): string | undefined {
  return durationMs === undefined || durationMs < TOLD_MS ? undefined : `about ${roughText(durationMs)}`
}

/** One sentence about all tables that are read whole; undefined when they are read at once. */
export function readingText(estimates: readonly Estimate[]): string | undefined {
  const timed = estimates.filter(({ durationMs }) => durationMs !== undefined)
  const durationMs = timed.reduce((sum, one) => sum + (one.durationMs ?? 0), 0)
  const time = timeText({ durationMs })
  if (time === undefined) return undefined
  const bytes = timed.reduce((sum, one) => sum + one.bytes, 0n)
  const tables = `${plural(timed.length, 'table')} ${timed.length === 1 ? 'is' : 'are'} read whole`
  const apart = timed.length === 1 ? '' : ' one after the other'
  const assumed = timed.some(({ pace }) => pace === 'assumed')
  return `${tables}: ${formatBytes(bytes)}, ${time}${apart}${assumed ? '; 20 MB/s is assumed where no earlier run has measured it' : ''}`
}
