/**
 * Catalog rows become table descriptions. The fingerprint in them changes exactly with what can make rows or values
 * appear under an old row version.
 */
import { createHash } from 'node:crypto'
import { SOURCE_ROW_SECURITY, SOURCE_TABLE_FORBIDDEN } from '../../errors/source-table.ts'
import { Problem } from '../../errors/problem.ts'
import { sql } from '../../engine/sql.ts'
import { type SourceTable, type TableRef, tableKey } from '../source.ts'
import { COLUMNS, INDEXED, MEMBERS, RELATIONS, SIZES } from './catalog.ts'
import type { PostgresColumn } from './column.ts'
import { LOCK_NOT_AVAILABLE, sqlstateOf } from './driver-error.ts'
import { missing, printName } from '../table-name.ts'
import { type FoundRelation, findRelations } from './names.ts'
import type { PostgresSession, TextRow } from './session.ts'
import { carryType } from './types.ts'

export interface DescribeOptions {
  source: string
  user: string
  timezone: string
  signal: AbortSignal
}

const KINDS: Readonly<Record<string, SourceTable['kind']>> = {
  r: 'table',
  p: 'partitioned table',
  v: 'view',
  m: 'materialized view',
  f: 'foreign table',
}

const FOREIGN_ROWS = 'rows of a foreign table, which it reads, are of another server'

/**
 * Describe the wanted tables inside the session's transaction, by the key of the reference as asked for. A table that cannot be
 * used is a Problem.
 */
export async function describeTables(
  session: PostgresSession,
  wanted: readonly TableRef[],
  options: DescribeOptions,
): Promise<Map<string, SourceTable | Problem>> {
  const found = await findRelations(session, options.source, wanted, options.signal)
  const oids = [...new Set([...found.values()].flatMap(one => (one instanceof Problem ? [] : [one.oid])))]
  const facts = await readFacts(session, oids, options.signal)
  const result = new Map<string, SourceTable | Problem>()
  for (const ref of wanted) {
    const one = found.get(tableKey(ref)) ?? missing(options.source, ref, [])
    result.set(tableKey(ref), one instanceof Problem ? one : describeTable(one, facts, options))
  }
  return result
}

interface Facts {
  relations: Map<string, TextRow>
  members: Map<string, TextRow[]>
  columns: Map<string, TextRow[]>
  indexed: Map<string, TextRow[]>
  sizes: Map<string, Size>
}

interface Size {
  /** What a scan of all rows may have to read: no indexes. */
  bytes: bigint
  /** The part of it that holds the rows themselves, without their long values. */
  main: bigint
}

async function readFacts(session: PostgresSession, oids: readonly string[], signal: AbortSignal): Promise<Facts> {
  const options = { values: [oids], signal }
  const relations = await session.query(RELATIONS, options)
  const members = Map.groupBy(await session.query(MEMBERS, options), row => row['root'] ?? '')
  const columns = Map.groupBy(await session.query(COLUMNS, options), row => row['table'] ?? '')
  const indexed = Map.groupBy(await session.query(INDEXED, options), row => row['table'] ?? '')
  const stored = [...new Set([...members.values()].flat().flatMap(row => (hasStorage(row) ? [row['oid'] ?? ''] : [])))]
  const sizes = await readSizes(session, stored, signal)
  return { relations: new Map(relations.map(row => [row['oid'] ?? '', row])), members, columns, indexed, sizes }
}

