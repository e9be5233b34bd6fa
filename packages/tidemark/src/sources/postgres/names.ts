/**
 * Names in the list and names in the database: an exact fit wins, else the only relation that differs in case. What fits
 * nothing or several is a Problem of that table.
 */
import { SOURCE_TABLE_AMBIGUOUS } from '../../errors/source-table.ts'
import type { Problem } from '../../errors/problem.ts'
import { type TableRef, tableKey } from '../source.ts'
import { missing, printName } from '../table-name.ts'
import { FIND_RELATIONS, LIST_RELATIONS } from './catalog.ts'
import type { PostgresSession } from './session.ts'

/** A relation as the database spells it. */
export interface FoundRelation extends TableRef {
  oid: string
  kind: string
}

/** Find each wanted table, by the key of the reference as it was asked for. */
export async function findRelations(
  session: PostgresSession,
  source: string,
  wanted: readonly TableRef[],
  signal: AbortSignal,
): Promise<Map<string, FoundRelation | Problem>> {
  // No name of this database holds NUL, and no value of a statement: asking for one would be an error for all.
  const possible = wanted.filter(ref => !tableKey(ref).includes('\0'))
  const schemas = possible.map(ref => foldCase(ref.schema))
  const names = possible.map(ref => foldCase(ref.table))
  const rows = await session.query(FIND_RELATIONS, { values: [schemas, names], signal })
  const byName = Map.groupBy(rows.map(toRelation), found => foldCase(tableKey(found)))
  const result = new Map<string, FoundRelation | Problem>()
  let visible: readonly TableRef[] | undefined
  for (const ref of wanted) {
    const choice = choose(byName.get(foldCase(tableKey(ref))) ?? [], ref, source)
    visible ??= choice === undefined ? await listRelations(session, signal) : undefined
    result.set(tableKey(ref), choice ?? missing(source, ref, visible ?? []))
  }
  return result
}

/** Every table and view that the user may read; partitions are part of their parent. */
export async function listRelations(session: PostgresSession, signal: AbortSignal): Promise<TableRef[]> {
  const rows = await session.query(LIST_RELATIONS, { signal })
  return rows.map(row => ({ schema: row['schema'] ?? '', table: row['name'] ?? '' }))
}

function toRelation(row: Readonly<Record<string, string | null>>): FoundRelation {
  return { oid: row['oid'] ?? '', schema: row['schema'] ?? '', table: row['name'] ?? '', kind: row['kind'] ?? '' }
}

function choose(found: readonly FoundRelation[], ref: TableRef, source: string): FoundRelation | Problem | undefined {
  const exact = found.find(one => one.schema === ref.schema && one.table === ref.table)
  if (exact !== undefined || found.length <= 1) return exact ?? found[0]
  const candidates = found.map(printName)
  return SOURCE_TABLE_AMBIGUOUS({ source, table: printName(ref), candidates })
}

/** As `lower` in the collation C, by which the catalog is searched: other letters than A to Z have one case only. */
function foldCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, letter => letter.toLowerCase())
}
