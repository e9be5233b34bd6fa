/** A slice of a source as a temporary table, for whoever looks at rows without making them part of the lake. */
import type { Session } from '../engine/engine.ts'
import { ident, type Sql } from '../engine/sql.ts'
import type { Slice, SourceColumn, SourceSnapshot, SourceTable } from '../sources/source.ts'
import { type Intake, intoTable } from './candidates.ts'
import { type IngestContext, SEGMENT_BYTES } from './context.ts'
import { type LakeColumn, oneForOne } from './lake-columns.ts'

/** What reading a source takes. */
export type ReadingContext = Pick<IngestContext, 'read' | 'discard' | 'scratch' | 'ids' | 'progress' | 'signal'>

export interface SliceRead {
  snapshot: SourceSnapshot
  table: SourceTable
  columns: readonly SourceColumn[]
  /** What the rows carry; each column as it is when left out. */
  lake?: readonly LakeColumn[]
  slice: Slice
}

/** Load a slice: its columns under their lake names behind `_row_version`. The table lives as long as the session. */
export async function loadSlice(
  context: ReadingContext,
  session: Session,
  { snapshot, lake, ...wanted }: SliceRead,
): Promise<{ relation: Sql; rows: bigint }> {
  const request = { ...wanted, prefix: `look-${context.ids.uuid()}`, ...segmentsOf(context) }
  const intake = intakeOf(context, session, { ...wanted, lake })
  const { table, rows } = await intoTable(intake, snapshot.copy(request), { hint: 'slice', leading: ['_row_version'] })
  return { relation: ident(table), rows }
}

/** Where and how segments of a read are written. */
export function segmentsOf({ scratch, signal }: ReadingContext): {
  directory: string
  segmentBytes: number
  signal: AbortSignal
} {
  return { directory: scratch, segmentBytes: SEGMENT_BYTES, signal }
}

/** How segments of a read are taken into the engine; each column as it is without `lake`, `expectedRows` as counted before. */
export function intakeOf(
  context: ReadingContext,
  session: Session,
  {
    columns,
    lake = oneForOne(columns),
  }: { columns: readonly SourceColumn[]; lake?: readonly LakeColumn[] | undefined },
  expectedRows?: bigint,
): Intake {
  const { read, discard, signal } = context
  const onRows = (rows: bigint, bytes: bigint): void =>
    context.progress({ rows, bytes, phase: 'reading', expectedRows })
  return { session, columns, lake, read, discard, onRows, signal }
}
