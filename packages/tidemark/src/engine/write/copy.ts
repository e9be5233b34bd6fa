/**
 * The COPY statements that write data files: compressed as the table asks, in row groups of so many rows and bytes at most, with
 * the statistics of each file as their result.
 */
import { type ParquetCodec, parquetCodec } from '@tidemark/delta'
import { ident, integer, join, raw, type Sql, sql, text } from '../sql.ts'

/**
 * Rows per row group and groups per file: a data file holds at most about two million rows. Each thread that writes keeps a
 * whole group in memory, so groups are half as large as the engine would make them.
 */
export const ROW_GROUP_ROWS = 61_440
export const FILE_ROWS: number = 32 * ROW_GROUP_ROWS

/** In memory. Long rows make smaller groups: one of 61,440 texts of 100 KB would be 6 GB. */
const ROW_GROUP_BYTES = 64 * 1024 * 1024

/**
 * Most entries of a column's dictionary in a row group. It is looked for in every column and thrown away beyond that: at the
 * engine's own limit, twice as much, columns of keys cost a twelfth of all writing, and files are hardly smaller.
 */
const DICTIONARY_ENTRIES = ROW_GROUP_ROWS / 10

/**
 * Columns up to which the limit is set: the engine then takes 256 KiB for each at once, however few its rows are. Its own limit
 * follows the rows of a group.
 */
const LIMITED_COLUMNS = 100

/** What the files of one COPY are. */
export type CopyTarget =
  /** Files `0`, `1` … in a folder, a new one when a row group makes one too large. Rows are in no order. */
  | { readonly kind: 'rotating'; readonly folder: string; readonly fileBytes: bigint | undefined }
  /** One file, with the rows in the order of the query. */
  | { readonly kind: 'single'; readonly file: string }
  /** One file for each value of a column, which is not in the files. Rows are in no order. */
  | { readonly kind: 'by piece'; readonly folder: string; readonly piece: string }

/** How the files are written, whatever is in them. */
export interface CopyForm {
  /** How many columns there are; may be left out where they are few. */
  readonly columnCount?: number
  readonly fieldIds?: Sql | undefined
  /** The table's settings. */
  readonly configuration?: Readonly<Record<string, string>> | undefined
}

/** Write the rows of a query whose columns are those of the files. */
export function copyStatement(query: Sql, target: CopyTarget, form: CopyForm = {}): Sql {
  const { fieldIds, configuration, columnCount = 0 } = form
  const place = target.kind === 'single' ? target.file : target.folder
  const options = [
    sql`FORMAT parquet, ${compression(parquetCodec(configuration))}`,
    sql`ROW_GROUP_SIZE ${integer(ROW_GROUP_ROWS)}, ROW_GROUP_SIZE_BYTES ${integer(ROW_GROUP_BYTES)}`,
    ...(columnCount > LIMITED_COLUMNS ? [] : [sql`DICTIONARY_SIZE_LIMIT ${integer(DICTIONARY_ENTRIES)}`]),
    ...targetOptions(target),
    ...(fieldIds === undefined ? [] : [sql`FIELD_IDS ${fieldIds}`]),
    raw('RETURN_STATS'),
  ]
  return sql`COPY (${query}) TO ${text(place)} (${join(options)})`
}

/** The lowest level of zstd: the engine's own takes half as long again to save a twentieth. */
export function compression(codec: ParquetCodec): Sql {
  return codec === 'zstd' ? raw('COMPRESSION zstd, COMPRESSION_LEVEL 1') : sql`COMPRESSION ${raw(codec)}`
}

function targetOptions(target: CopyTarget): Sql[] {
  switch (target.kind) {
    case 'rotating':
      return [
        target.fileBytes === undefined
          ? sql`ROW_GROUPS_PER_FILE ${integer(FILE_ROWS / ROW_GROUP_ROWS)}`
          : sql`FILE_SIZE_BYTES ${integer(target.fileBytes)}`,
        raw("FILENAME_PATTERN '{i}', WRITE_EMPTY_FILE false"),
      ]
    case 'single':
      return []
    case 'by piece':
      return [sql`PARTITION_BY (${ident(target.piece)})`, raw("FILENAME_PATTERN '{i}'")]
  }
}
