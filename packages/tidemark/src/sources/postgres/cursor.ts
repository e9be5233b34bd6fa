/**
 * How far a cursor can be trusted: what was read of clock and open transactions before the snapshot was taken, and the
 * bound from which the next slice has to read. Transactions are looked at first, so that none can end unseen in between.
 */
import { ident, integer, type Sql, sql, text } from '../../engine/sql.ts'
import { wherePassed } from '../belonging.ts'
import type { CursorCap, SourceColumn, SourceTable } from '../source.ts'
import type { PostgresSession } from './session.ts'

export interface CursorClock {
  /**
   * The server's clock when the transactions were looked at, as text of a timestamptz; of a standby, when the last transaction
   * that it has applied was decided. Undefined where it has applied none yet.
   */
  now: string | undefined
  /** When the oldest transaction open at that moment began, or `now`; undefined while a prepared one is kept. */
  openSince: string | undefined
  /** Seconds by which the zone that sessions of others begin in is ahead of UTC, without summer time. */
  aheadOfUtc: number
  /** Why transactions of others cannot be seen; undefined when they can. */
  hidden: string | undefined
}

/**
 * A transaction takes its `now()` when its first statement arrives and shows itself in pg_stat_activity a moment later;
 * the margin is far longer than that moment.
 */
const MARGIN_MS = 2000

/** Of the four quarters of a year one at least has no summer time. */
const AHEAD: Sql = sql`SELECT extract(epoch FROM min((d AT TIME ZONE z.reset_val) - (d AT TIME ZONE 'UTC')))::integer \
FROM pg_settings AS z, generate_series(statement_timestamp() - interval '273 days', statement_timestamp(), interval '91 days') AS d \
WHERE z.name = 'TimeZone'`

/** statement_timestamp() is taken before the view is read: who begins later has a later clock. */
const CLOCK: Sql = sql`SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_xact_replay_timestamp() \
ELSE statement_timestamp() END::text AS now, pg_is_in_recovery() AS standby, \
(SELECT LEAST(statement_timestamp(), min(xact_start))::text FROM pg_stat_activity WHERE pid <> pg_backend_pid()) AS open_since, \
(SELECT count(*) FROM pg_prepared_xacts) AS prepared, (${AHEAD}) AS ahead, \
pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS visible`

/** Look at clock and transactions; outside a transaction and before the snapshot. */
export async function readCursorClock(
  session: PostgresSession,
  user: string,
  signal: AbortSignal,
): Promise<CursorClock> {
  const [row] = await session.query(CLOCK, { signal })
  const isVisible = row?.['visible'] === 't'
  const isStandby = row?.['standby'] === 't'
  return {
    now: row?.['now'] ?? undefined,
    // A prepared transaction is older than anything the server says of it.
    openSince: row?.['prepared'] === '0' ? (row['open_since'] ?? undefined) : undefined,
    aheadOfUtc: Number(row?.['ahead'] ?? '0'),
    hidden: isStandby
      ? 'a standby does not show the transactions of its primary'
      : isVisible
        ? undefined
        : `${user} may not see open transactions: GRANT pg_read_all_stats TO ${user}`,
  }
}

/**
 * The statement whose `bound` is the cursor's next lower bound; undefined when nothing bounds it now.
 *
 * @param column its own value, in its own type, is what `bound` renders
 */
export function boundStatement(
  table: Pick<SourceTable, 'schema' | 'table' | 'filter'>,
  column: SourceColumn,
  at: { cap: CursorCap; clock: CursorClock; timezone: string },
): Sql | undefined {
  const { cap, clock } = at
  const zones = { timezone: at.timezone, aheadOfUtc: clock.aheadOfUtc }
  const name = ident(column.name)
  switch (cap.kind) {
    case 'newest':
      return sql`SELECT max(t.${name})::text AS bound FROM ${ident(table.schema, table.table)} AS t${wherePassed(table)}`
    case 'lag':
      return clock.now === undefined ? undefined : boundAt(column, clock.now, cap.ms, zones)
    case 'open transactions':
      return clock.openSince === undefined ? undefined : boundAt(column, clock.openSince, MARGIN_MS, zones)
  }
}

/** A local time may be that of the source's zone, or the one that the server shows to whoever writes. */
function boundAt(
  column: SourceColumn,
  instant: string,
  lessMs: number,
  { timezone, aheadOfUtc }: { timezone: string; aheadOfUtc: number },
): Sql {
  const at = sql`(${text(instant)}::timestamptz - ${integer(lessMs)} * interval '1 millisecond')`
  if (column.sourceType.endsWith('with time zone')) return sql`SELECT ${at}::text AS bound`
  const shown = sql`${localTime(at, 'UTC')} + ${integer(aheadOfUtc)} * interval '1 second'`
  return sql`SELECT LEAST(${localTime(at, timezone)}, ${localTimeAfterFold(at, timezone)}, ${shown})::text AS bound`
}

const localTime = (instant: Sql, timezone: string): Sql => sql`(${instant} AT TIME ZONE ${text(timezone)})`

/** When clocks go back within the next hours, later rows carry earlier local times: the bound goes back with them. */
function localTimeAfterFold(instant: Sql, timezone: string): Sql {
  return sql`(${localTime(sql`(${instant} + interval '3 hours')`, timezone)} - interval '3 hours')`
}
