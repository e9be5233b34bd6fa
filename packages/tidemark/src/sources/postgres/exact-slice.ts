/**
 * Slices that users wrote values of: columns spelled as the database does, values judged by the database itself, whose
 * complaint about one becomes a Problem of what was written.
 */
import { findColumn } from '../find-column.ts'
import { errorCode } from '../driver-reason.ts'
import { invalidSlice, noLiteral } from '../slice.ts'
import type { Position } from '../position.ts'
import type { Slice, SourceTable } from '../source.ts'
import { printName } from '../table-name.ts'
import { sqlstateOf } from './driver-error.ts'
import { assertHorizonUsable } from './position.ts'

/**
 * The slice with its columns spelled as the database does.
 *
 * @throws {SOURCE_COLUMN_MISSING} {SOURCE_RANGE_INVALID} {SOURCE_KEY_INVALID}
 */
export function exactSlice(
  slice: Slice,
  table: SourceTable,
  { source, position }: { source: string; position: Position },
): Slice {
  const refuseNul = (name: string, ...written: readonly (string | undefined)[]): string => {
    const column = findColumn(source, table, name)
    const wrong = written.find(one => one?.includes('\0'))
    // No value of this database holds one, and no statement can.
    if (wrong !== undefined) throw invalidSlice({ source, table: printName(table) }, slice, noLiteral(column, wrong))
    return column.name
  }
  switch (slice.kind) {
    case 'cursor':
      return { ...slice, column: refuseNul(slice.column, slice.from) }
    case 'range':
      return { ...slice, column: refuseNul(slice.column, slice.from, slice.to) }
    case 'keys':
      return { ...slice, columns: slice.columns.map((name, n) => refuseNul(name, ...slice.keys.map(key => key[n]))) }
    case 'since':
      if (!table.hasRowVersion) throw new TypeError(`this is a bug in tidemark: ${printName(table)} has no row version`)
      assertHorizonUsable(position, slice.horizon, printName(table))
      return slice
    case 'all':
    case 'chunk':
      return slice
  }
}

/** Errors about data (SQLSTATE class 22) in a backfill or a look-up come from the values that the user wrote. */
export function explainSlice(error: unknown, named: { source: string; table: string }, slice: Slice): unknown {
  const sqlstate = sqlstateOf(error)
  if (!(slice.kind === 'range' || slice.kind === 'keys')) return error
  if (!(sqlstate.startsWith('22') || sqlstate === '42883')) return error
  const cause = error instanceof Error ? error.cause : undefined
  const reason = cause instanceof Error ? cause.message : errorCode(cause)
  const column = slice.kind === 'range' ? slice.column : slice.columns.join(', ')
  return invalidSlice(named, slice, { column, reason }, { cause })
}
