/** Increments and re-baselines: candidates are compared with bronze, deletes are found, one commit is made. */
import type { Snapshot } from '@tidemark/delta'
import { ident, type Sql, sql } from '../engine/sql.ts'
import type { RowVersionRange, Slice, SourceColumn } from '../sources/source.ts'
import { bronzeSchema, followDrift } from './bronze-schema.ts'
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
import { land, nextVersion } from './land.ts'
import type { Mark } from './mark.ts'
import { readCandidates } from './read.ts'
import { type Decision, versionsOf } from './slice.ts'
import { lakeColumnName } from './system-columns.ts'
import {
  assertUnique,
  changed,
  type ExtractOutcome,
  type ExtractTable,
  entries,
  extractLedger,
  makeMark,
  nextCursor,
  unchanged,
  type Work,
  write,
} from './work.ts'

/** Duplicates read again, or transactions passed, before the horizon is moved by a commit of its own. */
const TRAILING_ROWS = 10_000n
const TRAILING_TRANSACTIONS = 10_000_000n

/** An increment, or a re-baseline: candidates are compared with bronze, deletes are found, one commit is made. */
export async function merge(
  work: Work,
  decision: Decision & { kind: 'increment' | 're-baseline' },
  current: Snapshot,
  before: Mark,
): Promise<ExtractOutcome | 'conflict'> {
  const { context, wanted, session } = work
  const full = decision.kind === 're-baseline'
  const schema = followDrift(wanted.name, current.schema, bronzeSchema(wanted.table, wanted.columns))
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
  if (total > covered && (slice.kind === 'cursor' || tracked !== undefined)) {
    return await compareWhole(work, decision, current, before)
  }
  assertKeysCover(wanted, total, covered)
  const proved = full || isKeyEnforced(wanted) || inserted === fresh
  const gone = await vanished(work, { names, kept, proved, covered, total, tracked })
  if (gone === 'not explained') return await compareWhole(work, decision, current, before)
  const ledger = extractLedger(read, inserted, gone.count)
  const method = full ? `full compare: ${decision.reason}` : wanted.method
  const nothing = inserted === 0n && gone.count === 0n
  const renews =
    decision.kind === 're-baseline'
      ? decision.renews
      : isTrailing(before, versionsOf(work.snapshot.position, wanted.table), read)
  if (nothing && !renews) {
    return { ...unchanged(current, 'every row read is already in bronze', method), ledger }
  }
  const rows = sql`SELECT * EXCLUDE (_new_key) FROM ${kept}`
  const files = nothing ? [] : await write(work, entries(work, rows, decision.seq, gone.relation), { current, schema })
  const liveRows = covered - gone.count
  const version = nextVersion(current)
  const cursor = await nextCursor(work, before)
  const mark = makeMark(work, decision, { liveRows, version, content: undefined, before, whole: full, cursor })
  await work.snapshot.durable(context.signal)
  const operation = nothing && schema === current.schema ? ('mark' as const) : ('append' as const)
  const result = await land(context, { tablePath: wanted.tablePath, current, schema, files, mark, operation })
  if (result.kind === 'conflict') return 'conflict'
  if (nothing) {
    const reason = full ? 'nothing differs; the mark was renewed' : 'nothing new; the horizon was moved'
    return { ...unchanged(current, reason, method), ledger, versionAfter: result.version }
  }
  return changed(current.version, result.version, ledger, method)
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

/**
 * Keys that are gone: proved none by equal counts, or scanned. `proved` says that no row can hide a vanished key by
 * doubling another one.
 */
async function vanished(
  work: Work,
  at: { names: DedupeNames; kept: Sql; proved: boolean; covered: bigint; total: bigint; tracked: bigint | undefined },
): Promise<{ relation: Sql | undefined; count: bigint } | 'not explained'> {
  const { context, wanted, session, snapshot } = work
  const none = wanted.deletes === 'ignore' || (at.proved && at.total === at.covered)
  if (none) return { relation: undefined, count: 0n }
  const keys = keyColumns(wanted)
  const scan = { session, snapshot, table: wanted.table, keys, names: at.names, kept: at.kept }
  const { tracked } = at
  const found = tracked === undefined ? await scanVanished(context, scan) : await readDeleted(context, scan, tracked)
  if (found.count !== at.covered - at.total) {
    if (tracked !== undefined) return 'not explained'
    const detail = `${at.total} rows, ${at.covered} keys known, ${found.count} of them gone`
    throw doNotCover(wanted, detail)
  }
  guardMassDelete(context, wanted.name, found.count, at.covered)
  return { relation: deleteEntries(found.relation, keys), count: found.count }
}

async function keep(work: Work, select: Sql): Promise<Sql> {
  const name = ident(work.session.temporaryName('kept'))
  await work.session.run(sql`CREATE TEMP TABLE ${name} AS ${select}`, work.context.signal)
  return name
}

function isTrailing({ rowVersions: last }: Mark, at: RowVersionRange | undefined, read: bigint): boolean {
  if (at === undefined || last === undefined) return read >= TRAILING_ROWS
  if (at.horizon <= last.horizon) return false
  // In the older half of what the source keeps, a mark must move before it is too old to go on from.
  if (at.oldest !== undefined && 2n * (last.horizon - at.oldest) < at.next - at.oldest) return true
  return read >= TRAILING_ROWS || at.next - last.horizon >= TRAILING_TRANSACTIONS
}

function keyColumns(wanted: ExtractTable): SourceColumn[] {
  return wanted.keys.flatMap(key => wanted.columns.filter(column => column.name === key))
}

/** The source's columns under their lake names; those that bronze does not have yet are `added`. */
function columnsOf(wanted: ExtractTable, current: Snapshot): { known: string[]; added: string[] } {
  const inBronze = new Set(current.schema.fields.map(f => f.name))
  const names = wanted.columns.map(column => lakeColumnName(column.name))
  return { known: names.filter(name => inBronze.has(name)), added: names.filter(name => !inBronze.has(name)) }
}
