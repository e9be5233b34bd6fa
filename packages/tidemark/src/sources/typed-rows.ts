/**
 * Rows as a source gives them to the engine, in columns by number, made into rows of the lake: each column by its name and of its
 * type. Casts fail aloud on what they cannot read.
 */
import { ident, join, type Sql, sql } from '../engine/sql.ts'
import type { SourceColumn } from './source.ts'

/** What a column is called before it has its own name. */
export function segmentColumn(index: number): string {
  return `c${index}`
}

/**
 * Typed rows of a relation with columns `c0`, `c1` … in the order of `copy`: `_row_version VARCHAR`, then the columns by
 * name.
 */
export function typedRows(relation: Sql, columns: readonly SourceColumn[]): Sql {
  const version = sql`${versionWithMasked(ident(segmentColumn(0)), columns)} AS ${ident('_row_version')}`
  return sql`SELECT ${join([version, ...typedColumns(columns, 1)])} FROM ${relation}`
}

/** Typed keys of a relation in which they begin at the column of this number. */
export function typedKeys(relation: Sql, columns: readonly SourceColumn[], first: number): Sql {
  return sql`SELECT ${join(typedColumns(columns, first))} FROM ${relation}`
}

/** The columns by name, each of its type; the first is read from the column of this number. */
export function typedColumns(columns: readonly SourceColumn[], first: number): Sql[] {
  return columns.map((column, i) => sql`${column.decode(ident(segmentColumn(first + i)))} AS ${ident(column.name)}`)
}

/**
 * A version that the source made as a hash, over columns that are not masked, with the masked values beside it; a version
 * that rows carry stays as it is.
 */
function versionWithMasked(version: Sql, columns: readonly SourceColumn[]): Sql {
  const parts = columns.flatMap((column, i) =>
    column.masked === true ? [hashed(column.decode(ident(segmentColumn(i + 1))))] : [],
  )
  if (parts.length === 0) return version
  return sql`CASE WHEN strlen(${version}) = 32 THEN md5(concat(${join([version, ...parts])})) ELSE ${version} END`
}

/** A part of a text to be hashed: NULL, the empty text and where a value ends are told apart. */
export function hashed(value: Sql): Sql {
  return sql`CASE WHEN ${value} IS NULL THEN '-' ELSE concat(strlen(CAST(${value} AS VARCHAR)), ':', ${value}) END`
}
