/**
 * Reading a slice inside the engine, straight into data files: the streams that the source gives side by side, and all of them
 * or none.
 */
import { type DataFile, DeltaError } from '@tidemark/delta'
import type { ParquetTarget } from '../engine/engine.ts'
import type { Sql } from '../engine/sql.ts'
import { firstLine } from '../errors/first-line.ts'
import { Problem } from '../errors/problem.ts'
import { type DirectStream, UNFIT_MARK } from '../sources/direct-read.ts'
import type { Slice, SourceColumn } from '../sources/source.ts'
import { lakeRows } from './candidates.ts'
import { leftToCount } from './left-to-count.ts'
import { withoutValues } from './masks.ts'
import type { Work } from './work.ts'

/** Where rows go, and what becomes of them on the way. */
export interface Into {
  target: ParquetTarget
  complete: (rows: Sql) => Sql
}

export interface ReadRows {
  rows: bigint
  files: DataFile[]
  /** Columns that may still hold values which are to be refused. */
  uncounted: readonly SourceColumn[]
  /** The source says that it has given as many rows. */
  isProved: boolean
}

/**
 * Undefined where the slice cannot be read so, or could not in the end, and `unfit` where a value ended it that the lake cannot
 * hold: then nothing of it is left.
 */
export async function readDirect(
  work: Work,
  slice: Slice,
  expectedRows: bigint | undefined,
  into: Into,
): Promise<ReadRows | 'unfit' | undefined> {
  const { context, snapshot, wanted } = work
  const { table, columns } = wanted
  const stop = new AbortController()
  const signal = AbortSignal.any([context.signal, stop.signal])
  const opened = await snapshot.openDirect?.({ engine: context.engine, table, columns, slice, signal })
  const byCopy = (reason: string): void => context.warn(`read by COPY: ${reason}`)
  if (typeof opened === 'string') byCopy(opened)
  if (opened === undefined || typeof opened === 'string') return undefined
  await using direct = opened
  try {
    const files = await allOrNone(work, into.target, direct.streams, async stream => {
      try {
        return await writeStream(work, stream, into, signal)
      } catch (error) {
        // What another stream asks of the server is of no more use.
        stop.abort(error)
        throw error
      }
    })
    const rows = files.reduce((sum, file) => sum + file.numRecords, 0n)
    context.progress({ rows, bytes: 0n, phase: 'reading', expectedRows })
    const { unjudged } = direct.streams[0] ?? { unjudged: [] }
    const given = await Promise.all(direct.streams.map(stream => stream.rowsGiven()))
    const isProved = given.every(one => one !== undefined) && rows === given.reduce((sum, one) => sum + one, 0n)
    return { rows, files, isProved, uncounted: leftToCount(unjudged, files, wanted.lake) }
  } catch (thrown) {
    // Others end in consequence of the first, in a store for one.
    const error: unknown = stop.signal.aborted ? stop.signal.reason : thrown
    if (String(error).includes(UNFIT_MARK)) return 'unfit'
    // What cannot be read on this way is read on the other, which has the words for what is wrong.
    if (context.signal.aborted || error instanceof Problem || error instanceof DeltaError) throw error
    byCopy(firstLine(withoutValues(error, columns)))
    return undefined
  }
}

async function writeStream(
  { wanted }: Work,
  { session, relation }: DirectStream,
  { target, complete }: Into,
  signal: AbortSignal,
): Promise<DataFile[]> {
  const rows = lakeRows(relation, wanted.lake, ['_row_version'])
  return await session.writeParquet(complete(rows), target, signal)
}

/** The files of all streams, in their order; when one fails, those that others have written are taken away again. */
async function allOrNone(
  { context }: Work,
  { tablePath }: ParquetTarget,
  streams: readonly DirectStream[],
  write: (stream: DirectStream) => Promise<DataFile[]>,
): Promise<DataFile[]> {
  const outcomes = await Promise.allSettled(streams.map(write))
  const files = outcomes.flatMap(outcome => (outcome.status === 'fulfilled' ? outcome.value : []))
  const failed = outcomes.find(outcome => outcome.status === 'rejected')
  if (failed === undefined) return files
  // What stays is in no commit, and vacuum's.
  await Promise.allSettled(files.map(({ path }) => context.store.delete(`${tablePath}/${path}`)))
  throw failed.reason
}
