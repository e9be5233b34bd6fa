/**
 * SQL Server and Azure SQL as a Source. It only ever selects. What it promises rests on snapshot isolation, which the
 * database has to allow.
 */
import { ok } from '../../model/finding.ts'
import { asWanted, refsOf } from '../found-tables.ts'
import { readCsvHashed, readKeyCsv } from '../read-csv.ts'
import type { Source, TableRef } from '../source.ts'
import { serverName } from '../server-address.ts'
import { checkTimezone } from '../timezone.ts'
import type { SqlServerConnection } from './address.ts'
import { carryAsText } from './column.ts'
import { LOCK_TIMEOUT_MS, openSession } from './connection.ts'
import { readCursorClock } from './cursor.ts'
import { describeTables } from './describe.ts'
import { findTables, listTables } from './names.ts'
import { lookAtPosition } from './position.ts'
import type { SqlServerSession } from './session.ts'
import { openSqlServerSnapshot } from './snapshot.ts'

export interface SqlServerSourceOptions {
  /** Name of the source in the project, for messages. */
  name: string
  connection: SqlServerConnection
  /** IANA name of the zone in which timestamps without a zone are read. */
  timezone: string
  /** How long a lock is waited for before it becomes a Problem; 10 seconds when left out. */
  lockTimeoutMs?: number
  /** Opens a pinned session; over the network when left out. */
  open?: (signal: AbortSignal) => Promise<SqlServerSession>
}

/**
 * A source that connects, and loads its driver, when it is first asked.
 *
 * @throws {SOURCE_TIMEZONE} the zone is an offset or unknown
 */
export function createSqlServerSource(options: SqlServerSourceOptions): Source {
  const { name, connection, lockTimeoutMs = LOCK_TIMEOUT_MS } = options
  const timezone = checkTimezone(name, options.timezone)
  const snapshots = new Set<{ close(): Promise<void> }>()
  const open = options.open ?? (signal => openSession(name, connection, signal, lockTimeoutMs))
  return {
    name,
    probe: async (wanted, signal) => {
      await using session = await open(signal)
      const { user } = connection
      const { openTransactions } = await readCursorClock(session, user, signal)
      const { position, counters } = await lookAtPosition(session, { openTransactions, signal })
      const found = await findTables(session, name, wanted, signal)
      const refs = refsOf(found)
      const described = await describeTables(session, refs, {
        source: name,
        user,
        timezone,
        lockTimeoutMs,
        counters,
        signal,
      })
      return { position, tables: asWanted(found, described) }
    },
    listTables: async signal => {
      await using session = await open(signal)
      return (await listTables(session, signal)).map(({ schema, table }): TableRef => ({ schema, table }))
    },
    openSnapshot: async (wanted, signal) => {
      const snapshot = await openSqlServerSnapshot(
        { source: name, connection, timezone, lockTimeoutMs, open },
        wanted,
        signal,
      )
      snapshots.add(snapshot)
      return snapshot
    },
    carryAsText: (table, names) => carryAsText(name, table, names),
    readSegments: readCsvHashed,
    readKeySegments: readKeyCsv,
    diagnose: async (_, signal) => {
      await using _session = await open(signal)
      const findings = [
        ok('server', `SQL Server at ${serverName(connection)}`),
        ok('login', `reads as ${connection.describeLogin?.() ?? connection.user}`),
        ok('rights', 'not looked at; the script that gives the least is in docs/guides/sql-server.md'),
      ]
      return { findings, found: new Map(), openTransactionsHidden: undefined }
    },
    close: async () => {
      await Promise.all([...snapshots].map(snapshot => snapshot.close()))
      snapshots.clear()
    },
  }
}
