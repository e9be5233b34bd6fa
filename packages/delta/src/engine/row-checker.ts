/**
 * What an engine must be able to do to keep a table's conditions: count the rows that break them.
 */
import type { Condition } from '../schema/conditions.ts'
import type { StructType } from '../schema/schema.ts'

/** Judges rows by Spark SQL. `Rows` is whatever handle the engine uses. */
export interface RowChecker<Rows> {
  /**
   * For each condition, in order, the number of rows for which it is not TRUE. A condition whose meaning in Spark the
   * engine cannot be sure to match is refused, with the reason; guessing would let wrong rows in.
   *
   * @param options.schema the table's columns; rows have these names
   */
  countViolations(
    rows: Rows,
    conditions: readonly Condition[],
    options: { schema: StructType; signal?: AbortSignal | undefined },
  ): Promise<readonly (bigint | { refused: string })[]>
}
