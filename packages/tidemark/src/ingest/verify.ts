/**
 * Verify: the rows of the source, read again in one snapshot of its own, against the newest live entries of bronze. Rows
 * written since the mark are pending, never a false alarm; what remains is lost, stale or a ghost.
 */
import type { Session } from '../engine/engine.ts'
import { integer, sql, text } from '../engine/sql.ts'
import type { SourceSnapshot } from '../sources/source.ts'
import { type BronzeComparison, type Comparable, compareBronze, findComparable } from './compare/compare-bronze.ts'
import { IS_SETTLED } from './compare/sums.ts'
import type { IngestContext } from './context.ts'
import { type Fitted, fitToBronze } from './drift.ts'
import type { ResolvedTable } from './resolve.ts'
import { standingOf } from './slice.ts'

export interface Verdict {
  table: string
  /**
   * different: rows are lost, stale or ghosts. pending: the source has moved on. not loaded, not comparable: run first.
   * broken: the table's log or files cannot be read.
   */
  status: 'equal' | 'pending' | 'different' | 'not loaded' | 'not comparable' | 'broken'
  sourceRows: bigint
  lakeRows: bigint
  /** Order-independent hashes over the rows that are not pending, as text. */
  sourceHash: string
  lakeHash: string
  /** Smallest and largest cdc_col on both sides; undefined without one. */
  cursor: CursorBounds | undefined
  /** Keys written or deleted in the source since the mark. */
  pending: bigint
  lost: bigint
  stale: bigint
  ghost: bigint
  /** Some of the differing keys, as text, each with its kind; up to 20 of a kind. */
  examples: readonly Example[]
  asOf: string
  /** Source time up to which the table is proved to be right; undefined when it is not. */
  verifiedThrough: string | undefined
  /** What `--repair` corrected before this verdict; undefined without a repair. */
  repaired: Repaired | undefined
}

export interface CursorBounds {
  column: string
  sourceMin: string | undefined
  sourceMax: string | undefined
  lakeMin: string | undefined
  lakeMax: string | undefined
}

/**
 * gone: a key that the source no longer has. Among them are the ghosts, and rows that were deleted since the last run;
 * how many of each is known by count, not which.
 */
export interface Example {
  kind: 'lost' | 'stale' | 'ghost' | 'gone'
  key: string
}

export interface Repaired {
  lost: bigint
  stale: bigint
  ghost: bigint
  /** Keys marked as deleted: the ghosts, and beside them those that were deleted since the last run. */
  deletes: bigint
  /** Version of the table that holds the corrections. */
  version: bigint
  runId: string
}

const EXAMPLES = 20n

/** Compare one table. Streams the table once, and once more when something differs; writes nothing. */
export async function verifyTable(
  context: IngestContext,
  snapshot: SourceSnapshot,
  wanted: ResolvedTable,
): Promise<Verdict> {
  await using session = await context.engine.session()
  return (await judgeTable(context, session, { snapshot, wanted })).verdict
}

/** Compare one table, and keep what was found for as long as the session lives. */
export async function judgeTable(
  context: IngestContext,
  session: Session,
  { snapshot, wanted }: { snapshot: SourceSnapshot; wanted: ResolvedTable },
): Promise<{ verdict: Verdict; found: BronzeComparison | undefined }> {
  const { position } = snapshot
  const empty = emptyVerdict(wanted.name, position.asOf)
  const comparable = await findComparable(context, position, wanted)
  if (comparable === undefined) return { verdict: { ...empty, status: 'not loaded' }, found: undefined }
  const { mark } = comparable
  const moment = { position, now: context.clock.now() }
  const isComparable = mark.identity === position.identity && standingOf(moment, mark, wanted.table) === 'current'
  const fitted = isComparable ? fitAsRead(wanted, comparable) : undefined
  if (fitted === undefined) {
    return { verdict: { ...empty, lakeRows: mark.liveRows, status: 'not comparable' }, found: undefined }
  }
  const found = await compareBronze(context, session, { ...comparable, snapshot, wanted: fitted })
  const verdict = wanted.keys.length === 0 ? judgeWhole(empty, found) : await judgeKeys(session, empty, wanted, found)
  return { verdict: { ...verdict, verifiedThrough: provedThrough(verdict, found, position.asOf) }, found }
}

/** Up to when the table is proved to be right. Of keys that are gone a run between two full passes knows nothing. */
function provedThrough({ status }: Verdict, { mark, differing }: BronzeComparison, asOf: string): string | undefined {
  if (status === 'equal') return asOf
  if (status !== 'pending') return undefined
  return differing !== undefined && differing.gone > 0n ? (mark.fullPass ?? mark).asOf : mark.asOf
}

