/**
 * Where a SQL Server stands, and its counters of row versions. It numbers no transactions for an ordinary user, so the
 * order is its clock; a named lock makes the look at the clock and the taking of the snapshot one step among our sessions.
 */
import { SOURCE_BUSY, type ServerParams } from '../../errors/source.ts'
import { ident, integer, type Sql, sql } from '../../engine/sql.ts'
import type { Position } from '../position.ts'
import type { TableRef } from '../source.ts'
import { DATABASE, FORK } from './catalog.ts'
import { errorNumberOf, SNAPSHOT_ENDED } from './driver-error.ts'
import type { FoundTable } from './names.ts'
import type { SqlServerSession, TextRow } from './session.ts'

/** What the database gives to tell new rows from old ones. Horizons were read before the snapshot was taken. */
export interface Counters {
  /** Versions of Change Tracking, counted by the commit. */
  tracking: { horizon: bigint; next: bigint } | undefined
  /** Versions of rowversion columns, counted by the write. */
  rowVersions: { horizon: bigint; next: bigint } | undefined
  /** Why there is no snapshot; undefined when there is one. */
  noSnapshot: string | undefined
}

/**
 * Before the snapshot: every version below was decided, so its rows are in it. Change Tracking has no version of a
 * transaction that is open; of rowversions the oldest that an open transaction holds is told, whatever the isolation.
 */
export const HORIZONS: Sql = sql`SELECT CONVERT(varchar(20), CHANGE_TRACKING_CURRENT_VERSION()) AS tracking, \
CONVERT(varchar(20), CONVERT(bigint, MIN_ACTIVE_ROWVERSION())) AS row_version`

/** Inside the snapshot: no row of it has a version that is given out later. */
export const NEXT: Sql = sql`SELECT CONVERT(varchar(20), CHANGE_TRACKING_CURRENT_VERSION()) AS tracking, \
CONVERT(varchar(20), CONVERT(bigint, @@DBTS)) AS row_version`

/** Microseconds since 1970, and the same moment as text. */
export const CLOCK: Sql = sql`DECLARE @now datetime2(7) = SYSUTCDATETIME(); \
SELECT CONVERT(varchar(20), DATEDIFF_BIG(microsecond, CONVERT(datetime2(7), '1970-01-01', 23), @now)) AS order_us, \
LEFT(CONVERT(varchar(27), @now, 126), 26) + 'Z' AS as_of`

export const LOCK: Sql = sql`DECLARE @held int; \
EXEC @held = sp_getapplock @Resource = N'tidemark.snapshot', @LockMode = 'Exclusive', @LockOwner = 'Session', @LockTimeout = 10000; \
SELECT CONVERT(varchar(11), @held) AS held`
export const UNLOCK: Sql = sql`EXEC sp_releaseapplock @Resource = N'tidemark.snapshot', @LockOwner = 'Session'`

export const BEGIN: Sql = sql`SET TRANSACTION ISOLATION LEVEL SNAPSHOT; BEGIN TRANSACTION`

/**
 * A statement that is only run inside the snapshot. Some errors end the whole transaction, and the server would answer
 * the next statement from another moment without a word.
 */
export function insideSnapshot(statement: Sql): Sql {
  return sql`IF @@TRANCOUNT = 0 THROW ${integer(SNAPSHOT_ENDED)}, N'an earlier error has ended the snapshot', 1; ${statement}`
}

/** A snapshot is of the moment when a table is first read in it, not of its beginning. */
export function touchStatement({ schema, table }: TableRef): Sql {
  return sql`SELECT TOP (1) '1' AS touched FROM ${ident(schema, table)} AS t`
}

export interface Standing {
  position: Position
  counters: Counters
  database: TextRow
}

type Server = Omit<ServerParams, 'reason'>

/**
 * Take the snapshot: everything committed before the clock was read is in it. Where the database allows none, the
 * session stays as it is and `counters.noSnapshot` says why.
 *
 * @throws {SOURCE_BUSY} another session holds the lock for longer than ten seconds
 */
