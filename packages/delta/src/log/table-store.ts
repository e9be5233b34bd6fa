/**
 * Where tables lie: their bytes, and whoever can open the Parquet files of their logs. Handed to everything that reads
 * or writes a log.
 */
import type { ParquetCodec } from '../engine/parquet-codec.ts'
import type { StructType } from '../schema/schema.ts'
import type { ObjectStore } from '../store/store.ts'

export interface TableStore {
  readonly store: ObjectStore
  /** Needed only where a table's older versions are kept in Parquet checkpoints, and to write such checkpoints. */
  readonly logParquet?: LogParquet
}

/** The log's own Parquet files: checkpoints and their sidecars. */
export interface LogParquet {
  /**
   * The rows of a file, in any order and in chunks, each as the text of one JSON object. Only the wanted columns are
   * there, named by path from the top (`add.path`), and of those only what the file has; what is NULL may be left out.
   * Maps are objects. Integers and decimals are numbers in all their digits, dates `YYYY-MM-DD`, timestamps ISO 8601
   * with microseconds (`2026-01-02T03:04:05.000006Z`, without the Z when they have no zone). A number that JSON does not
   * have, NaN or an infinite one, is left out.
   *
   * @param path the file's store path
   */
  readRows(
    path: string,
    options: { columns: readonly string[]; signal?: AbortSignal | undefined },
  ): AsyncIterable<readonly string[]>
  /**
   * Write rows, each the text of one JSON object, as a Parquet file whose columns may all be NULL, at every depth. The
   * file is read back and its rows are counted before it is published under `path`, whole or not at all; a file that
   * is there already stays.
   */
  writeRows(
    path: string,
    schema: StructType,
    rows: AsyncIterable<readonly string[]>,
    options?: { codec?: ParquetCodec | undefined; signal?: AbortSignal | undefined },
  ): Promise<{ outcome: 'created' | 'exists'; rowCount: bigint; sizeBytes: bigint }>
}
