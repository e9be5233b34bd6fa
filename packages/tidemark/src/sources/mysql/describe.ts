/**
 * Catalog rows become table descriptions. The fingerprint in them changes with what can make rows or values appear
 * without a new cursor: a rebuilt or exchanged table, its partitions, columns and their expressions.
 */
import { createHash } from 'node:crypto'
import { SOURCE_TABLE_FORBIDDEN } from '../../errors/source-table.ts'
import type { Problem } from '../../errors/problem.ts'
import { type SourceTable, type TableRef, tableKey } from '../source.ts'
import { type CatalogQuery, catalogStatement, COLUMNS, PARTITIONS, PRIMARY_KEYS, TABLES, VIEWS } from './catalog.ts'
import type { MysqlColumn } from './column.ts'
import { EngineLookup } from './engines.ts'
import { missing, printName } from '../table-name.ts'
import type { MysqlSession, TextRow } from './session.ts'
import { carryType } from './types.ts'

export interface DescribeOptions {
  source: string
  user: string
  timezone: string
  signal: AbortSignal
}

type Facts = ReadonlyMap<string, readonly TextRow[]>

/** Describe tables by their exact names, by table key; a table that cannot be used is a Problem. */
export async function describeTables(
  session: MysqlSession,
  tables: readonly TableRef[],
  options: DescribeOptions,
): Promise<Map<string, SourceTable | Problem>> {
  const { signal } = options
  const read = (query: CatalogQuery): Promise<Facts> => readFacts(session, query, tables, signal)
  const facts = {
    tables: await read(TABLES),
    columns: await read(COLUMNS),
    keys: await read(PRIMARY_KEYS),
    partitions: await read(PARTITIONS),
  }
  const views = tables.filter(ref => facts.tables.get(tableKey(ref))?.[0]?.['type'] === 'VIEW')
  const definitions = await readFacts(session, VIEWS, views, signal)
  const engines = new EngineLookup(session, signal)
  const result = new Map<string, SourceTable | Problem>()
  for (const ref of tables) {
    const key = tableKey(ref)
    const [table] = facts.tables.get(key) ?? []
    const columns = byPosition(facts.columns.get(key) ?? [])
    if (table === undefined || columns.length === 0) {
      result.set(key, missing(options.source, ref, []))
      continue
    }
    if (columns.some(row => !/(^|,)select(,|$)/i.test(row['privileges'] ?? ''))) {
      result.set(key, SOURCE_TABLE_FORBIDDEN({ source: options.source, table: printName(ref), user: options.user }))
      continue
    }
    const definition = definitions.get(key)?.[0]?.['definition'] ?? ''
    const partitions = facts.partitions.get(key) ?? []
    const outside =
      table['type'] === 'VIEW'
        ? await engines.viewOutside(ref, definition)
        : engines.tableOutside(table['engine'] ?? '')
    const kind = table['type'] === 'VIEW' ? 'view' : partitions.length > 0 ? 'partitioned table' : 'table'
    result.set(key, {
      ...ref,
      kind,
      columns: columns.map(row => toColumn(row, options.timezone)),
      primaryKey: byPosition(facts.keys.get(key) ?? []).map(row => row['name'] ?? ''),
      rowEstimate: table['rows'] == null || kind === 'view' ? undefined : BigInt(table['rows']),
      sizeBytes: BigInt(table['bytes'] ?? '0'),
      fingerprint: fingerprintOf(ref, { table, columns, partitions, definition }),
      hasRowVersion: false,
      isProvedByOrder: false,
      ...(outside === undefined ? {} : { outsideSnapshot: outside }),
    })
  }
  return result
}

/** One statement for each schema; rows by table key, those of other tables left out. */
async function readFacts(
  session: MysqlSession,
  query: CatalogQuery,
  tables: readonly TableRef[],
  signal: AbortSignal,
): Promise<Facts> {
  const wanted = new Set(tables.map(tableKey))
  const facts = new Map<string, TextRow[]>()
  for (const [schema, refs] of Map.groupBy(tables, ref => ref.schema)) {
    const names = [...new Set(refs.map(ref => ref.table))]
    for (const row of await session.query(catalogStatement(query, schema, names), signal)) {
      const key = tableKey({ schema, table: row['table'] ?? '' })
      if (!wanted.has(key)) continue
      const rows = facts.get(key)
      if (rows === undefined) facts.set(key, [row])
      else rows.push(row)
    }
  }
  return facts
}

function byPosition(rows: readonly TextRow[]): TextRow[] {
  return rows.toSorted((a, b) => Number(a['position'] ?? 0) - Number(b['position'] ?? 0))
}

function toColumn(row: TextRow, timezone: string): MysqlColumn {
  const full = (row['full_type'] ?? '').toLowerCase()
  const type = {
    name: (row['type'] ?? '').toLowerCase(),
    full,
    precision: Number.parseInt(row['precision'] ?? '0', 10),
    scale: Number.parseInt(row['scale'] ?? '0', 10),
    charset: row['charset'] ?? undefined,
  }
  const sourceType = row['full_type'] ?? ''
  return { name: row['name'] ?? '', sourceType, nullable: row['nullable'] !== 'NO', ...carryType(type, timezone) }
}

/** Statistics and defaults are not part of it: they move no row and no value. */
function fingerprintOf(
  ref: TableRef,
  facts: { table: TextRow; columns: readonly TextRow[]; partitions: readonly TextRow[]; definition: string },
): string {
  const { table, columns, partitions, definition } = facts
  const canonical = {
    relation: [ref.schema, ref.table, table['type'], table['engine'], table['created'], definition],
    partitions: partitions
      .map(row => [row['name'], row['sub'], row['bound'], row['created']])
      .map(String)
      .sort(),
    columns: columns.map(row => [row['name'], row['full_type'], row['charset'], row['expression']]),
  }
  return createHash('sha256').update(JSON.stringify(canonical)).digest('hex')
}
