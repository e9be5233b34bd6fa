/**
 * Names in the list and names in the database: an exact fit wins, else the only one that differs in case. The one schema
 * is `main`; nothing is attached.
 */
import type { Problem } from '../../errors/problem.ts'
import { raw, type Sql } from '../../engine/sql.ts'
import { type TableRef, tableKey } from '../source.ts'
import { missing } from '../table-name.ts'
import type { SqliteSession } from './session.ts'

export const MAIN = 'main'

/** Tables and views of users: not SQLite's own, nor those that virtual tables keep their data in. */
const TABLES: Sql = raw(`SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = 'main' \
AND type IN ('table', 'view', 'virtual') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name`)

/** A table as the database lists it. */
export interface ListedTable extends TableRef {
  type: 'table' | 'view' | 'virtual'
  isWithoutRowid: boolean
}

export async function listTables(session: SqliteSession, signal: AbortSignal): Promise<ListedTable[]> {
  const rows = await session.query(TABLES, signal)
  return rows.map(([name, type, withoutRowid]) => ({
    schema: MAIN,
    table: name ?? '',
    type: type === 'view' || type === 'virtual' ? type : 'table',
    isWithoutRowid: withoutRowid === '1',
  }))
}

/** Find each wanted table as the database spells it, by the key of the reference as it was asked for. */
export async function findTables(
  session: SqliteSession,
  source: string,
  wanted: readonly TableRef[],
  signal: AbortSignal,
): Promise<Map<string, ListedTable | Problem>> {
  const listed = wanted.length === 0 ? [] : await listTables(session, signal)
  return new Map(
    wanted.map(ref => {
      // SQLite itself compares names without their case, for ASCII, so there is never a second one.
      const found = listed.find(
        one => one.table.toLowerCase() === ref.table.toLowerCase() && ref.schema.toLowerCase() === MAIN,
      )
      return [tableKey(ref), found ?? missing(source, ref, listed)]
    }),
  )
}
