/** The rows of a source in the common form: streamed as often as they are needed, one segment in hand at a time. */
import type { Session } from '../../engine/engine.ts'
import { ident, type Sql, sql } from '../../engine/sql.ts'
import { throughSegments } from '../candidates.ts'
import { intakeOf, type ReadingContext, type SliceRead, segmentsOf } from '../load-slice.ts'
import { type Shape, shaped } from './shape.ts'

/** Rows one part after the other; each part is a relation in the common form with `row_version` beside it. */
export type EachPart = (take: (rows: Sql) => Promise<void>) => Promise<bigint>

/** Read a slice part by part. The same snapshot gives the same rows each time. */
export function sourceRows(context: ReadingContext, session: Session, shape: Shape, read: SliceRead): EachPart {
  const { snapshot, lake, ...wanted } = read
  return take => {
    const request = { ...wanted, prefix: `compare-${context.ids.uuid()}`, ...segmentsOf(context) }
    const intake = intakeOf(context, session, { ...wanted, lake })
    const version = sql`${ident('_row_version')} AS row_version`
    return throughSegments(intake, snapshot.copy(request), ['_row_version'], rows =>
      take(shaped(shape, 'source', rows, [version])),
    )
  }
}
