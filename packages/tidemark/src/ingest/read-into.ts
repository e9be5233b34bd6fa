/**
 * Reading a whole table, or a part of it, straight into data files: by DuckDB's own reader where the source has one, by COPY else,
 * and counted where nothing else proves what was read.
 */
import type { DataFile, StructType } from '@tidemark/delta'
import type { Sql } from '../engine/sql.ts'
import type { Slice, SliceCount } from '../sources/source.ts'
import { intoFiles } from './candidates.ts'
import { intakeOf } from './load-slice.ts'
import { estimatedRows } from './parts-progress.ts'
import { askCount, assertLanded, copyRequest, countSlice, stoppedCopy } from './read.ts'
import { type Into, readDirect } from './read-direct.ts'
import { entries, type Work } from './work.ts'

/** Read the whole table, or a part of it, straight into data files. */
export async function readInto(
  work: Work,
  slice: Slice & { kind: 'all' | 'chunk' },
  schema: StructType,
  seq: bigint,
): Promise<{ rows: bigint; files: DataFile[] }> {
  const { wanted } = work
  const before = isJudgedByReading(work) ? undefined : await countSlice(work, slice, wanted.columns)
  const oneValue = { _op: 'upsert', _run_id: work.context.runId }
  const target = { tablePath: wanted.tablePath, schema, statsColumns: ['_seq', '_op'], oneValue }
  const complete = (rows: Sql): Sql => entries(work, rows, seq)
  const expectedRows = before?.inSlice ?? (slice.kind === 'all' ? estimatedRows(wanted.table) : undefined)
  const direct = await readDirect(work, slice, expectedRows, { target, complete })
  if (direct === 'unfit') await countSlice(work, slice, wanted.columns)
  const isDirect = direct !== undefined && direct !== 'unfit'
  const result = isDirect ? direct : await readCopy(work, slice, { target, complete, before })
  // COPY compares its rows with the server's number itself.
  const isProved = !isDirect || (direct.isProved && direct.uncounted.length === 0)
  const counted = before ?? (isProved ? undefined : await askCount(work, slice, direct.uncounted))
  if (counted !== undefined) assertLanded(wanted.name, counted.inSlice, result.rows)
  const landed = result.files.reduce((sum, file) => sum + file.numRecords, 0n)
  assertLanded(wanted.name, result.rows, landed)
  return { rows: result.rows, files: result.files }
}

async function readCopy(
  work: Work,
  slice: Slice & { kind: 'all' | 'chunk' },
  { target, complete, before }: Into & { before: SliceCount | undefined },
): ReturnType<typeof intoFiles> {
  const { context, session, snapshot, wanted } = work
  const expectedRows = before?.inSlice ?? (slice.kind === 'all' ? estimatedRows(wanted.table) : undefined)
  const intake = intakeOf(context, session, wanted, expectedRows)
  try {
    return await intoFiles(intake, snapshot.copy(copyRequest(work, slice)), target, complete)
  } catch (error) {
    if (before === undefined) return await stoppedCopy(work, slice, error)
    throw error
  }
}

/**
 * True when nothing is left for a count before the read to find: the copy refuses what the lake cannot hold, DuckDB's own reader
 * does or says where it does not, and no row has to be found by a cursor that could be NULL.
 */
function isJudgedByReading({ snapshot, wanted }: Work): boolean {
  const { columns, reading } = wanted
  const isFound = reading.kind !== 'cursor' || reading.nulls !== 'error'
  return isFound && snapshot.copyRefusesUnfit?.(columns) === true
}
