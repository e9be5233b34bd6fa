/** Increments and re-baselines: candidates are compared with bronze, deletes are found, one commit is made. */
import type { Snapshot } from '@tidemark/delta'
import { type Sql, sql } from '../engine/sql.ts'
import type { Slice, SourceColumn } from '../sources/source.ts'
import { append, keep } from './append.ts'
import { type DedupeNames, differingCandidates, newCandidates } from './dedupe.ts'
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
import type { Fitted } from './drift.ts'
import { readCandidates } from './read.ts'
import type { Decision } from './slice.ts'
import { lakeColumnName } from './system-columns.ts'
import type { ExtractOutcome } from './outcome.ts'
import { assertUnique, type ExtractTable, type Work } from './work.ts'

const NOTHING_GONE = { relation: undefined, count: 0n }

/** An increment, or a re-baseline: candidates are compared with bronze, deletes are found, one commit is made. */
export async function merge(
  work: Work,
  decision: Decision & { kind: 'increment' | 're-baseline' },
  current: Snapshot,
  before: Mark,
): Promise<ExtractOutcome | 'conflict'> {
  const { wanted, session } = work
  const full = decision.kind === 're-baseline'
  const { schema } = wanted
  const slice: Slice = decision.kind === 'increment' ? decision.slice : { kind: 'all' }
  const { candidates, read, total } = await readCandidates(work, slice)
  await assertUnique(work, candidates)
  const keys = wanted.keys.map(lakeColumnName)
  const names: DedupeNames = { candidates, bronze: await session.scan(current), keys, seq: decision.seq }
  const kept = await keep(work, full ? differingCandidates(names, columnsOf(wanted, current)) : newCandidates(names))
  const inserted = await session.count(sql`SELECT count(*) FROM ${kept}`)
  const fresh = await session.count(sql`SELECT count(*) FROM ${kept} WHERE _new_key`)
  const covered = before.liveRows + fresh
  const tracked = slice.kind === 'since' && isTracked(wanted) ? slice.horizon : undefined
  const isByIndex = slice.kind === 'cursor' && slice.byIndex === true
  // What a cursor or a list of changes shows may not be all, and then every row is compared.
  const isAll = slice.kind !== 'cursor' && tracked === undefined
  if (!isByIndex && !isAll && total > covered) {
    return await compareWhole(work, decision, current, before)
  }
  if (!isByIndex) assertKeysCover(wanted, total, covered)
  const proved = full || isKeyEnforced(wanted) || inserted === fresh
  // What an index shows says nothing of rows that are gone.
  const gone = isByIndex ? NOTHING_GONE : await vanished(work, { names, kept, proved, covered, total, tracked, isAll })
  if (gone === 'not explained') return await compareWhole(work, decision, current, before)
  const isPass = full || (slice.kind === 'since' && wanted.reading.kind === 'cursor')
  const method = full ? `full compare: ${decision.reason}` : isPass ? `full pass of ${wanted.method}` : wanted.method
  const renews = decision.kind === 're-baseline' ? decision.renews : undefined
  return await append(
    work,
    decision,
    { current, before },
    { schema, kept, inserted, covered, gone, read, method, isPass, renews },
  )
}

/**
 * The number of rows in the source is not what an increment leads to: rows were committed behind a cursor, or went another
 * way than the one that is tracked. All rows are compared instead, so that none of them stays lost.
 */
async function compareWhole(
  work: Work,
  { seq, seqBase }: Decision & { kind: 'increment' | 're-baseline' },
  current: Snapshot,
  before: Mark,
): Promise<ExtractOutcome | 'conflict'> {
  const { method, reading } = work.wanted
  const behind = reading.kind === 'cursor'
  const reason = behind ? `rows were committed behind ${method}` : `${method} does not explain the number of rows`
  work.context.warn(`${work.wanted.name}: ${reason}; every row is compared now`)
  work.held = undefined
  return await merge(work, { kind: 're-baseline', reason, renews: true, seq, seqBase }, current, before)
}

interface Comparison {
  names: DedupeNames
  kept: Sql
  proved: boolean
  covered: bigint
  total: bigint
  tracked: bigint | undefined
  /** Every change since the mark was read, so that counts must agree. */
  isAll: boolean
}

/**
 * Keys that are gone: proved none by equal counts, or scanned. `proved` says that no row can hide a vanished key by
 * doubling another one.
 */
async function vanished(
  work: Work,
  at: Comparison,
): Promise<{ relation: Sql | undefined; count: bigint } | 'not explained'> {
  const { context, wanted, session, snapshot } = work
  const none = wanted.deletes === 'ignore' || (at.proved && at.total === at.covered)
  if (none) return NOTHING_GONE
  const keys = keyColumns(wanted)
  const scan = { session, snapshot, table: wanted.table, keys, names: at.names, kept: at.kept }
  const { tracked } = at
  const found = tracked === undefined ? await scanVanished(context, scan) : await readDeleted(context, scan, tracked)
  if (found.count !== at.covered - at.total) {
    if (!at.isAll) return 'not explained'
    const detail = `${at.total} rows, ${at.covered} keys known, ${found.count} of them gone`
    throw doNotCover(wanted, detail)
  }
  guardMassDelete(context, wanted.name, found.count, at.covered)
  return { relation: deleteEntries(found.relation, keys), count: found.count }
}

function keyColumns(wanted: ExtractTable): SourceColumn[] {
  return wanted.keys.flatMap(key => wanted.columns.filter(column => column.name === key))
}

/** The columns that rows carry; those that bronze does not have yet are `added`. */
function columnsOf({ lake }: Fitted, current: Snapshot): { known: string[]; added: string[] } {
  const inBronze = new Set(current.schema.fields.map(f => f.name))
  const names = lake.map(({ name }) => name)
  return { known: names.filter(name => inBronze.has(name)), added: names.filter(name => !inBronze.has(name)) }
}
