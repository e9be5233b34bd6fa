/**
 * Backfill: rows by a range of cdc_col, read again and compared with bronze. It never moves the horizon. A snapshot that
 * a later run has overtaken is not used: a row it shows may be deleted since, and would come back as a ghost.
 */
import { readSnapshot, type Snapshot } from '@tidemark/delta'
import { sql } from '../engine/sql.ts'
import { BACKFILL_NEEDS_COLUMN, BACKFILL_NEEDS_TABLE, SNAPSHOT_OVERTAKEN } from '../errors/backfill.ts'
import { Problem } from '../errors/problem.ts'
import type { SourceSnapshot } from '../sources/source.ts'
import { type BackfillPart, backfillInParts } from './backfill-in-parts.ts'
import { assertOurs } from './bronze-state.ts'
import type { IngestContext } from './context.ts'
import { fitToBronze } from './drift.ts'
import { keepNewInRange } from './keep-new.ts'
import { land, nextVersion } from './land.ts'
import { cutTable } from './load-in-parts.ts'
import type { Mark } from './mark.ts'
import { readCandidates } from './read.ts'
import { refit } from './refit.ts'
import { findColumn, type ResolvedTable } from './resolve.ts'
import { standingOf } from './slice.ts'
import { lakeColumnName } from './system-columns.ts'
import { untilLanded } from './until-landed.ts'
import { beginWidening } from './widening.ts'
import { changed, type ExtractOutcome, extractLedger, unchanged } from './outcome.ts'
import { assertUnique, entries, isUniqueInSource, rescuedIn, type Work, write } from './work.ts'

/** Range of cdc_col, `from` inclusive, `to` exclusive; the database compares both in the column's own type. */
export interface BackfillRange {
  from: string | undefined
  to: string | undefined
}

/**
 * Read a range again and append what bronze lacks: a big table in parts, each of them a commit.
 *
 * @throws {BACKFILL_NEEDS_COLUMN} the entry has no cdc_col
 * @throws {SNAPSHOT_OVERTAKEN} another run has read past the snapshot
 * @throws {BACKFILL_NEEDS_TABLE} the table has not been loaded, has no key, or belongs to another server
 */
export async function backfill(
  context: IngestContext,
  snapshot: SourceSnapshot,
  wanted: ResolvedTable,
  range: BackfillRange,
): Promise<ExtractOutcome> {
  await using session = await context.engine.session()
  const work: Work = { context, snapshot, wanted: fitToBronze(wanted, undefined), session, held: undefined }
  const column = wanted.entry.cdcCol === undefined ? undefined : findColumn(wanted.table, wanted.entry.cdcCol)
  if (column === undefined) throw BACKFILL_NEEDS_COLUMN({ table: wanted.name }, { place: wanted.entry.place })
  const whole: BackfillPart = {
    slice: { kind: 'range', column: column.name, ...range },
    done: range.to === undefined && range.from !== undefined ? [range.from] : [],
  }
  const { current, isOvertaken } = await inspect(work, wanted)
  if (isOvertaken) {
    return unchanged(current, 'a later run has read past this snapshot; run the backfill again', 'backfill')
  }
  refit(work, wanted, current)
  // Two rows of one key that nobody keeps unique could be in two parts, and the later one would look as if it were known.
  const cut = isUniqueInSource(work.wanted) ? await cutTable(work) : undefined
  if (cut !== undefined) return await backfillInParts(work, wanted, { cut, whole, settle })
  return await settle(work, wanted, whole).catch((error: unknown) => {
    // What a run has committed before of the same table is not taken back.
    throw error instanceof Problem ? error.after('Nothing of the range was written.') : error
  })
}

const settle = (work: Work, wanted: ResolvedTable, part: BackfillPart): Promise<ExtractOutcome> =>
  untilLanded(wanted.name, () => attempt(work, wanted, part))

/** The table as it is now, which a backfill adds to. */
async function inspect(
  { context, snapshot }: Work,
  wanted: ResolvedTable,
): Promise<{ current: Snapshot; mark: Mark; isOvertaken: boolean }> {
  const current = await readSnapshot(context, { tablePath: wanted.tablePath, signal: context.signal })
  if (current === undefined) throw needsTable(wanted, 'it has not been loaded yet')
  const mark = await assertOurs(context, wanted, current)
  if (wanted.keys.length === 0) throw needsTable(wanted, 'it has no key and is replaced whole by every run')
  if (mark.identity !== snapshot.position.identity) throw needsTable(wanted, 'its rows came from another server')
  const moment = { position: snapshot.position, now: context.clock.now() }
  return { current, mark, isOvertaken: standingOf(moment, mark, wanted.table) !== 'current' }
}

async function attempt(
  work: Work,
  declared: ResolvedTable,
  { slice, done }: BackfillPart,
): Promise<ExtractOutcome | 'conflict'> {
  const { context, snapshot, session } = work
  const { current, mark, isOvertaken } = await inspect(work, declared)
  if (isOvertaken) throw SNAPSHOT_OVERTAKEN({ table: declared.name }, { state: 'Nothing of the range was written.' })
  const wanted = refit(work, declared, current)
  if (await beginWidening(context, wanted, current)) return 'conflict'
  const { candidates, read } = await readCandidates(work, slice)
  await assertUnique(work, candidates)
  const seq = mark.seqBase + snapshot.position.order
  const keys = wanted.keys.map(lakeColumnName)
  const names = { candidates, bronze: await session.scan(current), keys, seq }
  const { kept } = await keepNewInRange(work, names, { current, before: mark })
  const inserted = await session.count(sql`SELECT count(*) FROM ${kept}`)
  const fresh = await session.count(sql`SELECT count(*) FROM ${kept} WHERE _new_key`)
  const backfills = [...new Set([...mark.backfills, ...done])]
  const ledger = extractLedger(read, inserted, 0n, await rescuedIn(work, kept))
  if (inserted === 0n && backfills.length === mark.backfills.length) {
    return { ...unchanged(current, nothingNew(read), 'backfill'), ledger }
  }
  const { schema } = wanted
  const rows = sql`SELECT * EXCLUDE (_new_key) FROM ${kept}`
  const files = inserted === 0n ? [] : await write(work, entries(work, rows, seq), { current, schema })
  await session.run(sql`DROP TABLE ${kept}`)
  const next: Mark = {
    ...mark,
    seq: max(mark.seq, seq),
    liveRows: mark.liveRows + fresh,
    backfills,
    version: nextVersion(current),
    runId: context.runId,
  }
  await snapshot.durable(context.signal)
  const operation = inserted === 0n ? ('mark' as const) : ('append' as const)
  const result = await land(context, { tablePath: wanted.tablePath, current, schema, files, mark: next, operation })
  if (result.kind === 'conflict') return 'conflict'
  if (inserted > 0n) return changed(current.version, result.version, ledger, 'backfill')
  const nothing = unchanged(current, `${nothingNew(read)}; recorded as done`, 'backfill')
  return { ...nothing, ledger, versionAfter: result.version }
}

/** A range that is written the wrong way round, or of another year than was meant, has no rows. */
function nothingNew(read: bigint): string {
  return read === 0n ? 'the source has no row in the range' : 'every row of the range is already in bronze'
}

function needsTable(wanted: ResolvedTable, reason: string): Error {
  return BACKFILL_NEEDS_TABLE({ table: wanted.name, reason }, { state: 'Nothing was read or written.' })
}

const max = (a: bigint, b: bigint): bigint => (a > b ? a : b)
