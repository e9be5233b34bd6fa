/**
 * Candidates: the rows one extraction read, as a relation in the engine. Segments are typed and dropped one by one while
 * the source fills the next, so disk and memory stay bounded by a few segments.
 */
import { type DataFile, field } from '@tidemark/delta'
import type { ParquetTarget, Session } from '../engine/engine.ts'
import { ident, join, type Sql, sql } from '../engine/sql.ts'
import { emptyRelation } from '../engine/types.ts'
import type { Segment, SourceColumn } from '../sources/source.ts'
import { withoutValues } from './masks.ts'
import type { LakeColumn } from './lake-columns.ts'

/** Reads finished segment files as typed rows; bound to the form that a source has for them. */
export type ReadSegments = (files: readonly string[], columns: readonly SourceColumn[]) => Sql

export interface Intake {
  session: Session
  columns: readonly SourceColumn[]
  /** What rows carry under the lake's names, made of these columns. */
  lake: readonly LakeColumn[]
  read: ReadSegments
  /** Called with the totals so far after each segment. */
  onRows: (rows: bigint, bytes: bigint) => void
  /** Remove a segment file that is no longer needed. */
  discard: (path: string) => Promise<void>
  signal: AbortSignal
}

/** The typed rows of some segments under the lake's column names, with the given leading columns. */
function typedRows(intake: Intake, files: readonly string[], leading: readonly string[]): Sql {
  return lakeRows(intake.read(files, intake.columns), intake.lake, leading)
}

/** Rows of a source under the lake's column names, with the given leading columns. */
export function lakeRows(rows: Sql, lake: readonly LakeColumn[], leading: readonly string[]): Sql {
  const lead = leading.map(name => ident(name))
  const named = lake.map(({ name, value }) => sql`${value} AS ${ident(name)}`)
  return sql`SELECT ${join([...lead, ...named])} FROM (${rows})`
}

/** Load segments into a temporary table. Returns its name and the number of rows. */
export async function intoTable(
  intake: Intake,
  segments: AsyncIterable<Segment>,
  options: { hint: string; leading: readonly string[] },
): Promise<{ table: string; rows: bigint }> {
  const table = intake.session.temporaryName(options.hint)
  const fields = [
    ...options.leading.map(name => field(name, 'string')),
    ...intake.lake.map(({ name, type }) => field(name, type)),
  ]
  const empty = emptyRelation({ type: 'struct', fields })
  await intake.session.run(sql`CREATE TEMP TABLE ${ident(table)} AS ${empty}`, intake.signal)
  const rows = await eachSegment(intake, segments, async segment => {
    const select = typedRows(intake, [segment.path], options.leading)
    await intake.session.run(sql`INSERT INTO ${ident(table)} ${select}`, intake.signal)
  })
  return { table, rows }
}

/** Hand over the typed rows of each segment, for work that keeps none of them. Returns the number of rows. */
export async function throughSegments(
  intake: Intake,
  segments: AsyncIterable<Segment>,
  leading: readonly string[],
  take: (rows: Sql) => Promise<void>,
): Promise<bigint> {
  return eachSegment(intake, segments, segment => take(sql`(${typedRows(intake, [segment.path], leading)})`))
}

/**
 * Write segments straight to data files, for rows that need no comparison with what is there. The files of one segment are on
 * their way to the lake while the next is written, and those of no more than one.
 */
export async function intoFiles(
  intake: Intake,
  segments: AsyncIterable<Segment>,
  target: ParquetTarget,
  complete: (rows: Sql) => Sql,
): Promise<{ files: DataFile[]; rows: bigint }> {
  const files: DataFile[] = []
  let sending = Promise.resolve<DataFile[]>([])
  try {
    const rows = await eachSegment(intake, segments, async segment => {
      const select = complete(typedRows(intake, [segment.path], ['_row_version']))
      const { published } = await intake.session.beginParquet(select, target, intake.signal)
      const before = sending
      sending = published
      files.push(...(await before))
    })
    files.push(...(await sending))
    return { files, rows }
  } finally {
    await sending.catch(() => undefined)
  }
}

/** Work on one segment while the source already fills the next. */
async function eachSegment(
  intake: Intake,
  segments: AsyncIterable<Segment>,
  work: (segment: Segment) => Promise<void>,
): Promise<bigint> {
  const iterator = segments[Symbol.asyncIterator]()
  let rows = 0n
  let bytes = 0n
  let coming = iterator.next()
  try {
    for (let step = await coming; step.done !== true; step = await coming) {
      coming = iterator.next()
      coming.catch(() => undefined)
      const taken = intake.session.readingOnce(() => work(step.value))
      await taken.catch((error: unknown) => Promise.reject(withoutValues(error, intake.columns)))
      await intake.discard(step.value.path)
      rows += step.value.rows
      bytes += step.value.bytes
      intake.onRows(rows, bytes)
    }
  } finally {
    await coming.catch(() => undefined)
    await iterator.return?.()
  }
  return rows
}
