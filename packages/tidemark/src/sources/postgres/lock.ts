/**
 * ACCESS SHARE locks on all wanted tables, taken before the transaction has a snapshot: a table that is rewritten after a
 * snapshot reads as empty in it, and one that is locked cannot be rewritten.
 */
import { SOURCE_TABLE_FORBIDDEN, SOURCE_TABLE_LOCKED } from '../../errors/source-table.ts'
import { Problem } from '../../errors/problem.ts'
import { ident, integer, join, type Sql, sql } from '../../engine/sql.ts'
import { type SourceTable, type TableRef, tableKey } from '../source.ts'
import {
  DEADLOCK,
  INSUFFICIENT_PRIVILEGE,
  LOCK_NOT_AVAILABLE,
  sqlstateOf,
  UNDEFINED_SCHEMA,
  UNDEFINED_TABLE,
} from './driver-error.ts'
import { missing, printName } from '../table-name.ts'
import { type FoundRelation } from './names.ts'
import type { PostgresSession } from './session.ts'

interface LockOptions {
  source: string
  user: string
  /** How long one table is waited for. */
  lockTimeoutMs: number
  signal: AbortSignal
}

/** Kinds that LOCK TABLE takes. Nothing rewrites a foreign table; a refreshed view shows old snapshots its new rows. */
const LOCKABLE = new Set(['r', 'p', 'v'])
const SAVEPOINT = 'tidemark_lock'
const ALL_AT_ONCE_MS = 1000

/**
 * Lock what can be locked; gives the Problems of the others, by table key. LOCK and SAVEPOINT take no snapshot, so the
 * transaction still sees everything committed until its first query.
 */
export async function lockTables(
  session: PostgresSession,
  tables: readonly FoundRelation[],
  options: LockOptions,
): Promise<Map<string, Problem>> {
  const problems = new Map<string, Problem>()
  const lockable = tables.filter(table => LOCKABLE.has(table.kind))
  if (lockable.length === 0) return problems
  // All at once first: mostly nobody is in the way. It waits briefly, because the next round waits for each by itself.
  const brief = { ...options, lockTimeoutMs: Math.min(options.lockTimeoutMs, ALL_AT_ONCE_MS) }
  if ((await tryLock(session, lockable, brief)) === undefined) return problems
  for (const table of lockable) {
    const problem = await tryLock(session, [table], options)
    if (problem !== undefined) problems.set(tableKey(table), problem)
  }
  return problems
}

async function tryLock(
  session: PostgresSession,
  tables: readonly FoundRelation[],
  { source, user, lockTimeoutMs, signal }: LockOptions,
): Promise<Problem | undefined> {
  await session.savepoint(SAVEPOINT, signal)
  try {
    await session.query(sql`SET LOCAL lock_timeout = ${integer(lockTimeoutMs)}`, { signal })
    await session.query(lockStatement(tables), { signal })
    await session.release(SAVEPOINT, signal)
    return undefined
  } catch (error) {
    const [table] = tables
    const sqlstate = sqlstateOf(error)
    if (!(error instanceof Problem) || table === undefined || !OF_ONE_TABLE.has(sqlstate)) throw error
    await session.rollbackTo(SAVEPOINT, signal)
    const params = { source, table: printName(table) }
    if (sqlstate === UNDEFINED_TABLE || sqlstate === UNDEFINED_SCHEMA) return missing(source, table, [])
    if (sqlstate === INSUFFICIENT_PRIVILEGE && tables.length === 1) return forbidden(table, { ...params, user })
    return SOURCE_TABLE_LOCKED({ ...params, seconds: lockTimeoutMs / 1000 }, { cause: error })
  }
}

const OF_ONE_TABLE = new Set([LOCK_NOT_AVAILABLE, DEADLOCK, INSUFFICIENT_PRIVILEGE, UNDEFINED_TABLE, UNDEFINED_SCHEMA])

/** A view also locks the tables behind it, with rights that only its owner may have; reading it may still work. */
function forbidden(table: FoundRelation, params: { source: string; table: string; user: string }): Problem | undefined {
  return table.kind === 'v' ? undefined : SOURCE_TABLE_FORBIDDEN(params)
}

/** The lock a reader needs beside the keeper's, undefined for kinds that cannot be locked. */
export function readLock(table: Pick<SourceTable, 'schema' | 'table' | 'kind'>): Sql | undefined {
  return table.kind === 'foreign table' || table.kind === 'materialized view' ? undefined : lockStatement([table])
}

/** Exported for its golden test. */
export function lockStatement(tables: readonly TableRef[]): Sql {
  return sql`LOCK TABLE ${join(tables.map(table => ident(table.schema, table.table)))} IN ACCESS SHARE MODE`
}
