/**
 * Segments of PostgreSQL: which columns the files of a statement have, and the files as typed rows in DuckDB. Both follow
 * from the columns that were read, so that a file needs no description beside it.
 */
import { fileList } from '../../engine/file-list.ts'
import { ident, join, type Sql, sql } from '../../engine/sql.ts'
import { SOURCE_VALUE_UNFIT } from '../../errors/source-table.ts'
import { parquetForm, type RowGroup } from '../parquet/segment-layout.ts'
import { segmentColumn, typedKeys, typedRows } from '../typed-rows.ts'
import type { SegmentForm } from '../segments.ts'
import type { SourceColumn, SourceTable } from '../source.ts'
import { type BinaryColumn, parquetColumns } from './binary-rows.ts'
import { postgresColumn, wireOf } from './column.ts'
import type { Wire } from './wire.ts'

/** What a column is read from, and the words for values that it cannot hold. */
type Named = { source: string; table: string }

/** The columns of `copyStatement`. */
export function rowColumns(
  table: Pick<SourceTable, 'hasRowVersion'>,
  columns: readonly SourceColumn[],
  named: Named,
): BinaryColumn[] {
  return [ourVersion(table.hasRowVersion ? 'uint4' : 'text'), ...keyColumns(columns, named)]
}

/** The columns of `copyKeysStatement`. */
export function keyColumns(columns: readonly SourceColumn[], named: Named): BinaryColumn[] {
  return columns.map(column => ({ wire: wireOf(column) ?? 'text', unfit: count => unfit(column, count, named) }))
}

function ourVersion(wire: Wire): BinaryColumn {
  return { wire, unfit: () => new TypeError('this is a bug in tidemark: a row version has no unfit values') }
}

function unfit(column: SourceColumn, count: number, named: Named): Error {
  const { name, sourceType, deltaType } = column
  const values = postgresColumn(column).unfit?.values ?? 'in a form that is not known'
  return SOURCE_VALUE_UNFIT({
    ...named,
    columns: [{ column: name, sourceType, deltaType, values, count: BigInt(count) }],
  })
}

/** How files of these columns are written. */
export function segmentForm(columns: readonly BinaryColumn[]): SegmentForm<RowGroup> {
  return parquetForm(parquetColumns(columns, segmentColumn))
}

/** The typed rows of segments written by `copy`: `_row_version VARCHAR`, then the columns by name. */
export function readSegments(files: readonly string[], columns: readonly SourceColumn[]): Sql {
  const version = asText(segmentColumn(0))
  return typedRows(parquetFiles(files, [version, ...taken(columns, 1)]), columns)
}

/** The typed rows of segments written by `copyKeys`: the key columns by name. */
export function readKeySegments(files: readonly string[], columns: readonly SourceColumn[]): Sql {
  return typedKeys(parquetFiles(files, taken(columns, 0)), columns, 0)
}

/** In the types that decoding takes: text, or its own result. */
function taken(columns: readonly SourceColumn[], offset: number): Sql[] {
  return columns.map((column, n) => {
    const name = segmentColumn(n + offset)
    return wireOf(column) === 'uuid' ? asText(name) : ident(name)
  })
}

function asText(name: string): Sql {
  return sql`CAST(${ident(name)} AS VARCHAR) AS ${ident(name)}`
}

function parquetFiles(files: readonly string[], list: readonly Sql[]): Sql {
  return sql`(SELECT ${join(list)} FROM read_parquet(${fileList(files)}, hive_partitioning = false))`
}
