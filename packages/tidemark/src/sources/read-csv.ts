/**
 * Segment files of CSV as a DuckDB relation. Everything is read as VARCHAR and typed by casts; the reader's own guessing is off
 * throughout.
 */
import { fileList } from '../engine/file-list.ts'
import { ident, integer, join, type Sql, sql, text } from '../engine/sql.ts'
import { MAX_ROW_BYTES } from './row-limit.ts'
import type { SourceColumn } from './source.ts'
import { hashed, segmentColumn, typedColumns, typedKeys } from './typed-rows.ts'

/** Small buffers let all threads begin at once, and twice the longest ordinary row always fits. */
const BUFFER_BYTES = 4 * 1024 * 1024

/** The reader's own limit is 2,000,000 bytes a row; segments with rows near it say so in their name. */
export const WIDE_ROW_BYTES = 1_000_000
export const WIDE_SUFFIX = '.wide.csv'

/**
 * Typed rows of segments whose rows carry no version, only a constant: it is made here, a hash over the texts of all columns in
 * which NULL, the empty text and the borders between values are told apart.
 */
export function readCsvHashed(files: readonly string[], columns: readonly SourceColumn[]): Sql {
  const parts = columns.map((column, i) => {
    const value = ident(segmentColumn(i + 1))
    return hashed(column.masked === true ? column.decode(value) : value)
  })
  const version = sql`md5(concat(${join([text(''), ...parts])})) AS ${ident('_row_version')}`
  return sql`SELECT ${join([version, ...typedColumns(columns, 1)])} FROM ${csvFiles(files, columns.length + 1)}`
}

/** The typed rows of segments written by `copyKeys`: the key columns by name. */
export function readKeyCsv(files: readonly string[], columns: readonly SourceColumn[]): Sql {
  return typedKeys(csvFiles(files, columns.length + 1), columns, 1)
}

function csvFiles(files: readonly string[], width: number): Sql {
  const names = Array.from({ length: width }, (_, i) => sql`${text(segmentColumn(i))}: 'VARCHAR'`)
  // Room for long rows makes the reader work on one thread, so it is only made where a segment needs it.
  const room = files.some(file => file.endsWith(WIDE_SUFFIX))
    ? sql`, max_line_size = ${integer(MAX_ROW_BYTES)}, buffer_size = ${integer(2 * MAX_ROW_BYTES)}`
    : sql`, buffer_size = ${integer(BUFFER_BYTES)}`
  return sql`read_csv(${fileList(files)}, hive_partitioning = false, auto_detect = false, header = false, columns = {${join(names)}}, \
delim = ',', quote = '"', escape = '"', nullstr = '', allow_quoted_nulls = false, new_line = '\\n', encoding = 'utf-8', \
strict_mode = true, null_padding = false, ignore_errors = false, compression = 'none'${room})`
}
