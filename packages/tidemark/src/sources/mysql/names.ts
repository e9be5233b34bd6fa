/**
 * Names in the list and names in the database: an exact fit wins, else the only one that differs in case. A schema is a
 * database of the server. What fits nothing or several is a Problem of that table.
 */
import { SOURCE_TABLE_AMBIGUOUS } from '../../errors/source-table.ts'
import type { Problem } from '../../errors/problem.ts'
import { type TableRef, tableKey } from '../source.ts'
import { missing, printName } from '../table-name.ts'
import { ALL_TABLES, SCHEMAS, SYSTEM_SCHEMAS, tableNames } from './catalog.ts'
import type { MysqlSession } from './session.ts'

/** Find each wanted table as the server spells it, by the key of the reference as it was asked for. */
export async function findTables(
  session: MysqlSession,
  source: string,
  wanted: readonly TableRef[],
  signal: AbortSignal,
): Promise<Map<string, TableRef | Problem>> {
  const result = new Map<string, TableRef | Problem>()
  if (wanted.length === 0) return result
  const schemas = (await session.query(SCHEMAS, signal)).map(row => row['name'] ?? '')
  const tables = new Map<string, string[]>()
  let all: readonly TableRef[] | undefined
  for (const ref of wanted) {
    const candidates: TableRef[] = []
    for (const schema of fitting(schemas, ref.schema)) {
      const names =
        tables.get(schema) ?? (await session.query(tableNames(schema), signal)).map(row => row['name'] ?? '')
      tables.set(schema, names)
      candidates.push(...fitting(names, ref.table).map(table => ({ schema, table })))
    }
    const [first] = candidates
    if (candidates.length === 1 && first !== undefined) result.set(tableKey(ref), first)
    else if (first !== undefined) {
      const names = candidates.map(printName)
      result.set(tableKey(ref), SOURCE_TABLE_AMBIGUOUS({ source, table: printName(ref), candidates: names }))
    } else {
      all ??= await listTables(session, signal)
      result.set(tableKey(ref), missing(source, ref, all))
    }
  }
  return result
}

/** Every table and view that the user can see, the server's own left out. */
export async function listTables(session: MysqlSession, signal: AbortSignal): Promise<TableRef[]> {
  const rows = await session.query(ALL_TABLES, signal)
  const tables = rows.map(row => ({ schema: row['schema'] ?? '', table: row['name'] ?? '' }))
  return tables.filter(({ schema }) => !SYSTEM_SCHEMAS.includes(schema))
}

/** The exact name alone, else all that differ in case only. */
function fitting(names: readonly string[], wanted: string): readonly string[] {
  if (names.includes(wanted)) return [wanted]
  const folded = wanted.toLowerCase()
  return names.filter(name => name.toLowerCase() === folded)
}
