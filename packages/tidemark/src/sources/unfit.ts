/** Values that the lake cannot hold, as the count of a slice has found them. */
import { SOURCE_VALUE_UNFIT, type UnfitColumn } from '../errors/source-table.ts'
import type { SourceColumn } from './source.ts'

/**
 * Refuse a slice by the row of its count, where `unfit_<n>` is the number of such values in the n-th column.
 *
 * @param valuesOf what they are, for the message; undefined for a column that has none
 * @throws {SOURCE_VALUE_UNFIT}
 */
export function refuseUnfit(
  named: { source: string; table: string },
  columns: readonly SourceColumn[],
  row: Readonly<Record<string, string | null>>,
  valuesOf: (column: SourceColumn) => string | undefined,
): void {
  const unfit = columns.flatMap((column, n): UnfitColumn[] => {
    const count = BigInt(row[`unfit_${n}`] ?? '0')
    const values = valuesOf(column)
    if (count === 0n || values === undefined) return []
    return [{ column: column.name, sourceType: column.sourceType, deltaType: column.deltaType, values, count }]
  })
  if (unfit.length > 0) throw SOURCE_VALUE_UNFIT({ ...named, columns: unfit })
}
