/**
 * Segment files as a DuckDB relation. Everything is read as VARCHAR and typed by casts, which fail aloud on text they
 * cannot read; the reader's own guessing is off throughout.
 */
import { fileList } from '../engine/file-list.ts'
import { ident, integer, join, type Sql, sql, text } from '../engine/sql.ts'
import type { SourceColumn } from './source.ts'

/** Longest row that is carried, in bytes of CSV text. */
export const MAX_ROW_BYTES: number = 128 * 1024 * 1024

/** Small buffers let all threads begin at once, and twice the longest ordinary row always fits. */
const BUFFER_BYTES = 4 * 1024 * 1024

/** The reader's own limit is 2,000,000 bytes a row; segments with rows near it say so in their name. */
export const WIDE_ROW_BYTES = 1_000_000
export const WIDE_SUFFIX = '.wide.csv'

/**
 * Typed rows of a relation with columns `c0`, `c1` … in the order of `copy`: `_overlap BOOLEAN`, `_row_version VARCHAR`,
 * then the columns by name.
 */
export function typedRows(relation: Sql, columns: readonly SourceColumn[]): Sql {
  const version = sql`${versionWithMasked(ident(segmentColumn(1)), columns)} AS ${ident('_row_version')}`
  const overlap = sql`(${ident(segmentColumn(0))} = '1') AS ${ident('_overlap')}`
  return sql`SELECT ${join([overlap, version, ...typed(columns, 2)])} FROM ${relation}`
}

/**
 * The same for a source whose rows carry no version: segments hold no version either, and it is made here, a hash over
 * the texts of all columns in which NULL, the empty text and the borders between values are told apart.
 */
export function readCsvHashed(files: readonly string[], columns: readonly SourceColumn[]): Sql {
  const parts = columns.map((column, i) => {
    const value = ident(segmentColumn(i + 1))
    return hashed(column.masked === true ? column.decode(value) : value)
  })
  const version = sql`md5(concat(${join([text(''), ...parts])})) AS ${ident('_row_version')}`
  const overlap = sql`(${ident(segmentColumn(0))} = '1') AS ${ident('_overlap')}`
  return sql`SELECT ${join([overlap, version, ...typed(columns, 1)])} FROM ${csvFiles(files, columns.length + 1)}`
}

/**
 * A version that the source made as a hash, over columns that are not masked, with the masked values beside it; a version
 * that rows carry stays as it is.
 */
function versionWithMasked(version: Sql, columns: readonly SourceColumn[]): Sql {
  const parts = columns.flatMap((column, i) =>
    column.masked === true ? [hashed(column.decode(ident(segmentColumn(i + 2))))] : [],
  )
  if (parts.length === 0) return version
  return sql`CASE WHEN strlen(${version}) = 32 THEN md5(concat(${join([version, ...parts])})) ELSE ${version} END`
}

/** A part of a text to be hashed: NULL, the empty text and where a value ends are told apart. */
function hashed(value: Sql): Sql {
  return sql`CASE WHEN ${value} IS NULL THEN '-' ELSE concat(strlen(CAST(${value} AS VARCHAR)), ':', ${value}) END`
}

/** The typed rows of segments written by `copyKeys`: the key columns by name. */
export function readKeyCsv(files: readonly string[], columns: readonly SourceColumn[]): Sql {
  return typedKeys(csvFiles(files, columns.length + 1), columns, 1)
}

/** The same of any relation, in which the keys begin at a column of this number. */
export function typedKeys(relation: Sql, columns: readonly SourceColumn[], first: number): Sql {
  return sql`SELECT ${join(typed(columns, first))} FROM ${relation}`
}

function typed(columns: readonly SourceColumn[], offset: number): Sql[] {
  return columns.map((column, i) => sql`${column.decode(ident(segmentColumn(i + offset)))} AS ${ident(column.name)}`)
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

/** What a column is called before it has its own name. */
export function segmentColumn(index: number): string {
  return `c${index}`
}
