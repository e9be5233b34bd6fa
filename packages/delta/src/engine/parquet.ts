/**
 * What an engine must be able to do to write a table: turn rows into finished Parquet files.
 */
import type { DataFile } from '../log/actions.ts'
import type { ColumnMapping } from '../schema/column-mapping.ts'
import type { StructType } from '../schema/schema.ts'

/** Writes rows as finished Parquet files of a table. `Rows` is whatever handle the engine uses. */
export interface ParquetWriter<Rows> {
  /**
   * No rows, no file. Files get new unique names and are complete and durable when this returns; they are part of the
   * table only when a commit names them.
   */
  write(rows: Rows, options: WriteOptions): Promise<DataFile[]>
  /**
   * The same in two halves: it resolves when the rows are written, and `published` when their files are complete and durable.
   * Other rows may be written meanwhile. Left out by an engine that has no use for it.
   */
  begin?(rows: Rows, options: WriteOptions): Promise<BegunFiles>
}

/** Files that are written and on their way. */
export interface BegunFiles {
  readonly published: Promise<DataFile[]>
}

export interface WriteOptions {
  tablePath: string
  /** The table's columns after the commit; rows have these names, in any order. */
  schema: StructType
  /** How columns are named in the files; anything but `none` takes names and ids from the metadata of the schema. */
  columnMapping?: ColumnMapping | undefined
  /** Logical names. Each file then holds the rows of one combination of values, and has them as `partitionValues`. */
  partitionColumns?: readonly string[] | undefined
  /** The table's settings; those on statistics and on compression (`parquetCodec`) are honoured. */
  configuration?: Readonly<Record<string, string>> | undefined
  /** Columns that must have statistics wherever they stand in the schema. */
  statsColumns?: readonly string[] | undefined
  /**
   * Text columns of which every row has the one value that is told here: an engine need not look for their values. One that
   * finds another ends the write.
   */
  oneValue?: Readonly<Record<string, string>> | undefined
  /**
   * `changes` writes files of the change data feed: in the folder `_change_data`, with `_change_type` as one more text
   * column of the rows.
   */
  purpose?: 'data' | 'changes' | undefined
  /** About how large a file may grow; the engine's own choice when left out. */
  targetFileBytes?: bigint | undefined
  /** Order of the rows, within each file and from file to file of a partition. */
  orderBy?: RowOrder | undefined
  signal?: AbortSignal | undefined
}

export interface RowOrder {
  /** Logical names of columns that can be compared. */
  columns: readonly string[]
  /**
   * `linear` sorts by the first column, then the next. `z-order` gives each column the same weight, so that a condition
   * on any of them rules out files.
   */
  curve: 'linear' | 'z-order'
}
