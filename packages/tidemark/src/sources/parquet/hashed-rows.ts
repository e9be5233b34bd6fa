/**
 * Segments of rows that carry no version: Parquet with the columns, and beside them the texts whose hash is the version. Who
 * writes a file makes those texts, so that the engine neither prints nor joins a value that it was just given.
 */
import { fileList } from '../../engine/file-list.ts'
import { ident, join, type Sql, sql } from '../../engine/sql.ts'
import { hashed, segmentColumn, typedColumns, typedKeys } from '../typed-rows.ts'
import type { SourceColumn } from '../source.ts'
import type { ParquetColumn, ParquetType } from './segment-layout.ts'

/** Columns of a file, masked or not: the columns as they are carried, the texts to be hashed. */
export function hashedColumns(
  columns: readonly Pick<SourceColumn, 'masked'>[],
  typeOf: (index: number) => ParquetType,
): ParquetColumn[] {
  const texts = Array.from(
    { length: versionTexts(columns) },
    (_, n): ParquetColumn => ({ name: versionText(n), type: 'text' }),
  )
  return [...keyColumns(columns.length, typeOf), ...texts]
}

/** Columns of a file of keys. */
export function keyColumns(width: number, typeOf: (index: number) => ParquetType): ParquetColumn[] {
  return Array.from({ length: width }, (_, n) => ({ name: segmentColumn(n), type: typeOf(n) }))
}

/**
 * How many texts a row has: one, and one more for each masked column, because of a masked column the masked value is hashed,
 * which only the engine knows. A text holds the parts of the columns between: `-` for NULL, else the value behind its length in
 * bytes and a colon.
 */
export function versionTexts(columns: readonly Pick<SourceColumn, 'masked'>[]): number {
  return 1 + columns.filter(column => column.masked === true).length
}

/** Typed rows of such files: `_row_version VARCHAR`, then the columns by name. */
export function readHashed(files: readonly string[], columns: readonly SourceColumn[]): Sql {
  const parts: Sql[] = [ident(versionText(0))]
  columns.forEach((column, n) => {
    if (column.masked !== true) return
    parts.push(hashed(column.decode(ident(segmentColumn(n)))), ident(versionText((parts.length + 1) / 2)))
  })
  const [only] = parts
  const whole = parts.length === 1 && only !== undefined ? only : sql`concat(${join(parts)})`
  const version = sql`md5(${whole}) AS ${ident('_row_version')}`
  return sql`SELECT ${join([version, ...typedColumns(columns, 0)])} FROM ${parquetFiles(files)}`
}

/** Typed rows of files of keys: the key columns by name. */
export function readHashedKeys(files: readonly string[], columns: readonly SourceColumn[]): Sql {
  return typedKeys(parquetFiles(files), columns, 0)
}

function versionText(index: number): string {
  return `v${index}`
}

function parquetFiles(files: readonly string[]): Sql {
  return sql`read_parquet(${fileList(files)}, hive_partitioning = false)`
}
