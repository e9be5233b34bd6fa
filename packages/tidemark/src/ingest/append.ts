/** The end of every increment and re-baseline: rows that are new, deletes and the mark become one commit, or none. */
import type { Snapshot, StructType } from '@tidemark/delta'
import { type Sql, sql } from '../engine/sql.ts'
import type { RowVersionRange } from '../sources/position.ts'
import { land, nextVersion } from './land.ts'
import { isListTrailing, nextListed } from './listed.ts'
import type { Mark } from './mark.ts'
import { versionsOf } from './slice.ts'
import { makeMark, nextCursor } from './make-mark.ts'
import { changed, type ExtractOutcome, extractLedger, unchanged } from './outcome.ts'
import { entries, rescuedIn, type Work, write } from './work.ts'

/** Duplicates read again, or transactions passed, before the horizon is moved by a commit of its own. */
const TRAILING_ROWS = 10_000n
const TRAILING_TRANSACTIONS = 10_000_000n

/** What a comparison with bronze has found. */
export interface Found {
  schema: StructType
  /** Rows to append, with `_new_key`. */
  kept: Sql
  /** Number of rows in `kept`. */
  inserted: bigint
  /** Keys that are live once the rows are appended and nothing is deleted. */
  covered: bigint
  /** Delete entries. */
  gone: { relation: Sql | undefined; count: bigint }
  /** Rows that were read from the source. */
  read: bigint
  method: string
  /** True when everything written since the last full pass was looked at: the mark has to say so. */
  isPass: boolean
  /** A re-baseline: whether the mark must change although no row does. Undefined for an increment. */
  renews: boolean | undefined
  /** An increment: whether rows were known by their content alone. */
  knewByContent?: boolean | undefined
}

/** Commit what was found. Without rows the mark alone is moved, and that only when it trails far behind. */
export async function append(
  work: Work,
  decision: { seq: bigint; seqBase: bigint },
  { current, before }: { current: Snapshot; before: Mark },
  found: Found,
): Promise<ExtractOutcome | 'conflict'> {
  const { context, wanted, snapshot } = work
  const { schema, kept, inserted, gone, read, method, isPass, knewByContent } = found
  const ledger = extractLedger(read, inserted, gone.count, await rescuedIn(work, kept))
  const nothing = inserted === 0n && gone.count === 0n
  const listed = await nextListed(work, before)
  const at = versionsOf(snapshot.position, wanted.table)
  const trails = isPass || isTrailing(before, at, read) || isListTrailing(before, listed, at?.horizon ?? 0n)
  if (nothing && !(found.renews ?? trails)) {
    return { ...unchanged(current, 'every row read is already in bronze', method), ledger }
  }
  const rows = sql`SELECT * EXCLUDE (_new_key) FROM ${kept}`
  const files = nothing ? [] : await write(work, entries(work, rows, decision.seq, gone.relation), { current, schema })
  const liveRows = found.covered - gone.count
  const version = nextVersion(current)
  const cursor = await nextCursor(work, before)
  const whole = found.renews !== undefined
  const facts = { liveRows, version, content: undefined, before, whole, isPass, cursor, listed, knewByContent }
  const mark = makeMark(work, decision, facts)
  await snapshot.durable(context.signal)
  const operation = nothing && schema === current.schema ? ('mark' as const) : ('append' as const)
  const result = await land(context, { tablePath: wanted.tablePath, current, schema, files, mark, operation })
  if (result.kind === 'conflict') return 'conflict'
  if (nothing) {
    const reason = whole || isPass ? 'nothing differs; the mark was renewed' : 'nothing new; the horizon was moved'
    return { ...unchanged(current, reason, method), ledger, versionAfter: result.version }
  }
  return changed(current.version, result.version, ledger, method)
}

function isTrailing({ rowVersions: last }: Mark, at: RowVersionRange | undefined, read: bigint): boolean {
  if (at === undefined || last === undefined) return read >= TRAILING_ROWS
  if (at.horizon <= last.horizon) return false
  // In the older half of what the source keeps, a mark must move before it is too old to go on from.
  if (at.oldest !== undefined && 2n * (last.horizon - at.oldest) < at.next - at.oldest) return true
  return read >= TRAILING_ROWS || at.next - last.horizon >= TRAILING_TRANSACTIONS
}
