/** What all loops have in common that carry the values of one column over into a column of a segment. */
import type { ColumnValues } from '../parquet/column-values.ts'

/** Stands for a place where the value is NULL. */
export const NULL_PLACE = -1

/**
 * Add values to a column. There is a loop for each form of a value: a call for each value would cost more than the value.
 *
 * @param from   bytes as they came
 * @param places where each row's value begins; its length stands in the four bytes before
 * @returns      how many of them the column cannot hold, 0 when all is well
 */
export type TakeValues = (from: DataView, places: Int32Array, to: ColumnValues) => number
