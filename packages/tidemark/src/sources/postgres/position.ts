/**
 * Where a PostgreSQL server stands in its own transaction order. All of it comes from one statement, so position and
 * rows belong to one snapshot.
 */
import { SOURCE_HORIZON_TOO_OLD } from '../../errors/source.ts'
import { integer, type Sql, sql } from '../../engine/sql.ts'
import type { Clock } from '../../model/ports.ts'
import type { Position } from '../position.ts'
import type { PostgresSession, TextRow } from './session.ts'

/** Row versions are 32-bit transaction ids, compared by age: this many apart, older and younger change places. */
const MAX_AGE = 2n ** 31n
/** Transactions that may start between the look at the position and the end of the scan. */
const AGE_MARGIN = 2n ** 24n

/** As the server writes it, by the name that PostgreSQL 12 knows and later ones keep. */
export const SNAPSHOT: Sql = sql`txid_current_snapshot()::text`

/**
 * The snapshot of the transaction, or of the statement outside one. The log position is read by a function, after the
 * snapshot was taken, so everything the snapshot sees lies below it. A promoted server shows its new timeline in the
 * name of its log file at once, and in its control file only seconds later.
 */
const POSITION: Sql = sql`SELECT s.snapshot, pg_is_in_recovery() AS standby, \
to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS as_of, \
(SELECT system_identifier FROM pg_control_system()) AS system, \
(SELECT oid FROM pg_database WHERE datname = current_database()) AS database, \
CASE WHEN pg_is_in_recovery() THEN (SELECT upper(lpad(to_hex(timeline_id), 8, '0')) FROM pg_control_checkpoint()) \
ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END AS timeline, \
CASE WHEN pg_is_in_recovery() THEN pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0') \
ELSE pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') END AS lsn \
FROM (SELECT ${SNAPSHOT} AS snapshot OFFSET 0) s`

/** How far a standby has applied the log of its primary; no row of a primary. */
const REPLAYED: Sql = sql`SELECT pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0') AS lsn WHERE pg_is_in_recovery()`

/**
 * How far the log was applied before a snapshot is taken, of a standby; undefined of a primary. Has to be asked outside the
 * snapshot and before it.
 */
export async function readReplayed(session: PostgresSession, signal: AbortSignal): Promise<bigint | undefined> {
  const [row] = await session.query(REPLAYED, { signal })
  return row === undefined ? undefined : BigInt(row['lsn'] ?? '0')
}

/** @param replayed as `readReplayed` gave it before the snapshot was taken */
export async function readPosition(
  session: PostgresSession,
  replayed: bigint | undefined,
  signal: AbortSignal,
): Promise<Position> {
  const [row] = await session.query(POSITION, { signal })
  return parsePosition(row ?? {}, replayed)
}

/**
 * A position from the server's text; `snapshot` is `xmin:xmax:running,…`.
 *
 * A standby does not list what runs on its primary, so finished transactions cannot be counted there. Its order is the log
 * applied before the snapshot: equal in two runs, it proves that nothing was applied between these two looks, and the
 * first snapshot was taken between them.
 */
export function parsePosition(row: TextRow, replayed?: bigint): Position {
  const [xmin, xmax, list] = (row['snapshot'] ?? '').split(':')
  if (xmin === undefined || xmax === undefined || list === undefined) {
    throw new TypeError(`this is a bug in tidemark: ${JSON.stringify(row['snapshot'])} is not a snapshot`)
  }
  const running = list === '' ? 0 : list.split(',').length
  const history = `postgres:${row['system']}:${row['timeline']}:${row['database']}`
  const [identity, openTransactions] = replayed === undefined ? [history, running] : [`${history}:standby`, undefined]
  return {
    identity,
    history,
    order: replayed ?? BigInt(xmax) - BigInt(running),
    rowVersions: { horizon: BigInt(xmin), next: BigInt(xmax), maxAge: MAX_AGE },
    log: BigInt(row['lsn'] ?? '0'),
    asOf: row['as_of'] ?? '',
    openTransactions,
  }
}

/** False when so many transactions have passed since `horizon` that rows can no longer be compared with it by age. */
export function isHorizonUsable(next: bigint, horizon: bigint): boolean {
  return horizon <= next && next - horizon < MAX_AGE - AGE_MARGIN
}

/** @throws {SOURCE_HORIZON_TOO_OLD} */
export function assertHorizonUsable({ rowVersions }: Position, horizon: bigint, table: string): void {
  const next = rowVersions?.next ?? 0n
  if (!isHorizonUsable(next, horizon)) throw SOURCE_HORIZON_TOO_OLD({ table, age: next - horizon })
}

const FLUSH_POLL_MS = 20

/**
 * Resolve once a crash of the server cannot take back anything the snapshot saw. Commits with synchronous_commit = off
 * are visible before they are on disk; the lake must not know what the source forgot.
 *
 * Either the log is flushed up to `position.log`, or three times wal_writer_delay has passed since: by then every
 * asynchronous commit is on disk (PostgreSQL manual, "Asynchronous Commit"), and what is still in memory belongs to
 * transactions that are open and that the snapshot does not see. A long time between two looks counts for little: where
 * this machine stood still, a server on it did, too.
 */
export async function waitUntilDurable(
  session: Pick<PostgresSession, 'query'>,
  options: { position: Pick<Position, 'log'>; clock: Pick<Clock, 'monotonic' | 'sleep'>; signal: AbortSignal },
): Promise<void> {
  const { position, clock, signal } = options
  let looked = clock.monotonic()
  let passedMs = 0
  for (;;) {
    const [row] = await session.query(flushStatement(position.log), { signal })
    if (row?.['durable'] === 't') return
    const delayMs = Number(row?.['delay_ms'])
    const now = clock.monotonic()
    passedMs += Math.min(now - looked, delayMs + FLUSH_POLL_MS)
    looked = now
    if (passedMs > 3 * delayMs + FLUSH_POLL_MS) return
    await clock.sleep(FLUSH_POLL_MS, signal)
  }
}

/**
 * The insert position may stand behind a page header that nothing was written after: then the flushed position stays at
 * the page's start for as long as the server is idle, and no record lies between. Page headers have up to 40 bytes.
 */
function flushStatement(lsn: bigint): Sql {
  return sql`SELECT flushed >= ${integer(lsn)} OR (flushed % page = 0 AND ${integer(lsn)} - flushed <= 40) AS durable, \
delay_ms FROM (SELECT pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0') AS flushed, \
current_setting('wal_block_size')::numeric AS page, \
ceil(1000 * extract(epoch FROM current_setting('wal_writer_delay')::interval)) AS delay_ms) w`
}
