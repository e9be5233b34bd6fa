/**
 * The COPY statements that write data files: compressed as the table asks, row groups of a fixed number of rows, and the statistics of each file
 * as their result.
 */
import { type ParquetCodec, parquetCodec } from '@tidemark/delta'
import { ident, integer, join, raw, type Sql, sql, text } from '../sql.ts'

/**
 * Rows per row group and groups per file: a data file holds at most about two million rows. Each thread that writes keeps a
 * whole group in memory, so groups are half as large as the engine would make them.
 */
export const ROW_GROUP_ROWS = 61_440
export const FILE_ROWS: number = 32 * ROW_GROUP_ROWS

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
  readonly fieldIds?: Sql | undefined
  /** The table's settings. */
  readonly configuration?: Readonly<Record<string, string>> | undefined
}

/** Write the rows of a query whose columns are those of the files. */
export function copyStatement(query: Sql, target: CopyTarget, { fieldIds, configuration }: CopyForm = {}): Sql {
  const place = target.kind === 'single' ? target.file : target.folder
  const options = [
    sql`FORMAT parquet, ${compression(parquetCodec(configuration))}`,
    sql`ROW_GROUP_SIZE ${integer(ROW_GROUP_ROWS)}`,
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
