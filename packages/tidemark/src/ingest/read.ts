/**
 * Reading a slice: counted where the copy does not judge its rows itself, copied, landed in the engine, and the numbers
 * compared.
 */
import { type DataFile, DeltaError, type StructType } from '@tidemark/delta'
import type { ParquetTarget } from '../engine/engine.ts'
import { ident, type Sql, sql } from '../engine/sql.ts'
import { CURSOR_NULL, FILTER_REFUSED, INGEST_COUNT_MISMATCH } from '../errors/ingest.ts'
import { SOURCE_QUERY_FAILED } from '../errors/source.ts'
import { SOURCE_VALUE_UNFIT } from '../errors/source-table.ts'
import { firstLine } from '../errors/first-line.ts'
import { Problem } from '../errors/problem.ts'
import type { CopyRequest, Slice, SliceCount } from '../sources/source.ts'
import { directIntoFiles, intoFiles, intoTable } from './candidates.ts'
import { intakeOf, segmentsOf } from './load-slice.ts'
import { estimatedRows } from './parts-progress.ts'
import { withoutValues } from './masks.ts'
import { entries, type Work } from './work.ts'

/** Read a slice into a temporary table once; later attempts of the same step use it again. */
export async function readCandidates(
  work: Work,
  slice: Slice,
): Promise<{ candidates: Sql; read: bigint; total: bigint }> {
  const { wanted, snapshot, session } = work
  const key = JSON.stringify(slice, (_k, v: unknown) => (typeof v === 'bigint' ? String(v) : v))
  if (work.held?.slice === key || work.held?.slice === 'all') return work.held
  const counted = await countSlice(work, slice)
  const nothing = counted.inSlice === 0n && slice.kind !== 'all'
  const segments = nothing ? noSegments() : snapshot.copy(copyRequest(work, slice))
  const intake = intakeOf(work.context, session, wanted, counted.inSlice)
  const loaded = await intoTable(intake, segments, { hint: 'candidates', leading: ['_row_version'] })
  assertLanded(wanted.name, counted.inSlice, loaded.rows)
  const stored = await session.count(sql`SELECT count(*) FROM ${ident(loaded.table)}`)
  assertLanded(wanted.name, loaded.rows, stored)
  work.held = { slice: key, candidates: ident(loaded.table), read: loaded.rows, total: counted.total }
  return work.held
}

/** Read the whole table, or a part of it, straight into data files. */
export async function readInto(
  work: Work,
  slice: Slice & { kind: 'all' | 'chunk' },
  schema: StructType,
  seq: bigint,
): Promise<{ rows: bigint; files: DataFile[] }> {
  const { snapshot, wanted } = work
  const counted = isJudgedByCopy(work) ? undefined : await countSlice(work, slice)
  const target = { tablePath: wanted.tablePath, schema, statsColumns: ['_seq', '_op'] }
  const complete = (rows: Sql): Sql => entries(work, rows, seq)
  const expectedRows = counted?.inSlice ?? (slice.kind === 'all' ? estimatedRows(wanted.table) : undefined)
  const direct = await readDirect(work, slice, expectedRows, { target, complete })
  const intake = intakeOf(work.context, work.session, wanted, expectedRows)
  const copied = (): ReturnType<typeof intoFiles> =>
    intoFiles(intake, snapshot.copy(copyRequest(work, slice)), target, complete).catch((error: unknown) => {
      if (counted === undefined) return stoppedCopy(work, slice, error)
      throw error
    })
  const result = direct ?? (await copied())
  if (counted !== undefined) assertLanded(wanted.name, counted.inSlice, result.rows)
  const landed = result.files.reduce((sum, file) => sum + file.numRecords, 0n)
  assertLanded(wanted.name, result.rows, landed)
  return result
}

/**
 * True when nothing is left for a count to find: the copy compares its rows with the server's number and refuses what the
 * lake cannot hold, which DuckDB's own reader does not, and no row has to be found by a cursor that could be NULL.
 */
