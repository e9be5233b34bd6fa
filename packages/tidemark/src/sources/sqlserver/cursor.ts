/**
 * How far a cursor can be trusted: what was read of clock and open transactions before the snapshot was taken, and the
 * bound from which the next slice has to read.
 */
import { ident, type Sql, sql } from '../../engine/sql.ts'
import { capInstant, localBoundOfBoth, printLocal } from '../local-time.ts'
import { wherePassed } from '../belonging.ts'
import type { CursorCap, SourceColumn, SourceTable } from '../source.ts'
import { sqlServerColumn } from './column.ts'
import { DENIED, errorNumberOf } from './driver-error.ts'
import type { SqlServerSession } from './session.ts'

export interface CursorClock {
  /** The server's clock when the transactions were looked at, in microseconds since 1970. */
  nowUs: bigint
  /** When the oldest transaction or batch open at that moment began; undefined while a prepared one is kept. */
  openSinceUs: bigint | undefined
  openTransactions: number | undefined
  /** Seconds by which the server's own clock is ahead of UTC, less an hour that may be summer time. */
  aheadOfUtc: number
  /** Why transactions of others cannot be seen; undefined when they can. */
  hidden: string | undefined
}

/** A statement has its clock when it begins to run, its transaction shows itself a moment later. */
const MARGIN_US = 60_000_000n

const NOW_US = sql`CONVERT(varchar(20), DATEDIFF_BIG(microsecond, CONVERT(datetime2(7), '1970-01-01', 23), SYSUTCDATETIME())) AS now_us`

export const NOW: Sql = sql`SELECT ${NOW_US}, CONVERT(varchar(5), DATEPART(tzoffset, SYSDATETIMEOFFSET())) AS ahead_minutes`

/** For each edition that lets a login see the transactions of others, the right that it takes. */
export const MAY_SEE: Sql = sql`SELECT CONVERT(varchar(1), CASE WHEN SERVERPROPERTY('EngineEdition') IN (5, 6, 11, 12) \
THEN HAS_PERMS_BY_NAME(QUOTENAME(DB_NAME()), N'DATABASE', N'VIEW DATABASE STATE') \
ELSE HAS_PERMS_BY_NAME(NULL, NULL, N'VIEW SERVER STATE') END) AS may_see, \
CONVERT(nvarchar(128), DATABASEPROPERTYEX(DB_NAME(), 'Updateability')) AS updateability, \
CONVERT(varchar(3), SERVERPROPERTY('EngineEdition')) AS edition`

/**
 * Ages in seconds, because the server shows its local time: transactions that are not the server's own, and batches at
 * work, whose transaction may not have begun. A transaction that no session owns is a prepared one of a distributed.
 */
export const TRANSACTIONS: Sql = sql`SELECT ${NOW_US}, CONVERT(varchar(20), coalesce((SELECT max(DATEDIFF_BIG(second, b.began, SYSDATETIME())) \
FROM (SELECT a.transaction_begin_time AS began FROM sys.dm_tran_active_transactions AS a \
LEFT JOIN sys.dm_tran_session_transactions AS s ON s.transaction_id = a.transaction_id \
WHERE a.transaction_type <> 3 AND a.transaction_begin_time > '19000102' AND coalesce(s.session_id, 0) <> @@SPID \
UNION ALL SELECT r.start_time FROM sys.dm_exec_requests AS r JOIN sys.dm_exec_sessions AS e ON e.session_id = r.session_id \
WHERE e.is_user_process = 1 AND r.session_id <> @@SPID) AS b), 0)) AS age, \
CONVERT(varchar(11), (SELECT count(*) FROM sys.dm_tran_session_transactions WHERE session_id <> @@SPID)) AS open_now, \
CONVERT(varchar(11), (SELECT count(*) FROM sys.dm_tran_active_transactions AS a WHERE a.transaction_type = 4 \
AND NOT EXISTS (SELECT 1 FROM sys.dm_tran_session_transactions AS s WHERE s.transaction_id = a.transaction_id))) AS prepared`

/** Azure SQL Database runs in UTC; elsewhere the clock of the zone may have been set back an hour since. */
const UTC_EDITIONS: readonly string[] = ['5', '6', '11']
const SET_BACK_US = 3_600_000_000n

/** Look at clock and transactions; outside a transaction and before the snapshot. */
export async function readCursorClock(
  session: SqlServerSession,
  user: string,
  signal: AbortSignal,
): Promise<CursorClock> {
  const [now] = await session.query(NOW, signal)
  const nowUs = BigInt(now?.['now_us'] ?? '0')
  const ahead = 60 * Number(now?.['ahead_minutes'] ?? '0')
  const aheadOfUtc = ahead === 0 ? 0 : ahead - 3600
  const blind = { nowUs, aheadOfUtc, openSinceUs: undefined, openTransactions: undefined }
  const [rights] = await session.query(MAY_SEE, signal)
  if (rights?.['updateability'] === 'READ_ONLY') {
    return { ...blind, hidden: 'a readable secondary does not know the transactions of its primary' }
  }
  const hidden = `${user} may not see open transactions: GRANT VIEW SERVER STATE TO ${user}, in Azure SQL Database VIEW DATABASE STATE`
  if (rights?.['may_see'] !== '1') return { ...blind, hidden }
  try {
    const [row] = await session.query(TRANSACTIONS, signal)
    const number = (name: string): bigint => BigInt(row?.[name] ?? '0')
    const setBack = UTC_EDITIONS.includes(rights['edition'] ?? '') ? 0n : SET_BACK_US
    const oldest = number('now_us') - 1_000_000n * (number('age') + 1n) - setBack
    return {
      nowUs,
      aheadOfUtc,
      openSinceUs: number('prepared') > 0n ? undefined : oldest < nowUs ? oldest : nowUs,
      openTransactions: Number(number('open_now')),
      hidden: undefined,
    }
  } catch (error) {
    if (!DENIED.includes(errorNumberOf(error))) throw error
    return { ...blind, hidden }
  }
}

/** The statement whose `bound` is the column's highest value. */
export function newestStatement(table: Pick<SourceTable, 'schema' | 'table' | 'filter'>, column: SourceColumn): Sql {
  const { name, selectText } = sqlServerColumn(column)
  const value = sql`t.${ident(name)}`
  return sql`SELECT TOP (1) ${selectText(value)} AS bound FROM ${ident(table.schema, table.table)} AS t${wherePassed(table)} ORDER BY ${value} DESC`
}

/** The cursor's next lower bound by the clock; undefined when nothing bounds it now. */
export function boundByClock(
  column: Pick<SourceColumn, 'local'>,
  cap: Exclude<CursorCap, { kind: 'newest' }>,
  clock: CursorClock,
  timezone: string,
): string | undefined {
  const instant = capInstant(cap, clock, MARGIN_US)
  if (instant === undefined) return undefined
  // Whole minutes below: a smalldatetime holds no seconds, and rounds to the nearer minute.
  const minute = (instant / 60_000_000n - 1n) * 60n
  return column.local === true ? localBoundOfBoth(minute, timezone, clock.aheadOfUtc) : printLocal(minute, 'UTC')
}