/** Exact sizes where nobody holds an exclusive lock; empty when somebody does, and the statistics have to do. */
async function readSizes(
  session: PostgresSession,
  oids: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, Size>> {
  await session.savepoint('sizes', signal)
  try {
    await session.query(sql`SET LOCAL lock_timeout = '200ms'`, { signal })
    const rows = await session.query(SIZES, { values: [oids], signal })
    return new Map(rows.map(row => [row['oid'] ?? '', { bytes: toBigInt(row['bytes']), main: toBigInt(row['main']) }]))
  } catch (error) {
    if (sqlstateOf(error) !== LOCK_NOT_AVAILABLE) throw error
    return new Map()
  } finally {
    if (!signal.aborted) await session.rollbackTo('sizes', signal)
  }
}

function hasStorage(member: TextRow): boolean {
  return member['kind'] === 'r' || member['kind'] === 'm'
}

function describeTable(found: FoundRelation, facts: Facts, options: DescribeOptions): SourceTable | Problem {
  const { source, user, timezone } = options
  const table = printName(found)
  const relation = facts.relations.get(found.oid)
  const kind = KINDS[found.kind]
  if (relation === undefined || kind === undefined) return missing(source, found, [])
  if (relation['readable'] !== 't') return SOURCE_TABLE_FORBIDDEN({ source, table, user })
  if (relation['hides_rows'] === 't') return SOURCE_ROW_SECURITY({ source, table, user })
  const members = facts.members.get(found.oid) ?? []
  const columns = facts.columns.get(found.oid) ?? []
  const indexed = facts.indexed.get(found.oid) ?? []
  const stored = members.filter(hasStorage)
  const isCounted = (kind === 'table' || kind === 'partitioned table') && members.every(isHeapOrEmpty)
  // A crash empties an unlogged table, and no transaction tells of it.
  const isLogged = members.every(row => row['persistence'] !== 'u')
  return {
    schema: found.schema,
    table: found.table,
    kind,
    columns: columns.map(row => toColumn(row, timezone)),
    primaryKey: indexed.flatMap(row => (row['is_key'] === 't' ? [row['name'] ?? ''] : [])),
    ...(kind === 'table' && members.length > 1 ? { isKeyOfPart: true } : {}),
    leadingColumns: indexed.flatMap(row => (row['is_leading'] === 't' ? [row['name'] ?? ''] : [])),
    rowEstimate: estimateRows(stored, facts.sizes),
    sizeBytes: stored.reduce((total, row) => total + (sizeOf(row, facts.sizes)?.bytes ?? toBigInt(row['bytes'])), 0n),
    fingerprint: fingerprintOf(found, relation, members, columns),
    // What has another name now is no change of the rows that show it.
    hasRowVersion: isCounted && columns.every(row => row['shows_names'] !== 't'),
    isProvedByOrder: isCounted && isLogged,
    ...(relation['reads_foreign'] === 't' ? { outsideSnapshot: FOREIGN_ROWS } : {}),
  }
}

/** A partitioned parent holds no rows itself. */
function isHeapOrEmpty(member: TextRow): boolean {
  return member['kind'] === 'p' || (member['kind'] === 'r' && member['method'] === 'heap')
}

function toColumn(row: TextRow, timezone: string): PostgresColumn {
  const modifier = Number.parseInt(row['modifier'] ?? '-1', 10)
  return {
    name: row['name'] ?? '',
    sourceType: row['source_type'] ?? '',
    nullable: row['required'] !== 't',
    ...carryType(
      { name: row['type'] ?? '', modifier, isArray: row['is_array'] === 't', isOwn: row['is_own'] === 't' },
      timezone,
    ),
  }
}

/** NOT NULL, statistics and storage parameters are not part of it: they move no row and no value. */
function fingerprintOf(
  found: FoundRelation,
  relation: TextRow,
  members: readonly TextRow[],
  columns: readonly TextRow[],
): string {
  const canonical = {
    relation: [found.oid, found.kind, relation['row_security']],
    members: members.map(row => [
      ...[row['oid'], row['kind'], row['method'], row['row_security'], row['missing']],
      ...(row['dropped'] == null ? [] : [row['dropped']]),
    ]),
    columns: columns.map(row => [
      ...[row['name'], row['source_type'], row['labels'], row['parts'], row['expression']],
      ...(row['within'] == null ? [] : [row['within']]),
      ...(row['currency'] == null ? [] : [`money in ${row['currency']}`]),
    ]),
  }
  return createHash('sha256').update(JSON.stringify(canonical)).digest('hex')
}

/** The rows that the last analysis counted, in proportion to what the relation has grown or shrunk to since. */
function estimateRows(stored: readonly TextRow[], sizes: ReadonlyMap<string, Size>): bigint | undefined {
  const counts = stored.map(row => {
    const main = sizeOf(row, sizes)?.main
    // A partition for later times is never analysed, and has nothing to tell.
    if (main === 0n) return 0n
    if (row['rows'] == null) return undefined
    const analysed = toBigInt(row['analysed_bytes'])
    const rows = toBigInt(row['rows'])
    return main === undefined || analysed === 0n ? rows : (rows * main) / analysed
  })
  if (counts.length === 0) return undefined
  return counts.reduce((all, one) => (all === undefined || one === undefined ? undefined : all + one), 0n)
}

function sizeOf(member: TextRow, sizes: ReadonlyMap<string, Size>): Size | undefined {
  return sizes.get(member['oid'] ?? '')
}

function toBigInt(value: string | null | undefined): bigint {
  return BigInt(value ?? '0')
}
