/** Increments and re-baselines: candidates are compared with bronze, deletes are found, one commit is made. */
import type { Snapshot } from '@tidemark/delta'
import { type Sql, sql } from '../engine/sql.ts'
import type { Slice, SourceColumn } from '../sources/source.ts'
import { append, type Found } from './append.ts'
import { type DedupeNames, differingCandidates } from './dedupe.ts'
import {
  assertKeysCover,
  deleteEntries,
  doNotCover,
  guardMassDelete,
  isKeyEnforced,
  isTracked,
  readDeleted,
  scanVanished,
} from './deletes.ts'
import type { Mark } from './mark.ts'
import { carriedColumns, keep, keepNew } from './keep-new.ts'
import { readCandidates } from './read.ts'
import type { Decision } from './slice.ts'
import { lakeColumnName } from './system-columns.ts'
import type { ExtractOutcome } from './outcome.ts'
import { assertUnique, type ExtractTable, type Total, type Work } from './work.ts'

const NOTHING_GONE: Found['gone'] = { relation: undefined, count: 0n }

type Merged = Decision & { kind: 'increment' | 're-baseline' }

/**
 * Bring bronze up to the snapshot. The number of rows in the source has to follow from what was found; where a cursor or a list of
 * changes does not explain it, every row is compared instead.
 */
export async function merge(
  work: Work,
  decision: Merged,
  current: Snapshot,
  before: Mark,
): Promise<ExtractOutcome | 'conflict'> {
  const slice: Slice = decision.kind === 'increment' ? decision.slice : { kind: 'all' }
  const compared = await compare(work, decision, slice, { current, before })
  const gone = await findGone(work, slice, compared)
  if (gone === 'not explained') return await compareWhole(work, decision, current, before)
  const { kept, knewByContent, inserted, covered, read } = compared
  const isFull = decision.kind === 're-baseline'
  const isPass = isFull || (slice.kind === 'since' && work.wanted.reading.kind === 'cursor')
  const { schema, method } = work.wanted
  const renews = isFull ? decision.renews : undefined
  const how = isFull ? `full compare: ${decision.reason}` : isPass ? `full pass of ${method}` : method
  const found = { schema, kept, inserted, covered, gone, read, method: how, isPass, renews, knewByContent }
  return await append(work, decision, { current, before }, found)
}

/** Rows of a slice, compared with bronze. */
interface Compared {
  names: DedupeNames
  /** Rows to append. */
  kept: Sql
  knewByContent: boolean | undefined
  inserted: bigint
  /** Keys that are live once they are appended and nothing is deleted. */
  covered: bigint
  read: bigint
  /** Rows in the source. */
  total: bigint
  /** No row can hide a key that is gone by doubling another one. */
  proved: boolean
}

async function compare(
  work: Work,
  { kind, seq }: Merged,
  slice: Slice,
  { current, before }: { current: Snapshot; before: Mark },
): Promise<Compared> {
  const { wanted, session } = work
  const isFull = kind === 're-baseline'
  const { candidates, read, total } = await readCandidates(work, slice)
  await assertUnique(work, candidates)
  const names = { candidates, bronze: await session.scan(current), keys: wanted.keys.map(lakeColumnName), seq }
  const { kept, knewByContent } = isFull
    ? { kept: await keep(work, differingCandidates(names, carriedColumns(wanted, current))), knewByContent: undefined }
    : await keepNew(work, names, { current, before })
  const inserted = await session.count(sql`SELECT count(*) FROM ${kept}`)
  const fresh = await session.count(sql`SELECT count(*) FROM ${kept} WHERE _new_key`)
  const proved = isFull || isKeyEnforced(wanted) || inserted === fresh
  const covered = before.liveRows + fresh
  return { names, kept, knewByContent, inserted, covered, read, total: await counted(work, total), proved }
}

async function counted({ context }: Work, { count }: Total): Promise<bigint> {
  const known = await Promise.race([count, Promise.resolve(undefined)])
  if (known === undefined) context.progress({ rows: 0n, bytes: 0n, phase: 'counting' })
  return known ?? (await count)
}

/**
 * The number of rows in the source is not what an increment leads to: rows were committed behind a cursor, or went another
 * way than the one that is tracked. All rows are compared instead, so that none of them stays lost.
 */
async function compareWhole(
  work: Work,
  { seq, seqBase }: Merged,
  current: Snapshot,
  before: Mark,
): Promise<ExtractOutcome | 'conflict'> {
  const { method, reading } = work.wanted
  const behind = reading.kind === 'cursor'
  const reason = behind ? `rows were committed behind ${method}` : `${method} does not explain the number of rows`
  work.context.warn(`${reason}; every row is compared now`)
  work.held = undefined
  return await merge(work, { kind: 're-baseline', reason, renews: true, seq, seqBase }, current, before)
}

type Gone = Found['gone'] | 'not explained'

/** Keys that are gone. What a cursor or a list of changes shows may not be all, and then every row is compared. */
async function findGone(work: Work, slice: Slice, compared: Compared): Promise<Gone> {
  // What an index shows says nothing of rows that are gone.
  if (slice.kind === 'cursor' && slice.byIndex === true) return NOTHING_GONE
  const { total, covered } = compared
  const tracked = slice.kind === 'since' && isTracked(work.wanted) ? slice.horizon : undefined
  const isAll = slice.kind !== 'cursor' && tracked === undefined
  if (!isAll && total > covered) return 'not explained'
  assertKeysCover(work.wanted, total, covered)
  return await vanished(work, compared, { tracked, isAll })
}

/**
 * Keys that are gone: proved none by equal counts, or scanned.
 *
 * @param known.isAll every change since the mark was read, so that counts must agree
 */
async function vanished(
  work: Work,
  { names, kept, proved, covered, total }: Compared,
  { tracked, isAll }: { tracked: bigint | undefined; isAll: boolean },
): Promise<Gone> {
  const { context, wanted, session, snapshot } = work
  if (wanted.deletes === 'ignore' || (proved && total === covered)) return NOTHING_GONE
  const keys = keyColumns(wanted)
  const scan = { session, snapshot, table: wanted.table, keys, names, kept }
  const found = tracked === undefined ? await scanVanished(context, scan) : await readDeleted(context, scan, tracked)
  if (found.count !== covered - total) {
    if (!isAll) return 'not explained'
    throw doNotCover(wanted, `${total} rows, ${covered} keys known, ${found.count} of them gone`)
  }
  guardMassDelete(context, wanted.name, found.count, covered)
  return { relation: deleteEntries(found.relation, keys), count: found.count }
}

function keyColumns(wanted: ExtractTable): SourceColumn[] {
  return wanted.keys.flatMap(key => wanted.columns.filter(column => column.name === key))
}
