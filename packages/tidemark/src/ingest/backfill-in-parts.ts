/**
 * A backfill of a big table: its range is read stretch by stretch, on several connections, and every stretch is a commit of
 * its own. What is committed is recorded, so that a backfill that dies is continued, for a day, with what is missing.
 */
import { sql } from '../engine/sql.ts'
import { Problem } from '../errors/problem.ts'
import type { ChunkSlice, Slice, TableChunks } from '../sources/source.ts'
import { fitOf } from './load-in-parts.ts'
import { beginLoad, endLoad, type LoadedPart, type LoadPlan, readParts, recordPart } from './load-record.ts'
import { readMissing } from './parts-pool.ts'
import { readCandidates } from './read.ts'
import type { ResolvedTable } from './resolve.ts'
import { passedMs } from './source-time.ts'
import { type ExtractOutcome, joinOutcomes, unchanged } from './outcome.ts'
import type { Work } from './work.ts'

/** One commit of a backfill. */
export interface BackfillPart {
  slice: Slice & { kind: 'range' }
  /** The `from_date` values that are done by it. */
  done: readonly string[]
}

export interface InParts {
  cut: TableChunks
  /** The backfill as one part. */
  whole: BackfillPart
  /** Makes the commit of one part, of rows that the work holds. */
  settle: (work: Work, wanted: ResolvedTable, part: BackfillPart) => Promise<ExtractOutcome>
}

/** An earlier run's parts show the source as it was then; after this time they are read again. */
export const BACKFILL_CONTINUED_MS: number = 24 * 60 * 60 * 1000

const recordOf = (tablePath: string): string => `${tablePath}/backfill`

/** Whether a record of a load is that of a backfill; a first load goes by the path of its table alone. */
export function isBackfillRecord(of: string): boolean {
  return of.split('/').length === 3 && of.endsWith('/backfill')
}

/** Read the parts that are missing; the last one also says that the range is done. */
export async function backfillInParts(work: Work, wanted: ResolvedTable, given: InParts): Promise<ExtractOutcome> {
  const { store } = work.context
  const record = recordOf(wanted.tablePath)
  const plan = await begin(work, record, given)
  const parts = await readParts(store, record, plan)
  const resumed = parts.size
  const { settle, whole } = given
  const committing = oneByOne()
  const committed = new Map([...parts].map(([n, { rows }]) => [n, rows]))
  let outcome: ExtractOutcome | undefined
  const commitPart = async (own: Work, n: number): Promise<bigint> => {
    const slice = { ...whole.slice, within: plan.chunks[n] as ChunkSlice }
    const { read } = await readCandidates(own, slice)
    await committing(async () => {
      const isLast = committed.size + 1 === plan.chunks.length
      const made = await settle(own, wanted, { slice, done: isLast ? whole.done : [] })
      outcome = outcome === undefined ? made : joinOutcomes(outcome, made)
      committed.set(n, read)
    })
    await forget(own)
    return read
  }
  const reading = readMissing(work, { plan, parts }, async (own, n) => {
    // A part whose record failed after its commit only lacks the record.
    const read = committed.get(n) ?? (await commitPart(own, n))
    const part: LoadedPart = { chunk: n, seq: work.snapshot.position.order, rows: read, files: [] }
    return await recordPart(store, record, plan, part)
  })
  await reading.catch((error: unknown) => {
    throw error instanceof Problem ? error.after(stateOf(committed.size, plan)) : error
  })
  await endLoad(store, record)
  const taken = resumed === 0 ? '' : `, ${resumed} of them read by an earlier run`
  const method = `backfill in ${plan.chunks.length} parts${taken}`
  return { ...(outcome ?? unchanged(undefined, 'an earlier run has read all of it', method)), method }
}

/** What is true when it could not go on. */
function stateOf(committed: number, { chunks }: LoadPlan): string {
  if (committed === 0) return 'Nothing of the range was written.'
  return `${committed} of ${chunks.length} parts of the range are committed; the same backfill reads the others, for a day.`
}

/** The backfill that an earlier run has begun and not finished, or this one. */
async function begin(work: Work, record: string, { cut, whole }: InParts): Promise<LoadPlan> {
  const { context, snapshot, wanted } = work
  const { position } = snapshot
  const fit = JSON.stringify([fitOf(work, cut, wanted.schema), whole.slice])
  const planned = { loadId: context.ids.uuid(), fit, position, cursor: undefined, chunks: cut.chunks }
  const begun = await beginLoad(context.store, record, planned)
  if (passedMs(begun.position.asOf, position.asOf) < BACKFILL_CONTINUED_MS) return begun
  await endLoad(context.store, record)
  return await beginLoad(context.store, record, planned)
}

/** A part that is committed leaves its room to the next one of the same session. */
async function forget(own: Work): Promise<void> {
  if (own.held !== undefined) await own.session.run(sql`DROP TABLE ${own.held.candidates}`)
  own.held = undefined
}

/** Work that never overlaps, in the order in which it was asked for; one that fails stops no other. */
function oneByOne(): (work: () => Promise<void>) => Promise<void> {
  let last: Promise<void> = Promise.resolve()
  return work => {
    const next = last.then(work)
    last = next.catch(() => undefined)
    return next
  }
}