function isJudgedByCopy({ snapshot, wanted }: Work): boolean {
  const { columns, reading } = wanted
  const isFound = reading.kind !== 'cursor' || reading.nulls !== 'error'
  return isFound && snapshot.openDirect === undefined && snapshot.copyRefusesUnfit?.(columns) === true
}

/** The count knows all columns and numbers of what a copy stopped at, and the words for what a filter does. */
async function stoppedCopy(work: Work, slice: Slice, error: unknown): Promise<never> {
  const isCounted = error instanceof Problem && [SOURCE_VALUE_UNFIT.code, SOURCE_QUERY_FAILED.code].includes(error.code)
  if (isCounted) await countSlice(work, slice)
  throw error
}

/** Inside the engine where the source can be read there; undefined where it cannot, or could not in the end. */
async function readDirect(
  work: Work,
  slice: Slice,
  expectedRows: bigint | undefined,
  { target, complete }: { target: ParquetTarget; complete: (rows: Sql) => Sql },
): Promise<{ rows: bigint; files: DataFile[] } | undefined> {
  const { context, snapshot, wanted } = work
  const { table, columns } = wanted
  const { engine, signal } = context
  const opened = await snapshot.openDirect?.({ engine, table, columns, slice, signal })
  const byCopy = (reason: string): void => context.warn(`${wanted.name} is read by COPY: ${reason}`)
  if (typeof opened === 'string') byCopy(opened)
  if (opened === undefined || typeof opened === 'string') return undefined
  await using direct = opened
  try {
    const read = await directIntoFiles({ lake: wanted.lake, signal }, direct, target, complete)
    context.progress({ rows: read.rows, bytes: 0n, phase: 'reading', expectedRows })
    return read
  } catch (error) {
    // What cannot be read on this way is read on the other, which has the words for what is wrong.
    if (signal.aborted || error instanceof Problem || error instanceof DeltaError) throw error
    byCopy(firstLine(withoutValues(error, columns)))
    return undefined
  }
}

/** Count a slice, and refuse rows without the cursor by which they would have to be found. */
async function countSlice({ context, snapshot, wanted }: Work, slice: Slice): Promise<SliceCount> {
  const { table, columns, reading } = wanted
  const cursor = reading.kind === 'cursor' && reading.nulls === 'error' ? reading.column : undefined
  const told = { rows: 0n, bytes: 0n }
  context.progress({ ...told, phase: 'counting' })
  const counted = await snapshot
    .count({ table, slice, columns, cursor, signal: context.signal })
    .catch((error: unknown) => Promise.reject(filterProblem(error, wanted)))
  if (cursor === undefined || counted.withoutCursor === 0n) {
    context.progress({ ...told, phase: 'reading', expectedRows: counted.inSlice })
    return counted
  }
  const params = { table: wanted.name, column: cursor, rows: String(counted.withoutCursor) }
  throw CURSOR_NULL(params, { state: 'Nothing was written.' })
}

/** What the source says of a filter that is one expression and still none that it can use: an unknown operator, types that differ. */
function filterProblem(error: unknown, { table, name }: Work['wanted']): unknown {
  if (table.filter === undefined || !(error instanceof Problem) || error.code !== 'SOURCE_QUERY_FAILED') return error
  const reason = error.message.replace(/\.$/, '')
  return FILTER_REFUSED({ table: name, reason }, { cause: error.cause, state: 'Nothing was written.' })
}

function copyRequest({ context, wanted }: Work, slice: Slice): CopyRequest {
  const { table, columns } = wanted
  return { table, columns, slice, prefix: `rows-${context.ids.uuid()}`, ...segmentsOf(context) }
}

async function* noSegments(): AsyncGenerator<never> {}

/** @throws {INGEST_COUNT_MISMATCH} */
export function assertLanded(table: string, read: bigint, landed: bigint): void {
  if (read === landed) return
  throw INGEST_COUNT_MISMATCH({ table, read: String(read), landed: String(landed) }, { state: 'Nothing was written.' })
}
