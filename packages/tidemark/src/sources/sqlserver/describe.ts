/** What the catalog of a SQL Server says of tables, read for many at once; one that is locked makes nobody else wait. */
import { SOURCE_TABLE_LOCKED } from '../../errors/source-table.ts'
import type { Problem } from '../../errors/problem.ts'
import { tableKey } from '../source.ts'
import { printName } from '../table-name.ts'
import { CATALOG, objectIds } from './catalog.ts'
import { errorNumberOf, LOCK_TIMEOUT } from './driver-error.ts'
import type { FoundTable } from './names.ts'
import type { SqlServerSession, TextRow } from './session.ts'
import { type Facts, type SqlServerTable, type TableOptions, toTable } from './to-table.ts'

export interface DescribeOptions extends TableOptions {
  lockTimeoutMs: number
  signal: AbortSignal
}

/** Tables in one statement; the server's limit is far above. */
const TABLES_AT_ONCE = 500

/** Describe tables, by table key; a table that cannot be used is a Problem. */
export async function describeTables(
  session: SqlServerSession,
  tables: readonly FoundTable[],
  options: DescribeOptions,
): Promise<Map<string, SqlServerTable | Problem>> {
  const result = new Map<string, SqlServerTable | Problem>()
  for (let i = 0; i < tables.length; i += TABLES_AT_ONCE) {
    const some = tables.slice(i, i + TABLES_AT_ONCE)
    for (const [key, one] of await describeSome(session, some, options)) result.set(key, one)
  }
  return result
}

/** A table that is being altered makes its catalog rows wait: then each is asked alone, and only that one fails. */
async function describeSome(
  session: SqlServerSession,
  tables: readonly FoundTable[],
  options: DescribeOptions,
): Promise<Map<string, SqlServerTable | Problem>> {
  const result = new Map<string, SqlServerTable | Problem>()
  try {
    const facts = await readFacts(session, tables, options.signal)
    for (const table of tables) result.set(tableKey(table), toTable(table, facts, options))
    return result
  } catch (error) {
    if (errorNumberOf(error) !== LOCK_TIMEOUT) throw error
    const [only] = tables
    if (tables.length > 1) {
      for (const table of tables) {
        for (const [key, one] of await describeSome(session, [table], options)) result.set(key, one)
      }
    } else if (only !== undefined) {
      const params = { source: options.source, table: printName(only), seconds: options.lockTimeoutMs / 1000 }
      result.set(tableKey(only), SOURCE_TABLE_LOCKED(params, { cause: error }))
    }
    return result
  }
}

async function readFacts(
  session: SqlServerSession,
  tables: readonly FoundTable[],
  signal: AbortSignal,
): Promise<Facts> {
  const ids = objectIds(tables.map(({ id }) => id))
  const read = async (what: keyof typeof CATALOG): Promise<Map<string, TextRow[]>> =>
    Map.groupBy(await session.query(CATALOG[what](ids), signal), row => row['id'] ?? '')
  return {
    tables: await read('tables'),
    columns: await read('columns'),
    keys: await read('keys'),
    partitions: await read('partitions'),
  }
}
