/**
 * How far a cursor can be trusted: what was read of clock and open transactions before the snapshot was taken, and the
 * bound from which the next slice has to read.
 */
import { ident, integer, join, type Sql, sql } from '../../engine/sql.ts'
import { capInstant, localBoundOfBoth, printLocal } from '../local-time.ts'
import { wherePassed } from '../belonging.ts'
import type { CursorCap, SourceColumn, SourceTable } from '../source.ts'
import { errorNumberOf } from './driver-error.ts'
import type { MysqlSession } from './session.ts'

export interface CursorClock {
  /** The server's clock when the transactions were looked at, in microseconds since 1970. */
  nowUs: bigint
  /** When the oldest transaction or statement open at that moment began; undefined while a prepared one is kept. */
  openSinceUs: bigint | undefined
  openTransactions: number | undefined
  /** Seconds by which the zone that sessions of others begin in is ahead of UTC, without summer time. */
  aheadOfUtc: number
  /** Why transactions of others cannot be seen; undefined when they can. */
  hidden: string | undefined
}

/**
 * A statement has its NOW() when it arrives, its transaction begins when it first reaches the engine: after it has waited
 * for a table that is being altered. The margin is far longer than that usually takes.
 */
export const MARGIN_US: bigint = 60_000_000n

const ACCESS_DENIED = 1227
const DENIED: readonly number[] = [ACCESS_DENIED, 1045, 1142, 1044, 1401]

/**
 * Ages, not times: the server shows when a transaction began in a zone of its own choice, and ours, begun a moment ago,
 * is shown the same way. Where the clock of that zone has just been set back, all are an hour older than they look.
 */
const TRANSACTIONS = sql`SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01', NOW(6)) AS now_us, \
coalesce(TIMESTAMPDIFF(SECOND, min(CASE WHEN trx_mysql_thread_id <> CONNECTION_ID() THEN trx_started END), \
coalesce(max(CASE WHEN trx_mysql_thread_id = CONNECTION_ID() THEN trx_started END), \
CONVERT_TZ(NOW(), '+00:00', 'SYSTEM'))), 0) AS age, \
greatest(0, TIMESTAMPDIFF(SECOND, CONVERT_TZ(NOW(), '+00:00', 'SYSTEM'), \
CONVERT_TZ(NOW() - INTERVAL 3 HOUR, '+00:00', 'SYSTEM') + INTERVAL 3 HOUR)) AS set_back, \
count(CASE WHEN trx_mysql_thread_id <> CONNECTION_ID() THEN 1 END) AS open, \
count(CASE WHEN trx_mysql_thread_id = 0 THEN 1 END) AS ownerless FROM information_schema.innodb_trx`

/** The server's clock, and by how much its zone is ahead of UTC: of the four quarters of a year one at least has no summer time. */
const CLOCK = sql`SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01', NOW(6)) AS now_us, least(${join(
  [0, 91, 182, 273].map(days => aheadAt(sql`(NOW() - INTERVAL ${integer(days)} DAY)`)),
)}) AS ahead`

/** Statements at work, whose transaction may not have begun; and threads that apply another server's log. */
const STATEMENTS = sql`SELECT coalesce(max(CASE WHEN user <> 'system user' AND command NOT IN ('Sleep', 'Daemon', 'Binlog Dump', \
'Binlog Dump GTID') AND user <> 'event_scheduler' THEN time END), 0) AS age, \
count(CASE WHEN user = 'system user' AND command <> 'Daemon' THEN 1 END) AS appliers \
FROM information_schema.processlist WHERE id <> CONNECTION_ID()`

/** A replica that is stopped has no such thread, and a reader that shares the storage of its writer never has one. */
const READ_ONLY = sql`SHOW GLOBAL VARIABLES WHERE Variable_name IN ('read_only', 'innodb_read_only') \
AND Value NOT IN ('OFF', '0')`

function aheadAt(utc: Sql): Sql {
  return sql`TIMESTAMPDIFF(SECOND, ${utc}, CONVERT_TZ(${utc}, '+00:00', @@global.time_zone))`
}

/** Look at clock and transactions; outside a transaction and before the snapshot. */
export async function readCursorClock(session: MysqlSession, user: string, signal: AbortSignal): Promise<CursorClock> {
  const [clock] = await session.query(CLOCK, signal)
  const known = { nowUs: BigInt(clock?.['now_us'] ?? '0'), aheadOfUtc: Number(clock?.['ahead'] ?? '0') }
  const blind = { ...known, openSinceUs: undefined, openTransactions: undefined }
  try {
    // Statements first: one that ends meanwhile shows as the transaction it leaves open.
    const [statements] = await session.query(STATEMENTS, signal)
    await session.query(sql`START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY`, signal)
    const [row] = await session.query(TRANSACTIONS, signal)
    await session.query(sql`ROLLBACK`, signal)
    const prepared = await session.query(sql`XA RECOVER`, signal)
    const nowUs = BigInt(row?.['now_us'] ?? '0')
    const elsewhere = await whyElsewhere(session, statements?.['appliers'], signal)
    if (elsewhere !== undefined) return { ...blind, hidden: elsewhere }
    const number = (text: string | null | undefined): bigint => BigInt(text ?? '0')
    const age = number(row?.['age']) + number(row?.['set_back'])
    const busy = number(statements?.['age'])
    const oldest = nowUs - 1_000_000n * (age > busy ? age : busy)
    const isHeld = prepared.length > 0 || row?.['ownerless'] !== '0'
    const openTransactions = Number.parseInt(row?.['open'] ?? '0', 10)
    return {
      ...known,
      openSinceUs: isHeld ? undefined : min(oldest, known.nowUs),
      openTransactions,
      hidden: undefined,
    }
  } catch (error) {
    if (!DENIED.includes(errorNumberOf(error))) throw error
    await session.query(sql`ROLLBACK`, signal)
    return {
      ...blind,
      hidden: `${user} may not see open transactions: GRANT PROCESS ON *.* TO ${user}, in MySQL XA_RECOVER_ADMIN too`,
    }
  }
}

/** Why the transactions and the clock behind the values are those of another server. */
async function whyElsewhere(
  session: MysqlSession,
  appliers: string | null | undefined,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (appliers !== '0') return 'the server applies the log of another one, whose clock set the values'
  const readOnly = await session.query(READ_ONLY, signal)
  return readOnly.length === 0
    ? undefined
    : 'the server takes no writes (read_only): another one has the transactions and the clock'
}

/** The statement whose `bound` is the column's highest value. */
export function newestStatement(table: Pick<SourceTable, 'schema' | 'table' | 'filter'>, column: string): Sql {
  return sql`SELECT CAST(max(t.${ident(column)}) AS CHAR) AS bound FROM ${ident(table.schema, table.table)} AS t${wherePassed(table)}`
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
  // Whole seconds: a column without fractions holds them cut off.
  const second = instant / 1_000_000n
  return column.local === true ? localBoundOfBoth(second, timezone, clock.aheadOfUtc) : printLocal(second, 'UTC')
}

const min = (a: bigint, b: bigint): bigint => (a < b ? a : b)
