/**
 * Reading a slice: counted where the copy does not judge its rows itself, copied, landed in the engine, and the numbers
 * compared.
 */
import { ident, sql } from '../engine/sql.ts'
import { CURSOR_NULL, FILTER_REFUSED, INGEST_COUNT_MISMATCH } from '../errors/ingest.ts'
import { SOURCE_QUERY_FAILED } from '../errors/source.ts'
import { SOURCE_VALUE_UNFIT } from '../errors/source-table.ts'
import { Problem } from '../errors/problem.ts'
import type { CopyRequest, Slice, SliceCount, SourceColumn, TableCount } from '../sources/source.ts'
import { intoTable } from './candidates.ts'
import { intakeOf, segmentsOf } from './load-slice.ts'
import type { Held, Total, Work } from './work.ts'

/** Read a slice into a temporary table once; later attempts of the same step use it again. */
export async function readCandidates(work: Work, slice: Slice): Promise<Held> {
  const { wanted, snapshot, session } = work
  const key = JSON.stringify(slice, (_k, v: unknown) => (typeof v === 'bigint' ? String(v) : v))
  if (work.held?.slice === key || work.held?.slice === 'all') return work.held
  const judges = snapshot.copyRefusesUnfit?.(wanted.columns) === true
  const { loaded, total } = (judges ? await copyBesideCount(work, slice) : undefined) ?? (await countThenCopy())
  const held: Held = { slice: key, candidates: ident(loaded.table), read: loaded.rows, total }
  work.held = held
  const stored = await session.count(sql`SELECT count(*) FROM ${held.candidates}`)
  assertLanded(wanted.name, loaded.rows, stored)
  return held

  async function countThenCopy(): Promise<Copied> {
    const { inSlice, total } = await countSlice(work, slice, judges ? [] : wanted.columns)
    const isEmpty = inSlice === 0n && slice.kind !== 'all'
    const loading = load(work, slice, isEmpty ? 'nothing' : inSlice)
    const loaded = await (judges ? loading.catch((error: unknown) => stoppedCopy(work, slice, error)) : loading)
    assertLanded(wanted.name, inSlice, loaded.rows)
    return { loaded, total: { count: Promise.resolve(total) } }
  }
}

/** A slice in a temporary table, and how many rows the source's table has. */
interface Copied {
  loaded: Awaited<ReturnType<typeof intoTable>>
  total: Total
}

/**
 * Copy a slice that an index leads to while the table is counted; undefined where none does. How many rows the slice has is not
 * asked: the copy itself compares what it wrote with the number that the server sent, and the number of all rows, by which
 * merging proves that no row is missing and no key gone, is another one. Of a big table it is known long after the little that
 * changed, which is compared with bronze meanwhile.
 */
async function copyBesideCount(work: Work, slice: Slice): Promise<Copied | undefined> {
  const { context, snapshot, wanted } = work
  const stop = new AbortController()
  const signal = AbortSignal.any([context.signal, stop.signal])
  const cursor = cursorWithoutNulls(wanted)
  const counting = snapshot.countBeside?.({ table: wanted.table, slice, cursor, signal })
  if (counting === undefined) return undefined
  context.progress({ rows: 0n, bytes: 0n, phase: 'reading' })
  const counted = counting.then(count => assertCursors(wanted, count).total, rejectFilter(wanted))
  const within = { ...work, context: { ...context, signal } }
  const loading = load(within, slice, undefined).catch((error: unknown) => stoppedCopy(within, slice, error))
  try {
    const loaded = await Promise.race([loading, counted.then(() => loading)])
    return { loaded, total: { count: counted, leave: () => stop.abort() } }
  } catch (error) {
    stop.abort(error)
    // Nobody else may ask for the session, or for the snapshot, before both have let go of it.
    await Promise.allSettled([counted, loading])
    throw error
  }
}

/** @param expected how many rows there are, where they were counted; `nothing` is not asked for */
async function load(work: Work, slice: Slice, expected: bigint | 'nothing' | undefined): Promise<Copied['loaded']> {
  const { context, snapshot, session, wanted } = work
  const segments = expected === 'nothing' ? noSegments() : snapshot.copy(copyRequest(work, slice))
  const intake = intakeOf(context, session, wanted, expected === 'nothing' ? 0n : expected)
  return await intoTable(intake, segments, { hint: 'candidates', leading: ['_row_version'] })
}

/** The count knows all columns and numbers of what a copy stopped at, and the words for what a filter does. */
export async function stoppedCopy(work: Work, slice: Slice, error: unknown): Promise<never> {
  const isCounted = error instanceof Problem && [SOURCE_VALUE_UNFIT.code, SOURCE_QUERY_FAILED.code].includes(error.code)
  if (isCounted) await countSlice(work, slice, work.wanted.columns)
  throw error
}

/**
 * Count a slice, and refuse rows without the cursor by which they would have to be found.
 *
 * @param columns those whose values are looked at
 */
export async function countSlice(work: Work, slice: Slice, columns: readonly SourceColumn[]): Promise<SliceCount> {
  const { context, wanted } = work
  const told = { rows: 0n, bytes: 0n }
  context.progress({ ...told, phase: 'counting' })
  const counted = await askCount(work, slice, columns)
  assertCursors(wanted, counted)
  context.progress({ ...told, phase: 'reading', expectedRows: counted.inSlice })
  return counted
}

/** The same without a word of it to whoever watches, for rows that were read already. */
export async function askCount(
  { context, snapshot, wanted }: Work,
  slice: Slice,
  columns: readonly SourceColumn[],
): Promise<SliceCount> {
  const { table } = wanted
  const cursor = cursorWithoutNulls(wanted)
  return await snapshot.count({ table, slice, columns, cursor, signal: context.signal }).catch(rejectFilter(wanted))
}

/** The column by which rows have to be found; undefined where those without a value in it are taken or left out. */
function cursorWithoutNulls({ reading }: Work['wanted']): string | undefined {
  return reading.kind === 'cursor' && reading.nulls === 'error' ? reading.column : undefined
}

/** @throws {CURSOR_NULL} */
function assertCursors<C extends TableCount>(wanted: Work['wanted'], counted: C): C {
  const column = cursorWithoutNulls(wanted)
  if (column === undefined || counted.withoutCursor === 0n) return counted
  const params = { table: wanted.name, column, rows: String(counted.withoutCursor) }
  throw CURSOR_NULL(params, { state: 'Nothing was written.' })
}

/** What the source says of a filter that is one expression and still none that it can use: an unknown operator, types that differ. */
function rejectFilter({ table, name }: Work['wanted']): (error: unknown) => Promise<never> {
  return async error => {
    if (table.filter === undefined || !(error instanceof Problem) || error.code !== 'SOURCE_QUERY_FAILED') throw error
    const reason = error.message.replace(/\.$/, '')
    throw FILTER_REFUSED({ table: name, reason }, { cause: error.cause, state: 'Nothing was written.' })
  }
}

export function copyRequest({ context, wanted }: Work, slice: Slice): CopyRequest {
  const { table, columns } = wanted
  return { table, columns, slice, prefix: `rows-${context.ids.uuid()}`, ...segmentsOf(context) }
}

async function* noSegments(): AsyncGenerator<never> {}

/** @throws {INGEST_COUNT_MISMATCH} */
export function assertLanded(table: string, read: bigint, landed: bigint): void {
  if (read === landed) return
  throw INGEST_COUNT_MISMATCH({ table, read: String(read), landed: String(landed) }, { state: 'Nothing was written.' })
}
