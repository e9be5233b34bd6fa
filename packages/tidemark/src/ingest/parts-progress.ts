/**
 * The progress of a reading in parts: one count of rows over all of them, and how many there will be, from the parts that
 * were read or counted. Whatever the statistics of the source said, the estimate becomes right as parts are read.
 */
import type { PhaseProgress } from '../model/event.ts'
import type { ChunkSlice, SourceTable } from '../sources/source.ts'
import type { LoadedPart, LoadPlan } from './load-record.ts'

type Tell = (progress: PhaseProgress) => void

export interface PartsProgress {
  /** Takes the progress of one part. */
  of: (part: number) => Tell
  /** Say why parts wait, or that they go on. */
  hold: (reason: string | undefined) => void
  /** Tell where all of them stand, for example when one is done. */
  tell: () => void
}

/**
 * @param plan `rows` are those of the whole by the source's statistics, for as long as of no part they are known
 * @param parts those that are done; parts are added by whoever reads them
 */
export function partsProgress(
  plan: Pick<LoadPlan, 'chunks'> & { rows?: bigint | undefined },
  parts: ReadonlyMap<number, LoadedPart>,
  tell: Tell,
): PartsProgress {
  const underWay = new Map<number, PhaseProgress>()
  let held: string | undefined
  // A part that is read again begins anew, and what was told before stays told.
  const most = { rows: 0n, bytes: 0n }
  const tellAll = (): void => {
    const open = [...underWay].filter(([n]) => !parts.has(n)).map(([, one]) => one)
    const done = [...parts.values()]
    const sizes = done.flatMap(({ files }) => files.map(({ size }) => size))
    most.rows = highest(most.rows, sum([...done, ...open].map(one => one.rows)))
    most.bytes = highest(most.bytes, sum([...sizes, ...open.map(one => one.bytes)]))
    const known = new Map<number, bigint>([...parts].map(([n, part]) => [n, part.rows]))
    for (const [n, { expectedRows }] of underWay) {
      if (!known.has(n) && expectedRows !== undefined) known.set(n, expectedRows)
    }
    const of = plan.chunks.length
    const expectedRows = estimate(plan.chunks, known) ?? plan.rows
    tell({ ...most, phase: 'reading', expectedRows, parts: { done: done.length, of }, held })
  }
  tellAll()
  return {
    of: part => one => {
      underWay.set(part, one)
      tellAll()
    },
    hold: reason => {
      held = reason
      tellAll()
    },
    tell: tellAll,
  }
}

/** The rows of a table by the source's statistics, which know nothing of filters; undefined where it has none. */
export function estimatedRows({ rowEstimate, filter, onlyWith }: SourceTable): bigint | undefined {
  return filter === undefined && onlyWith === undefined ? rowEstimate : undefined
}

/** The rows of all parts, by those of the parts that are known and how much of the table these are. */
function estimate(chunks: readonly ChunkSlice[], known: ReadonlyMap<number, bigint>): bigint | undefined {
  const shares = chunks.map(({ share = 1n }) => share)
  const knownShare = sum(shares.filter((_, n) => known.has(n)))
  return knownShare <= 0n ? undefined : (sum([...known.values()]) * sum(shares)) / knownShare
}

const highest = (a: bigint, b: bigint): bigint => (a > b ? a : b)
const sum = (counts: readonly bigint[]): bigint => counts.reduce((all, one) => all + one, 0n)
