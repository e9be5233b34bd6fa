/**
 * Reading the parts of a table that are missing, a few at a time on sessions of their own: each is tried again while the
 * reason passes, and waits while others keep the source busy.
 */
import { SNAPSHOT_OVERTAKEN } from '../errors/backfill.ts'
import { Problem } from '../errors/problem.ts'
import { Brake } from './brake.ts'
import type { LoadedPart, LoadPlan } from './load-record.ts'
import { partsProgress } from './parts-progress.ts'
import type { Work } from './work.ts'

/** How often one part is read before the run gives up on the table. */
const MAX_TRIES = 3
const PAUSE_MS = 1000

/**
 * Read what is missing and add it to `parts`. When one part cannot be read, the others that are under way are still
 * finished, and then that is the error.
 *
 * @param rows about how many there are in all parts, where that is known
 * @param read reads the part of a number, with a session that no other part uses
 * @returns how long parts have waited for a source that was busy with others, in milliseconds
 */
export async function readMissing(
  work: Work,
  { plan, parts, rows }: { plan: LoadPlan; parts: Map<number, LoadedPart>; rows?: bigint | undefined },
  read: (own: Work, part: number) => Promise<LoadedPart>,
): Promise<number> {
  const { context, snapshot } = work
  const { clock, signal } = context
  const missing = plan.chunks.map((_, n) => n).filter(n => !parts.has(n))
  const progress = partsProgress({ chunks: plan.chunks, rows }, parts, context.progress)
  const brake = new Brake({ snapshot, clock, hold: progress.hold, signal })
  const next = missing[Symbol.iterator]()
  const reader = async (): Promise<void> => {
    await using session = await context.engine.session()
    for (const n of next) {
      const own = { ...work, session, context: { ...context, progress: progress.of(n) } }
      parts.set(n, await brake.read(() => readAgain(own, { part: n, of: plan.chunks.length }, read)))
      progress.tell()
    }
  }
  const readers = Array.from({ length: Math.min(snapshot.parallelReads, missing.length) }, reader)
  const outcomes = await Promise.allSettled(readers)
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  return brake.heldMs
}

/** A snapshot that was overtaken stays so, however often a part of it is read. */
function passesWithin({ code, retry }: Problem): boolean {
  return retry === 'later' && code !== SNAPSHOT_OVERTAKEN.code
}

/** One part, tried again while the reason is one that passes: a connection that broke, a server that was busy. */
async function readAgain(
  work: Work,
  { part, of }: { part: number; of: number },
  read: (own: Work, part: number) => Promise<LoadedPart>,
): Promise<LoadedPart> {
  const { context } = work
  for (let tries = 1; ; tries += 1) {
    try {
      return await read(work, part)
    } catch (error) {
      const passes = error instanceof Problem && passesWithin(error) && !context.signal.aborted
      if (!passes || tries === MAX_TRIES) throw error
      context.warn(`part ${part + 1} of ${of} is read again: ${error.message}`)
      await context.clock.sleep(PAUSE_MS * tries, context.signal)
    }
  }
}
