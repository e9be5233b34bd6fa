/**
 * Metadata locks on the wanted tables: a statement that reads no row takes them, and the transaction keeps them, so that
 * what is described stays what is read. They stop nobody but a change of the table.
 */
import {
  SOURCE_TABLE_CHANGED,
  SOURCE_TABLE_FORBIDDEN,
  SOURCE_TABLE_LOCKED,
  SOURCE_TABLE_UNUSABLE,
} from '../../errors/source-table.ts'
import { Problem } from '../../errors/problem.ts'
import { ident, integer, join, type Sql, sql } from '../../engine/sql.ts'
import { type TableRef, tableKey } from '../source.ts'
import {
  DEADLOCK,
  errorNumberOf,
  FORBIDDEN,
  LOCK_WAIT_TIMEOUT,
  TABLE_CHANGED,
  TABLE_MISSING,
  VIEW_INVALID,
} from './driver-error.ts'
import { reasonOf } from '../driver-reason.ts'
import { missing, printName } from '../table-name.ts'
import type { MysqlSession } from './session.ts'

export interface LockOptions {
  source: string
  user: string
  lockTimeoutMs: number
  signal: AbortSignal
}

const TABLES_AT_ONCE = 50

/** Lock what can be locked; gives the Problems of the others, by table key. */
export async function lockTables(
  session: MysqlSession,
  tables: readonly TableRef[],
  options: LockOptions,
): Promise<Map<string, Problem>> {
  const problems = new Map<string, Problem>()
  await setPatience(session, 1000, options.signal)
  for (let i = 0; i < tables.length; i += TABLES_AT_ONCE) {
    const some = tables.slice(i, i + TABLES_AT_ONCE)
    // All at once first: mostly nobody is in the way. It waits briefly, because the next round waits for each by itself.
    if ((await tryLock(session, some, options)) === undefined) continue
    await setPatience(session, options.lockTimeoutMs, options.signal)
    for (const table of some) {
      const problem = await tryLock(session, [table], options)
      if (problem !== undefined) problems.set(tableKey(table), problem)
    }
    await setPatience(session, 1000, options.signal)
  }
  await setPatience(session, options.lockTimeoutMs, options.signal)
  return problems
}

async function setPatience(session: MysqlSession, ms: number, signal: AbortSignal): Promise<void> {
  await session.query(sql`SET SESSION lock_wait_timeout = ${integer(Math.max(1, Math.ceil(ms / 1000)))}`, signal)
}

async function tryLock(
  session: MysqlSession,
  tables: readonly TableRef[],
  options: LockOptions,
): Promise<Problem | undefined> {
  try {
    await session.query(lockStatement(tables), options.signal)
    return undefined
  } catch (error) {
    const [table] = tables
    const problem = table === undefined ? undefined : tableProblem(error, table, options)
    if (problem === undefined) throw error
    return problem
  }
}

/** What an error of one statement means to the one table it reads; undefined when it is not the table's fault. */
export function tableProblem(
  error: unknown,
  table: TableRef,
  { source, user, lockTimeoutMs }: Pick<LockOptions, 'source' | 'user' | 'lockTimeoutMs'>,
): Problem | undefined {
  const number = errorNumberOf(error)
  const params = { source, table: printName(table) }
  const cause = error instanceof Problem ? error.cause : error
  if (TABLE_MISSING.includes(number)) return missing(source, table, [])
  if (number === VIEW_INVALID) return SOURCE_TABLE_UNUSABLE({ ...params, reason: reasonIn(cause) }, { cause })
  if (FORBIDDEN.includes(number)) return SOURCE_TABLE_FORBIDDEN({ ...params, user }, { cause })
  if (number === LOCK_WAIT_TIMEOUT || number === DEADLOCK) {
    return SOURCE_TABLE_LOCKED({ ...params, seconds: lockTimeoutMs / 1000 }, { cause })
  }
  if (!TABLE_CHANGED.includes(number)) return undefined
  return SOURCE_TABLE_CHANGED({ ...params, reason: reasonIn(cause) }, { cause })
}

function reasonIn(cause: unknown): string {
  return cause instanceof Error ? reasonOf(cause) : 'its definition changed'
}

/** Of a column that the user may not read the catalog says nothing; who names all of them is refused. */
function lockStatement(tables: readonly TableRef[]): Sql {
  return join(
    tables.map(({ schema, table }) => sql`(SELECT 1 FROM (SELECT * FROM ${ident(schema, table)}) AS t LIMIT 0)`),
    ' UNION ALL ',
  )
}
