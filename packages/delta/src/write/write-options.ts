/**
 * How new files of a table are written, as far as its version decides: names in the files, partitions and statistics.
 */
import type { WriteOptions } from '../engine/parquet.ts'
import { columnMappingOf } from '../schema/column-mapping.ts'
import type { StructType } from '../schema/schema.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'

/**
 * Options for files that a commit onto the snapshot will add; the caller adds statistics, order and signal.
 *
 * @param schema the table's after the commit, from `evolvedSchema` or `replacedSchema` when it changes: what gives new
 *   columns their names in files
 *
 * @example
 * ```ts
 * const options = writeOptionsFor(people)
 * const written = await parquet.write([{ id: 4, name: 'Di' }], options)
 * console.log(written[0]?.numRecords) // 1n
 * ```
 */
export function writeOptionsFor(
  snapshot: Snapshot,
  schema: StructType = snapshot.schema,
): WriteOptions & Required<Pick<WriteOptions, 'columnMapping' | 'partitionColumns' | 'configuration'>> {
  return {
    tablePath: snapshot.tablePath,
    schema,
    columnMapping: columnMappingOf(snapshot),
    partitionColumns: snapshot.metaData.partitionColumns,
    configuration: snapshot.configuration,
  }
}