export async function beginSnapshot(
  session: SqlServerSession,
  server: Server,
  tables: readonly FoundTable[],
  at: { openTransactions: number | undefined; signal: AbortSignal },
): Promise<Standing> {
  const { signal } = at
  const database = await readDatabase(session, signal)
  const noSnapshot = whyNoSnapshot(database)
  const [horizons = {}] = await session.query(HORIZONS, signal)
  const [lock] = await session.query(LOCK, signal)
  if (!/^[01]$/.test(lock?.['held'] ?? '')) {
    throw SOURCE_BUSY({ ...server, reason: 'another session holds the application lock tidemark.snapshot' })
  }
  const [clock = {}] = await session.query(CLOCK, signal)
  if (noSnapshot === undefined) {
    await session.query(BEGIN, signal)
    await touchFirst(session, tables, signal)
  }
  await session.query(UNLOCK, signal)
  const [next = {}] = await session.query(NEXT, signal)
  return standing({ database, horizons, next, clock, openTransactions: at.openTransactions })
}

const CLOUD_DATABASES: readonly string[] = ['5', '6', '11', '12']

async function readDatabase(session: SqlServerSession, signal: AbortSignal): Promise<TextRow> {
  const [database = {}] = await session.query(DATABASE, signal)
  if (CLOUD_DATABASES.includes(database['edition'] ?? '')) return database
  const [row] = await session.query(FORK, signal)
  return { ...database, ...row }
}

/** The position without a snapshot; counters are what they are now. */
export async function lookAtPosition(
  session: SqlServerSession,
  at: { openTransactions: number | undefined; signal: AbortSignal },
): Promise<Standing> {
  const { openTransactions, signal } = at
  const database = await readDatabase(session, signal)
  const [horizons = {}] = await session.query(HORIZONS, signal)
  const [clock = {}] = await session.query(CLOCK, signal)
  const [next = {}] = await session.query(NEXT, signal)
  return standing({ database, horizons, next, clock, openTransactions })
}

/** The first table that can be read fixes the snapshot for all; one that cannot be is its own problem later. */
async function touchFirst(
  session: SqlServerSession,
  tables: readonly FoundTable[],
  signal: AbortSignal,
): Promise<void> {
  // The first row of a view may take a scan.
  for (const table of tables.toSorted((a, b) => Number(a.isView) - Number(b.isView))) {
    try {
      await session.query(touchStatement(table), signal)
      return
    } catch (error) {
      if (errorNumberOf(error) === 0) throw error
      const [state] = await session.query(sql`SELECT CONVERT(varchar(11), @@TRANCOUNT) AS open_now`, signal)
      if (state?.['open_now'] === '0') await session.query(BEGIN, signal)
    }
  }
}

const SNAPSHOT_ON = '1'

function whyNoSnapshot(database: TextRow): string | undefined {
  if (database['snapshot_state'] === SNAPSHOT_ON) return undefined
  return `the database does not allow snapshot isolation: ALTER DATABASE ${bracketed(database['database'] ?? '')} SET ALLOW_SNAPSHOT_ISOLATION ON`
}

/** A secondary says nothing of transactions that are open on its primary. */
export function isSecondary(database: TextRow): boolean {
  return database['updateability'] === 'READ_ONLY'
}

function standing(rows: {
  database: TextRow
  horizons: TextRow
  next: TextRow
  clock: TextRow
  openTransactions: number | undefined
}): Standing {
  const { database, horizons, next, clock, openTransactions } = rows
  const noSnapshot = whyNoSnapshot(database)
  const counted = noSnapshot === undefined && !isSecondary(database)
  const get = (name: string): string => database[name] ?? ''
  const identity = ['server', 'id', 'created', 'fork', 'updateability', 'database'].map(get).join(':')
  return {
    database,
    position: {
      identity: `sqlserver:${identity}`,
      order: BigInt(clock['order_us'] ?? '0'),
      rowVersions: undefined,
      log: BigInt(next['row_version'] ?? '0'),
      asOf: clock['as_of'] ?? '',
      openTransactions,
    },
    counters: {
      // A current version is given out already, a smallest active one is not decided yet.
      tracking: counted ? range(horizons['tracking'], next['tracking'], 1n) : undefined,
      rowVersions: counted ? range(horizons['row_version'], next['row_version'], 0n) : undefined,
      noSnapshot,
    },
  }
}

function range(
  horizon: string | null | undefined,
  last: string | null | undefined,
  toHorizon: bigint,
): { horizon: bigint; next: bigint } | undefined {
  if (horizon == null || last == null) return undefined
  return { horizon: BigInt(horizon) + toHorizon, next: BigInt(last) + 1n }
}

const bracketed = (name: string): string => `[${name.replaceAll(']', ']]')}]`
