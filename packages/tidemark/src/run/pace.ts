/**
 * How long it takes to read a table whole: by the pace of earlier runs, or, said as such, by a usual one. Pure over the
 * facts of runs.
 */
import type { StepResult } from '../model/event.ts'
import type { ReadingCost, WholeReading } from '../model/plan.ts'
import type { RunEnd } from './facts.ts'

/** Bytes of a table in a millisecond where no load was ever measured: 20 MB/s, which most networks and servers give. */
const ASSUMED_PACE = 20_000
/** Readings smaller or shorter than this say more about what every step costs than about a pace. */
const TELLING_BYTES = 8_000_000n
const TELLING_MS = 1000

/** A reading that is to be estimated. */
export interface Wanted extends WholeReading {
  /** The step's table. */
  table: string
  /** Name of its source. */
  source: string
}

/**
 * The last reading of the same kind of the same table decides, scaled by its size; else all such readings of the source
 * together. A scan takes what it finds, so only its own table can tell; for the others there is a usual pace.
 *
 * @param runs newest first
 */
export function costOf(wanted: Wanted, runs: readonly RunEnd[]): ReadingCost {
  const { reading, bytes } = wanted
  const measured = runs.flatMap(({ steps }) => steps.flatMap(step => readingOf(step, wanted)))
  const own = measured.find(({ table }) => table === wanted.table)
  if (own !== undefined) return { reading, bytes, durationMs: scale(bytes, [own]), pace: 'this table' }
  if (reading === 'scan') return { reading, bytes, durationMs: undefined, pace: undefined }
  const others = measured.filter(one => one.bytes >= TELLING_BYTES && one.durationMs >= TELLING_MS)
  if (others.length > 0) return { reading, bytes, durationMs: scale(bytes, others), pace: 'this source' }
  return { reading, bytes, durationMs: Math.round(Number(bytes) / ASSUMED_PACE), pace: 'assumed' }
}

interface Measured {
  table: string
  bytes: bigint
  durationMs: number
}

function readingOf({ table, status, source, durationMs }: StepResult, wanted: Wanted): Measured[] {
  const whole = source?.whole
  if (whole === undefined || source?.name !== wanted.source || whole.reading !== wanted.reading) return []
  if ((status !== 'changed' && status !== 'unchanged') || whole.bytes === 0n) return []
  return [{ table, bytes: whole.bytes, durationMs }]
}

function scale(bytes: bigint, measured: readonly Measured[]): number {
  const all = measured.reduce((sum, one) => sum + one.bytes, 0n)
  const took = measured.reduce((sum, one) => sum + one.durationMs, 0)
  return Math.round((Number(bytes) / Number(all)) * took)
}
