/**
 * Names in the list and names in the database: an exact fit wins, else the only one that differs in case. What fits
 * nothing or several is a Problem of that table.
 */
import { SOURCE_TABLE_AMBIGUOUS } from '../../errors/source-table.ts'
import type { Problem } from '../../errors/problem.ts'
import { type TableRef, tableKey } from '../source.ts'
import { missing, printName } from '../table-name.ts'
import { ALL_TABLES } from './catalog.ts'
import type { SqlServerSession, TextRow } from './session.ts'

/** A table or view as the server knows it. */
export interface FoundTable extends TableRef {
  /** Number of the object; a table that is dropped and made again has another. */
  id: string
  isView: boolean
}

/** Every table and view that the user can see, the server's own left out. */
export async function listTables(session: SqlServerSession, signal: AbortSignal): Promise<FoundTable[]> {
  const rows = await session.query(ALL_TABLES, signal)
  const text = (row: TextRow, name: string): string => row[name] ?? ''
  return rows.map(row => ({
    schema: text(row, 'schema'),
    table: text(row, 'name'),
    id: text(row, 'id'),
    isView: row['type'] === 'V',
  }))
}

/** Find each wanted table as the server spells it, by the key of the reference as it was asked for. */
export async function findTables(
  session: SqlServerSession,
  source: string,
  wanted: readonly TableRef[],
  signal: AbortSignal,
): Promise<Map<string, FoundTable | Problem>> {
  const result = new Map<string, FoundTable | Problem>()
  if (wanted.length === 0) return result
  const all = await listTables(session, signal)
  const exact = new Map(all.map(one => [tableKey(one), one]))
  const folded = Map.groupBy(all, one => tableKey(one).toLowerCase())
  for (const ref of wanted) {
    const key = tableKey(ref)
    const similar = folded.get(key.toLowerCase()) ?? []
    const found = exact.get(key) ?? (similar.length === 1 ? similar[0] : undefined)
    if (found !== undefined) result.set(key, found)
    else if (similar.length > 1) {
      const candidates = similar.map(printName)
      result.set(key, SOURCE_TABLE_AMBIGUOUS({ source, table: printName(ref), candidates }))
    } else result.set(key, missing(source, ref, all))
  }
  return result
}
