/** What the count of a slice has found: its numbers, and values that the lake cannot hold. */
import { SOURCE_VALUE_UNFIT, type UnfitColumn } from '../errors/source-table.ts'
import type { SliceCount, SourceColumn } from './source.ts'

/** A row with `total`, `in_slice`, maybe `without_cursor`, and `unfit_<n>` for each column that has values to be refused. */
export type CountRow = Readonly<Record<string, string | null>>

/**
 * The numbers of a slice, unless it is refused: `unfit_<n>` is the number of values in the n-th column that the lake
 * cannot hold.
 *
 * @param valuesOf what they are, for the message; undefined for a column that has none
 * @throws {SOURCE_VALUE_UNFIT}
 */
export function readCount(
  row: CountRow,
  named: { source: string; table: string },
  columns: readonly SourceColumn[],
  valuesOf: (column: SourceColumn) => string | undefined,
): SliceCount {
  const number = (name: string): bigint => BigInt(row[name] ?? '0')
  const unfit = columns.flatMap((column, n): UnfitColumn[] => {
    const count = number(`unfit_${n}`)
    const values = valuesOf(column)
    if (count === 0n || values === undefined) return []
    return [{ column: column.name, sourceType: column.sourceType, deltaType: column.deltaType, values, count }]
  })
  if (unfit.length > 0) throw SOURCE_VALUE_UNFIT({ ...named, columns: unfit })
  return { total: number('total'), inSlice: number('in_slice'), withoutCursor: number('without_cursor') }
}
