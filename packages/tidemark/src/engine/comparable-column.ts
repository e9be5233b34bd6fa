/**
 * Columns of Parquet files, read so that comparing them finds what is there. DuckDB's reader asks a file's Bloom filter for one form of a
 * value (seen in 1.5.5): for the printed form of a BLOB, and for 0 where -0 is written, which is equal.
 */
import type { DataType } from '@tidemark/delta'
import { type Sql, sql } from './sql.ts'

/** The column, of some types as an expression that is not compared inside the file. Its values stay what they are, -0 too. */
export function readComparable(column: Sql, type: DataType): Sql {
  switch (type) {
    case 'binary':
      return sql`(${column} || ''::BLOB)`
    case 'float':
      return sql`(${column} - 0::FLOAT)`
    case 'double':
      return sql`(${column} - 0::DOUBLE)`
    default:
      return column
  }
}
