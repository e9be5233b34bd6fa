/**
 * What SQLite says about its tables becomes their descriptions. The fingerprint changes with what can make values appear
 * without a write of their rows: the text that made the table, for a view that of everything it may read.
 */
import { createHash } from 'node:crypto'
import { SOURCE_TABLE_UNUSABLE } from '../../errors/source-table.ts'
import { Problem } from '../../errors/problem.ts'
import { raw, type Sql, sql, text } from '../../engine/sql.ts'
import { reasonOf } from '../driver-reason.ts'
import type { SourceTable } from '../source.ts'
import { printName } from '../table-name.ts'
import { type SqliteColumn, toColumn } from './column.ts'
import { isOfStatement } from './driver-error.ts'
import type { ListedTable } from './names.ts'
import type { SqliteSession } from './session.ts'
import type { RowKey, SqliteTable } from './page-sql.ts'
import { carryType } from './types.ts'

export interface DescribeOptions {
  source: string
  timezone: string
  signal: AbortSignal
}

/** Files up to this size are looked through for how large a table in them is. */
const MEASURED_BYTES = 1024n * 1024n * 1024n

const SCHEMA: Sql = raw('SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name')

/** Values of generated columns are part of a row; hidden ones of virtual tables are not. */
const columnsOf = (table: string): Sql =>
  sql`SELECT name, type, "notnull", pk, hidden FROM pragma_table_xinfo(${text(table)}, 'main') WHERE hidden <> 1 ORDER BY cid`

/** Describe one table; one that SQLite itself cannot open is a Problem. */
export async function describeTable(
  session: SqliteSession,
  listed: ListedTable,
  { source, timezone, signal }: DescribeOptions,
): Promise<SourceTable | Problem> {
  const { schema, table, type } = listed
  try {
    const rows = await session.query(columnsOf(table), signal)
    const keys = rows
      .filter(([, , , place]) => place !== '0')
      .toSorted((a, b) => Number(a[3]) - Number(b[3]))
      .map(([name]) => name ?? '')
    const columns = rows.map((row): SqliteColumn => {
      const [name, declared, notNull] = row
      const sourceType = declared ?? ''
      const isRowid = isRowidKey(row, keys, listed)
      const nullable = notNull !== '1' && !isRowid && !(listed.isWithoutRowid && row[3] !== '0')
      // A virtual one is computed where it is read.
      const isStored = type === 'table' && row[4] !== '2'
      return toColumn({ name: name ?? '', sourceType, nullable, isStored }, carryType(sourceType, timezone))
    })
    const { size, rowEstimate } = await measure(session, listed, signal)
    const described: SqliteTable = {
      schema,
      table,
      rowKey: type === 'table' ? rowKeyOf(columns, keys, listed) : undefined,
      kind: type === 'view' ? 'view' : 'table',
      columns,
      primaryKey: keys,
      rowEstimate,
      sizeBytes: size,
      fingerprint: await fingerprintOf(session, listed, columns, signal),
      definitions: await definitionsOf(session, signal),
      hasRowVersion: false,
      isProvedByOrder: false,
      ...(type === 'virtual' ? { outsideSnapshot: 'the rows of a virtual table are what its module says' } : {}),
    }
    return described
  } catch (error) {
    const cause = error instanceof Problem ? error.cause : error
    if (!isOfStatement(cause)) throw error
    return SOURCE_TABLE_UNUSABLE({ source, table: printName(listed), reason: reasonOf(cause) }, { cause })
  }
}

/** A row's number goes by a name that no column has taken. */
function rowKeyOf(
  columns: readonly SqliteColumn[],
  keys: readonly string[],
  { isWithoutRowid }: ListedTable,
): RowKey | undefined {
  if (isWithoutRowid) return keys.length === 1 && keys[0] !== undefined ? { column: keys[0] } : undefined
  const taken = new Set(columns.map(({ name }) => name.toLowerCase()))
  const free = ['rowid', '_rowid_', 'oid'].find(name => !taken.has(name))
  return free === undefined ? undefined : { number: free }
}

/** `INTEGER PRIMARY KEY` is the rowid itself and never NULL, which SQLite does not say of it. */
function isRowidKey(
  [, type, , place]: readonly (string | null)[],
  keys: readonly string[],
  table: ListedTable,
): boolean {
  return place === '1' && keys.length === 1 && type?.toUpperCase() === 'INTEGER' && !table.isWithoutRowid
}

async function measure(
  session: SqliteSession,
  { table, type }: ListedTable,
  signal: AbortSignal,
): Promise<{ size: bigint; rowEstimate: bigint | undefined }> {
  const whole = session.file.sizeBytes()
  if (type !== 'table' || whole > MEASURED_BYTES) return { size: whole, rowEstimate: undefined }
  const statement = sql`SELECT sum(pgsize), sum(ncell) FROM dbstat WHERE name = ${text(table)} AND aggregate = true`
  const [[size, cells] = []] = await session.query(statement, signal)
  return { size: BigInt(size ?? '0'), rowEstimate: cells == null ? undefined : BigInt(cells) }
}

/** The text that made a table is the same again when a column comes back under its name and type, with other values. */
async function definitionsOf(session: SqliteSession, signal: AbortSignal): Promise<string> {
  const [[version] = []] = await session.query(raw('SELECT schema_version FROM pragma_schema_version'), signal)
  return version ?? ''
}

async function fingerprintOf(
  session: SqliteSession,
  { table, type }: ListedTable,
  columns: readonly SqliteColumn[],
  signal: AbortSignal,
): Promise<string> {
  const all = await session.query(SCHEMA, signal)
  // What a view reads is not listed anywhere, so everything is part of it. An index moves no value.
  const made = all.filter(
    ([kind, name]) => kind !== 'index' && kind !== 'trigger' && (type === 'view' || name === table),
  )
  const canonical = { made, columns: columns.map(column => [column.name, column.sourceType]) }
  return createHash('sha256').update(JSON.stringify(canonical)).digest('hex')
}
