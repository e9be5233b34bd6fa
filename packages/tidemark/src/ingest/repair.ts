/**
 * Repair: what `verify` finds lost, stale or a ghost is corrected from the same snapshot, by one ingest commit of bronze.
 * Corrected rows stand above everything the table holds; the mark keeps its place in the source, and nothing else moves.
 */
import { ident, join, type Sql, sql } from '../engine/sql.ts'
import { REPAIR_SUSPICIOUS } from '../errors/ingest.ts'
import type { SourceSnapshot } from '../sources/source.ts'
import type { BronzeComparison, DifferingKeys } from './compare/compare-bronze.ts'
import { keyNames, type Shape, valueNames } from './compare/shape.ts'
import { IS_SETTLED } from './compare/sums.ts'
import type { IngestContext } from './context.ts'
import { land, nextVersion } from './land.ts'
import type { Mark } from './mark.ts'
import { reload } from './reload.ts'
import type { ResolvedTable } from './resolve.ts'
import { nextSeq } from './slice.ts'
import { lakeColumnName } from './system-columns.ts'
import { fitToBronze } from './drift.ts'
import { untilLanded } from './until-landed.ts'
import { judgeTable, type Verdict } from './verify.ts'
import { changed, type ExtractOutcome, extractLedger, unchanged } from './outcome.ts'
import { entries, rescuedIn, type Work, write } from './work.ts'

/** Up to this many keys, or this share of the table, nobody is asked. */
const UNSUSPICIOUS_KEYS = 20n
const UNSUSPICIOUS_PERCENT = 10n

export interface RepairOutcome {
  outcome: ExtractOutcome
  /** What was found before anything was corrected. */
  found: Verdict
}

/**
 * Compare a table with the snapshot and correct what differs; rows written since the mark are left to the next run.
 *
 * @param options.allowMass correct any number of keys
 * @throws {REPAIR_SUSPICIOUS} more than 20 keys and more than 10 % of the table differ, and nobody has allowed it
 * @throws {INGEST_BUSY} ten commits in a row lost against other writers
 */
export async function repair(
  context: IngestContext,
  snapshot: SourceSnapshot,
  wanted: ResolvedTable,
  options: { allowMass: boolean },
): Promise<RepairOutcome> {
  return await untilLanded(wanted.name, async () => {
    await using session = await context.engine.session()
    const { verdict, found } = await judgeTable(context, session, { snapshot, wanted })
    if (verdict.status !== 'different' || found === undefined) {
      return { outcome: unchanged(found?.current, `nothing to repair: ${verdict.status}`, METHOD), found: verdict }
    }
    const fitted = fitToBronze(wanted, found.current.schema)
    const work: Work = { context, snapshot, wanted: fitted, session, held: undefined }
    const outcome = await correct(work, verdict, found, options)
    return outcome === 'conflict' ? outcome : { outcome, found: verdict }
  })
}

const METHOD = 'repair'

async function correct(
  work: Work,
  verdict: Verdict,
  found: BronzeComparison,
  { allowMass }: { allowMass: boolean },
): Promise<ExtractOutcome | 'conflict'> {
  const { context, wanted, snapshot } = work
  const { current, mark, differing } = found
  const next = nextSeq(mark, snapshot.position, true)
  // Without a key the table is replaced as a whole, even where its last content was called the same.
  if (differing === undefined)
    return reload(work, { kind: 'reload', ...next }, current, { ...mark, content: undefined })
  const upserts = differing.lost + differing.stale
  const deletes = verdict.ghost > 0n ? differing.gone : 0n
  if (!allowMass) guardMassRepair(wanted.name, upserts + deletes, max(verdict.sourceRows, verdict.lakeRows))
  const rows = correctedRows(found.shape, differing)
  const gone = deletes > 0n ? goneRows(found.shape, differing) : undefined
  const files = await write(work, entries(work, rows, next.seq, gone), { current, schema: current.schema })
  const liveRows = found.lake.rows + differing.lost - deletes
  const version = nextVersion(current)
  const repaired: Mark = { ...mark, ...next, liveRows, version, runId: context.runId }
  await snapshot.durable(context.signal)
  const { tablePath } = wanted
  const landing = { tablePath, current, schema: current.schema, files, mark: repaired, operation: 'append' as const }
  const result = await land(context, landing)
  if (result.kind === 'conflict') return 'conflict'
  const rescued = await rescuedIn(work, sql`(${rows})`)
  return changed(current.version, result.version, extractLedger(upserts, upserts, deletes, rescued), METHOD)
}

/** @throws {REPAIR_SUSPICIOUS} */
function guardMassRepair(table: string, keys: bigint, rows: bigint): void {
  if (keys <= UNSUSPICIOUS_KEYS || keys * 100n <= rows * UNSUSPICIOUS_PERCENT) return
  throw REPAIR_SUSPICIOUS({ table, keys: String(keys), rows: String(rows) }, { state: 'Nothing was written.' })
}

/** The source's rows of lost and stale keys, under the lake's names. */
function correctedRows(shape: Shape, { keys, source }: DifferingKeys): Sql {
  const values = valueNames(shape).map((name, n) => sql`${name} AS ${lakeName(shape.values[n])}`)
  const wrong = sql`(SELECT * FROM ${keys} WHERE kind IN ('missing', 'changed') AND ${IS_SETTLED})`
  return sql`SELECT row_version AS _row_version, ${join([...keyColumns(shape), ...values])} \
FROM ${source} SEMI JOIN ${wrong} USING (${join(keyNames(shape))})`
}

/** Delete entries of the keys that the source does not have. */
function goneRows(shape: Shape, { keys }: DifferingKeys): Sql {
  return sql`SELECT ${join(keyColumns(shape))}, 'delete' AS _op FROM ${keys} WHERE kind = 'extra'`
}

function keyColumns(shape: Shape): Sql[] {
  return keyNames(shape).map((name, n) => sql`${name} AS ${lakeName(shape.keys[n])}`)
}

function lakeName(column: { name: string } | undefined): Sql {
  return ident(lakeColumnName(column?.name ?? ''))
}

const max = (a: bigint, b: bigint): bigint => (a > b ? a : b)
