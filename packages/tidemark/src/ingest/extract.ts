/**
 * Extract: one table of a source, from the run's snapshot into one bronze commit. Files come before marks, the mark is
 * part of the commit, and nothing is written when there is nothing new.
 */
import { SNAPSHOT_OVERTAKEN } from '../errors/backfill.ts'
import { SOURCE_WENT_BACK } from '../errors/ingest.ts'
import { Problem } from '../errors/problem.ts'
import type { SourceSnapshot } from '../sources/source.ts'
import { baseline } from './baseline.ts'
import { inspectBronze } from './bronze-state.ts'
import { fitToBronze } from './drift.ts'
import type { IngestContext } from './context.ts'
import { changeLogOf, whyScanned } from './listed.ts'
import type { Mark } from './mark.ts'
import { merge } from './merge.ts'
import { type Listed, mergeListed } from './merge-listed.ts'
import { refit } from './refit.ts'
import { reload } from './reload.ts'
import { decideSlice, firstLoad, nextSeq } from './slice.ts'
import { untilLanded } from './until-landed.ts'
import { beginWidening } from './widening.ts'
import { type ExtractOutcome, joinOutcomes, unchanged } from './outcome.ts'
import type { ExtractTable, Work } from './work.ts'

/**
 * Bring one bronze table up to the run's snapshot.
 *
 * @throws {SOURCE_WENT_BACK} the server stands before the mark
 * @throws {MASS_DELETE} suspiciously many keys vanished
 * @throws {SNAPSHOT_OVERTAKEN} a later snapshot was backfilled meanwhile
 * @throws {INGEST_BUSY} ten commits in a row lost against other writers
 */
export async function extract(
  context: IngestContext,
  snapshot: SourceSnapshot,
  wanted: ExtractTable,
): Promise<ExtractOutcome> {
  await using session = await context.engine.session()
  const work: Work = { context, snapshot, wanted: fitToBronze(wanted, undefined), session, held: undefined }
  try {
    return await bringUp(work, wanted)
  } finally {
    work.held?.total.leave?.()
  }
}

async function bringUp(work: Work, wanted: ExtractTable): Promise<ExtractOutcome> {
  const outcome = await settle(work, wanted)
  // An earlier run had begun the load: what has changed since then follows at once.
  if (outcome.isContinued !== true) return outcome
  const followed = settle(work, wanted).catch((error: unknown) => {
    throw error instanceof Problem ? error.after(LOADED) : error
  })
  return joinOutcomes(outcome, await followed)
}

const LOADED = 'The load is committed; what has changed since it was begun is read by the next run.'

const settle = (work: Work, declared: ExtractTable): Promise<ExtractOutcome> =>
  untilLanded(declared.name, () => attempt(work, declared))

async function attempt(work: Work, declared: ExtractTable): Promise<ExtractOutcome | 'conflict'> {
  const { context, snapshot } = work
  const { current, mark } = await inspectBronze(context, declared)
  const isReload = current !== undefined && context.reload === true && mark.runId !== context.runId
  // A keyless table holds nothing but what the source has, so it is reloaded by every run that finds a difference.
  if (isReload && declared.keys.length > 0) {
    refit(work, declared, undefined)
    return baseline(work, firstLoad(snapshot.position), current)
  }
  const wanted = refit(work, declared, current)
  const decision = decideSlice({ mark, position: snapshot.position, now: context.clock.now(), ...wanted })
  switch (decision.kind) {
    case 'nothing':
      return unchanged(current, 'nothing, proved: no transaction has finished since', wanted.method)
    case 'covered':
      return unchanged(current, 'a later run has already read past this snapshot', wanted.method)
    case 'overtaken':
      throw SNAPSHOT_OVERTAKEN({ table: wanted.name }, { state: 'Nothing was written to the table.' })
    case 'went back':
      if (isReload) return reload(work, { kind: 'reload', ...nextSeq(mark, snapshot.position, true) }, current, mark)
      throw SOURCE_WENT_BACK(
        { table: wanted.name, markAsOf: mark?.asOf ?? '', sourceAsOf: snapshot.position.asOf },
        { state: 'Nothing was read or written.' },
      )
    case 'baseline':
      return baseline(work, decision)
    case 'reload':
      if (await beginWidening(context, wanted, current)) return 'conflict'
      return reload(work, decision, current, mark)
    case 're-baseline':
    case 'increment': {
      if (current === undefined) throw new TypeError('this is a bug in tidemark: a mark is missing')
      if (await beginWidening(context, wanted, current)) return 'conflict'
      const listed = decision.kind === 'increment' ? await findListed(work, mark) : undefined
      if (listed === undefined) return merge(work, decision, current, mark)
      if ('keys' in listed) return mergeListed(work, decision, { current, before: mark }, listed)
      return scanned(await merge(work, decision, current, mark), listed.missing)
    }
  }
}

/** The keys that the server lists as changed since the mark, or why there is no telling; undefined where no list is kept. */
async function findListed(
  { snapshot, wanted, context }: Work,
  mark: Mark,
): Promise<Listed | { missing: string } | undefined> {
  const log = changeLogOf(snapshot, wanted)
  if (log === undefined) return undefined
  const missing = whyScanned(log, wanted, mark)
  if (missing !== undefined) return { missing }
  const reading = await log.read(context.signal)
  if ('missing' in reading) return reading
  const changes = reading.changedKeys(wanted.table)
  return 'missing' in changes ? changes : { log, keys: changes.keys }
}

/** A scan in place of the list says why. */
function scanned(outcome: ExtractOutcome | 'conflict', reason: string): ExtractOutcome | 'conflict' {
  return outcome === 'conflict' ? outcome : { ...outcome, method: `${outcome.method}: ${reason}` }
}