/** The table as the last run has read it; undefined when another run has to come first, which would read it otherwise. */
function fitAsRead(wanted: ResolvedTable, { current, mark }: Comparable): Fitted<ResolvedTable> | undefined {
  if (mark.fingerprint !== wanted.table.fingerprint) return undefined
  const fitted = fitToBronze(wanted, current.schema)
  return fitted.settings === mark.settings && fitted.schema === current.schema ? fitted : undefined
}

/** A verdict in which nothing was compared. */
export function emptyVerdict(table: string, asOf: string): Omit<Verdict, 'status'> {
  const none = { sourceHash: '', lakeHash: '', pending: 0n, lost: 0n, stale: 0n, ghost: 0n, examples: [] }
  const unknown = { cursor: undefined, verifiedThrough: undefined, repaired: undefined }
  return { table, sourceRows: 0n, lakeRows: 0n, ...none, asOf, ...unknown }
}

/** Keyless tables are compared as a whole: count and hash. */
function judgeWhole(empty: Omit<Verdict, 'status'>, found: BronzeComparison): Verdict {
  const { source, lake, isQuiet } = found
  const equal = source.hash === lake.hash && source.rows === lake.rows
  return { ...empty, ...sidesOf(found, lake.hash), status: equal ? 'equal' : isQuiet ? 'different' : 'pending' }
}

async function judgeKeys(
  session: Session,
  empty: Omit<Verdict, 'status'>,
  wanted: ResolvedTable,
  found: BronzeComparison,
): Promise<Verdict> {
  const { lake, differing } = found
  if (differing === undefined) return { ...empty, ...sidesOf(found, lake.hash), status: 'equal' }
  const { lost, stale, gone, recent } = differing
  const ghost = countGhosts(wanted, found)
  const pending = recent + (wanted.deletes === 'ignore' ? 0n : gone - ghost)
  const status = lost + stale + ghost > 0n ? 'different' : pending > 0n ? 'pending' : 'equal'
  const lakeHash = ghost > 0n ? lake.hash : lake.hash - differing.goneHash
  const examples = await readExamples(session, differing, ghost)
  return { ...empty, ...sidesOf(found, lakeHash), status, pending, lost, stale, ghost, examples }
}

/**
 * How many keys that the source does not have were never deleted there since the mark. In a quiet source all of them.
 * Otherwise the counts decide: at the mark the source had as many rows as the mark says, so what the lake has beyond
 * that, and in place of lost rows, are ghosts.
 */
function countGhosts(wanted: ResolvedTable, { mark, lake, differing, isQuiet }: BronzeComparison): bigint {
  if (differing === undefined || wanted.deletes === 'ignore') return 0n
  const { gone, lost } = differing
  if (isQuiet) return gone
  if (wanted.reading.kind === 'full compare') return 0n
  const beyond = lake.rows - mark.liveRows + lost
  return beyond < 0n ? 0n : beyond > gone ? gone : beyond
}

async function readExamples(
  session: Session,
  differing: NonNullable<BronzeComparison['differing']>,
  ghost: bigint,
): Promise<Example[]> {
  const extra = ghost === differing.gone ? text('ghost') : text('gone')
  const shown = ghost > 0n ? sql`true` : sql`kind <> 'extra'`
  const rows = await session.rows(sql`SELECT CASE kind WHEN 'missing' THEN 'lost' WHEN 'changed' THEN 'stale' \
ELSE ${extra} END AS kind, key_text FROM ${differing.keys} WHERE ${IS_SETTLED} AND ${shown} \
QUALIFY row_number() OVER (PARTITION BY kind ORDER BY key_text) <= ${integer(EXAMPLES)} ORDER BY kind, key_text`)
  return rows.map(row => ({ kind: row['kind'] as Example['kind'], key: String(row['key_text']) }))
}

function sidesOf(
  { shape, source, lake }: BronzeComparison,
  lakeHash: bigint,
): Pick<Verdict, 'sourceRows' | 'lakeRows' | 'sourceHash' | 'lakeHash' | 'cursor'> {
  const bounds = { sourceMin: source.min, sourceMax: source.max, lakeMin: lake.min, lakeMax: lake.max }
  return {
    sourceRows: source.rows,
    lakeRows: lake.rows,
    sourceHash: String(source.hash),
    lakeHash: String(lakeHash),
    cursor: shape.cursor === undefined ? undefined : { column: shape.cursor.name, ...bounds },
  }
}
