/**
 * How long a table keeps what it no longer needs: settings in the form `interval 7 days`, with the protocol's defaults.
 */
import { DeltaError } from '../errors.ts'

const DAY_MS = 24 * 60 * 60 * 1000

const UNITS_MS: Readonly<Record<string, number>> = {
  microsecond: 0.001,
  millisecond: 1,
  second: 1000,
  minute: 60 * 1000,
  hour: 60 * 60 * 1000,
  day: DAY_MS,
  week: 7 * DAY_MS,
}

export interface Retention {
  /** Removed data files are kept so long, in milliseconds, for readers of older versions. */
  readonly filesMs: number
  /** Commits and checkpoints are kept so long, in milliseconds. */
  readonly logMs: number
}

/** A table's retention. Throws WRITE_REFUSED for a setting that is not understood: guessing would delete too much. */
export function retentionOf(tablePath: string, configuration: Readonly<Record<string, string>>): Retention {
  const read = (key: string, defaultMs: number): number => {
    const text = configuration[key]
    if (text === undefined) return defaultMs
    const ms = parseInterval(text)
    if (ms !== undefined) return ms
    const reason = `${key} is ${JSON.stringify(text)}, which is not an interval such as "interval 7 days"`
    throw new DeltaError('WRITE_REFUSED', `${tablePath} cannot be cleaned: ${reason}.`, { tablePath, reason })
  }
  return {
    filesMs: read('delta.deletedFileRetentionDuration', 7 * DAY_MS),
    logMs: read('delta.logRetentionDuration', 30 * DAY_MS),
  }
}

/**
 * Milliseconds of an interval such as `interval 1 week 12 hours`; undefined for anything else. Months and years have no
 * fixed length, and nothing is negative.
 */
export function parseInterval(text: string): number | undefined {
  const words = text.trim().toLowerCase().split(/\s+/)
  if (words[0] === 'interval') words.shift()
  if (words.length === 0 || words.length % 2 !== 0) return undefined
  let total = 0
  for (let i = 0; i < words.length; i += 2) {
    const [count = '', unit = ''] = words.slice(i, i + 2)
    const unitMs = UNITS_MS[unit.replace(/s$/, '')]
    if (!/^\d{1,9}$/.test(count) || unitMs === undefined) return undefined
    total += Number(count) * unitMs
  }
  return total
}
