/** Binary columns of Parquet files, read so that comparing them finds what is there. */
import { type Sql, sql } from './sql.ts'

/**
 * The column as an expression that DuckDB does not compare inside the file. Its Parquet reader asks a file's Bloom filter for
 * the printed form of a value, and finds no BLOB that has other bytes than ASCII (seen in 1.5.5).
 */
export function readBlob(column: Sql): Sql {
  return sql`(${column} || ''::BLOB)`
}
