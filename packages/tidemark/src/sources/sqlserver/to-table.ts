/**
 * Catalog rows of one table become its description. The fingerprint in it changes with what can make rows or values appear
 * without a new version: another object, its columns and their expressions, its storage, a tracking begun anew.
 */
import { createHash } from 'node:crypto'
import { SOURCE_COLUMN_MASKED, SOURCE_ROW_SECURITY, SOURCE_TABLE_FORBIDDEN } from '../../errors/source-table.ts'
import type { Problem } from '../../errors/problem.ts'
import type { RowVersionRange } from '../position.ts'
import type { SourceTable } from '../source.ts'
import { missing, printName } from '../table-name.ts'
import type { CATALOG } from './catalog.ts'
import type { SqlServerColumn } from './column.ts'
import type { FoundTable } from './names.ts'
import type { Counters } from './position.ts'
import type { TextRow } from './session.ts'
import { carryType } from './types.ts'

export interface TableOptions {
  source: string
  user: string
  timezone: string
  counters: Counters
}

/** What only this source knows of a table. */
export interface SqlServerTable extends SourceTable {
  /** How rows since a mark are found; undefined when only by looking at all. */
  versions: { kind: 'change tracking' } | { kind: 'rowversion'; column: string } | undefined
}

/** The same table with what only this source knows; a table that another source described is a bug. */
export function sqlServerTable(table: SourceTable): SqlServerTable {
  if (!('versions' in table)) throw new TypeError(`this is a bug in tidemark: table ${table.table} is not of sqlserver`)
  return table as SqlServerTable
}

/** Rows of each catalog query, by the number of their object. */
export type Facts = Readonly<Record<keyof typeof CATALOG, ReadonlyMap<string, readonly TextRow[]>>>

/** The table as the catalog has it, or why it cannot be used. */
export function toTable(ref: FoundTable, facts: Facts, options: TableOptions): SqlServerTable | Problem {
  const { source, user } = options
  const { id, schema, table: name } = ref
  const table = facts.tables.get(id)?.[0]
  const rows = facts.columns.get(id) ?? []
  if (table === undefined || rows.length === 0) return missing(source, ref, [])
  const named = { source, table: printName(ref), user }
  if (table['may_select'] !== '1') return SOURCE_TABLE_FORBIDDEN(named)
  if (table['is_filtered'] === '1') return SOURCE_ROW_SECURITY(named)
  const masked = rows.filter(row => row['is_masked'] === '1').map(row => row['name'] ?? '')
  if (masked.length > 0 && table['may_unmask'] !== '1') return SOURCE_COLUMN_MASKED({ ...named, columns: masked })
  const primaryKey = (facts.keys.get(id) ?? []).map(row => row['name'] ?? '')
  const partitions = facts.partitions.get(id) ?? []
  const sum = (what: string): bigint => partitions.reduce((all, row) => all + BigInt(row[what] ?? '0'), 0n)
  const kind = kindOf(table, partitions.length)
  const outside = outsideSnapshot(table, options.counters)
  const found = kind === 'view' || outside !== undefined ? undefined : versionsOf(table, rows, options.counters)
  return {
    schema,
    table: name,
    kind,
    columns: rows.map(row => toColumn(row, options.timezone)),
    primaryKey,
    rowEstimate: kind === 'view' ? undefined : sum('rows'),
    sizeBytes: sum('bytes'),
    fingerprint: fingerprintOf(ref, { table, rows, partitions, isTracked: found?.versions.kind === 'change tracking' }),
    hasRowVersion: found !== undefined,
    isProvedByOrder: false,
    versions: found?.versions,
    ...(found === undefined
      ? {}
      : { rowVersions: found.range, versionMethod: found.method, tracksDeletes: found.tracksDeletes }),
    ...(outside === undefined ? {} : { outsideSnapshot: outside }),
  }
}

function kindOf(table: TextRow, partitions: number): SourceTable['kind'] {
  if (table['type'] === 'V') return 'view'
  if (table['is_external'] === '1') return 'foreign table'
  return partitions > 1 ? 'partitioned table' : 'table'
}

function outsideSnapshot(table: TextRow, { noSnapshot }: Counters): string | undefined {
  if (table['in_memory'] === '1') return 'a memory-optimized table takes no part in a snapshot of the others'
  return noSnapshot
}

interface FoundVersions {
  versions: NonNullable<SqlServerTable['versions']>
  range: RowVersionRange
  method: string
  tracksDeletes: boolean
}

/** The best way to find what changed: tracked changes, else a column of versions, else none. */
function versionsOf(table: TextRow, rows: readonly TextRow[], counters: Counters): FoundVersions | undefined {
  const { tracking, rowVersions } = counters
  // A column that reckons with more than its row's own values changes although no row does.
  if (rows.some(row => row['definition'] != null && row['is_deterministic'] !== '1')) return undefined
  const minValid = table['min_valid']
  if (tracking !== undefined && table['tracked_since'] != null && table['may_track'] === '1' && minValid != null) {
    // A horizon is the first version that is read: the changes after `horizon - 1`, which must still be kept.
    const range = { ...tracking, maxAge: undefined, oldest: BigInt(minValid) + 1n }
    return { versions: { kind: 'change tracking' }, range, method: 'change tracking', tracksDeletes: true }
  }
  const column = rows.find(row => row['type'] === 'timestamp')?.['name']
  if (rowVersions === undefined || column == null) return undefined
  const range = { ...rowVersions, maxAge: undefined }
  return { versions: { kind: 'rowversion', column }, range, method: `rowversion ${column}`, tracksDeletes: false }
}

function toColumn(row: TextRow, timezone: string): SqlServerColumn {
  const number = (name: string): number => Number.parseInt(row[name] ?? '0', 10)
  const type = {
    name: (row['type'] ?? '').toLowerCase(),
    precision: number('precision'),
    scale: number('scale'),
    isAssembly: row['is_assembly'] === '1',
  }
  const sourceType = printType(type.name, number('length'), type)
  return { name: row['name'] ?? '', sourceType, nullable: row['nullable'] !== '0', ...carryType(type, timezone) }
}

/** The type as it is declared: lengths of wide characters are kept in bytes. */
function printType(name: string, length: number, { precision, scale }: { precision: number; scale: number }): string {
  if (/^(decimal|numeric)$/.test(name)) return `${name}(${precision},${scale})`
  if (/^(datetime2|datetimeoffset|time)$/.test(name)) return `${name}(${scale})`
  if (/^(var)?(char|binary)$/.test(name)) return `${name}(${length < 0 ? 'max' : length})`
  if (/^n(var)?char$/.test(name)) return `${name}(${length < 0 ? 'max' : length / 2})`
  return name === 'timestamp' ? 'rowversion' : name
}

/**
 * Statistics and defaults are not part of it: they move no row and no value. Storage is, because a switched partition
 * brings rows with old versions; the server forbids that where it tracks changes.
 */
function fingerprintOf(
  ref: FoundTable,
  facts: { table: TextRow; rows: readonly TextRow[]; partitions: readonly TextRow[]; isTracked: boolean },
): string {
  const { table, rows, partitions, isTracked } = facts
  const canonical = {
    relation: [ref.schema, ref.table, ref.id, table['type'], table['definition']],
    versions: isTracked ? ['tracked', table['tracked_since']] : partitions.map(row => [row['number'], row['storage']]),
    columns: rows.map(row =>
      ['number', 'name', 'type', 'length', 'precision', 'scale', 'collation', 'definition'].map(fact => row[fact]),
    ),
  }
  return createHash('sha256').update(JSON.stringify(canonical)).digest('hex')
}
