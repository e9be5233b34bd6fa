/**
 * Clustered tables: which columns a table is clustered by stands in a domain, and every file has statistics of them.
 * Whether a writer puts rows in that order is its own affair (Delta protocol, "Clustered Table").
 */
import { DeltaError } from '../errors.ts'
import { parseJson, printJson } from '../json.ts'
import type { AddFile, DomainMetadata } from '../log/actions.ts'
import { type FieldPath, getField } from '../schema/alter.ts'
import { type ColumnMapping, physicalName } from '../schema/column-mapping.ts'
import type { StructType } from '../schema/schema.ts'
import { refused } from '../snapshot/protocol.ts'
import { parseStats, type StatsTree } from '../stats/parse-stats.ts'

const DOMAIN = 'delta.clustering'

/** More are refused by Spark. */
const MAX_COLUMNS = 4

/** Types with an order that statistics keep. */
const ORDERED = /^(byte|short|integer|long|float|double|decimal.*|date|timestamp|timestamp_ntz|string)$/

/** Physical paths of the columns a table is clustered by; none when it is not. */
export function clusteringColumns(table: { domain(name: string): string | undefined }): readonly FieldPath[] {
  const domain = table.domain(DOMAIN)
  if (domain === undefined) return []
  const { clusteringColumns: columns } = parseJson(domain) as { clusteringColumns?: unknown }
  if (!Array.isArray(columns)) return []
  return columns.map((column: unknown) => (Array.isArray(column) ? column.map(String) : [String(column)]))
}

/** The domain of a table that is clustered by these columns; with none it is clustered no more. */
export function clusteringDomain(
  tablePath: string,
  columns: readonly FieldPath[],
  table: { schema: StructType; mapping: ColumnMapping; partitionColumns: readonly string[] },
): DomainMetadata {
  if (columns.length > 0 && table.partitionColumns.length > 0) {
    throw refused(tablePath, 'it is partitioned, so it cannot be clustered too')
  }
  if (columns.length > MAX_COLUMNS) throw refused(tablePath, `it is clustered by more than ${MAX_COLUMNS} columns`)
  const clusteringColumnPaths = columns.map(column => physicalPath(tablePath, column, table))
  return { domain: DOMAIN, configuration: printJson({ clusteringColumns: clusteringColumnPaths }), removed: false }
}

/** Throw STAGE_INVALID when a file lacks statistics of a clustering column. */
export function checkClusteringStats(
  tablePath: string,
  columns: readonly FieldPath[],
  files: Iterable<Pick<AddFile, 'path' | 'stats'>>,
): void {
  if (columns.length === 0) return
  for (const { path, stats } of files) {
    const nullCount = parseStats(stats)?.nullCount
    const without = columns.find(column => !hasCount(nullCount, column))
    if (without === undefined) continue
    const message = `The data file ${path} of ${tablePath} has no statistics of the clustering column ${without.join('.')}.`
    throw new DeltaError('STAGE_INVALID', message, { tablePath, path, column: without })
  }
}

function physicalPath(
  tablePath: string,
  column: FieldPath,
  { schema, mapping }: { schema: StructType; mapping: ColumnMapping },
): string[] {
  const { type } = getField(schema, column)
  if (typeof type !== 'string' || !ORDERED.test(type)) {
    throw refused(tablePath, `it cannot be clustered by ${column.join('.')}, which has no order that statistics keep`)
  }
  return column.map((_, i) => physicalName(getField(schema, column.slice(0, i + 1)), mapping))
}

function hasCount(tree: StatsTree | undefined, [name = '', ...rest]: FieldPath): boolean {
  const value = tree?.[name]
  if (rest.length === 0) return typeof value === 'string'
  return typeof value === 'object' && value !== null && !Array.isArray(value) && hasCount(value as StatsTree, rest)
}
