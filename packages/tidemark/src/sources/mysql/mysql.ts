/**
 * MySQL and MariaDB as a Source. It reads and never writes: every session is read-only, and what it promises about
 * snapshots holds for InnoDB tables.
 */
import type { Clock } from '../../model/ports.ts'
import { readHashed, readHashedKeys } from '../parquet/hashed-rows.ts'
import type { ServerConnection } from '../server-address.ts'
import type { Source } from '../source.ts'
import { checkTimezone } from '../timezone.ts'
import { carryAsText } from './column.ts'
import { LOCK_TIMEOUT_MS, openSession } from './connection.ts'
import { readCursorClock } from './cursor.ts'
import { diagnose } from './diagnose.ts'
import { grantScript } from './grants.ts'
import { lockAndDescribe } from './lock-and-describe.ts'
import { listTables } from './names.ts'
import { lookAtPosition } from './position.ts'
import type { MysqlSession } from './session.ts'
import { openMysqlSnapshot } from './snapshot.ts'

/** Who only looks waits no longer for a table that is locked. */
const PROBE_TIMEOUT_MS = 1000

export interface MysqlSourceOptions {
  /** Name of the source in the project, for messages. */
  name: string
  connection: ServerConnection
  /** IANA name of the zone in which timestamps without a zone are read. */
  timezone: string
  clock: Clock
  /** Sessions of others at work with which a big reading still goes on; half of those the server allows when left out. */
  busyAbove?: bigint | undefined
  /** How long each table's lock is waited for before it becomes a Problem; 10 seconds when left out. */
  lockTimeoutMs?: number
}

/**
 * A source that connects, and loads its driver, when it is first asked.
 *
 * @throws {SOURCE_TIMEZONE} the zone is an offset or unknown
 */
export function createMysqlSource(options: MysqlSourceOptions): Source {
  const { name, connection, clock, busyAbove, lockTimeoutMs = LOCK_TIMEOUT_MS } = options
  const timezone = checkTimezone(name, options.timezone)
  const snapshots = new Set<{ close(): Promise<void> }>()
  const open = (signal: AbortSignal): Promise<MysqlSession> => openSession(name, connection, signal, lockTimeoutMs)
  return {
    name,
    probe: async (wanted, signal) => {
      await using session = await open(signal)
      const { openTransactions } = await readCursorClock(session, connection.user, signal)
      const position = await lookAtPosition(session, openTransactions, signal)
      const parts = { source: name, user: connection.user, timezone, lockTimeoutMs: PROBE_TIMEOUT_MS, signal }
      return { position, tables: await lockAndDescribe(session, wanted, parts) }
    },
    listTables: async signal => {
      await using session = await open(signal)
      return await listTables(session, signal)
    },
    openSnapshot: async (wanted, signal) => {
      const parts = { source: name, connection, timezone, clock, busyAbove, lockTimeoutMs, open }
      const snapshot = await openMysqlSnapshot(parts, wanted, signal)
      snapshots.add(snapshot)
      return snapshot
    },
    carryAsText: (table, names) => carryAsText(name, table, names),
    readSegments: readHashed,
    readKeySegments: readHashedKeys,
    diagnose: async (request, signal) => {
      await using session = await open(signal)
      return await diagnose(session, { source: name, connection, timezone }, request, signal)
    },
    grants: request => grantScript(name, request),
    close: async () => {
      await Promise.all([...snapshots].map(snapshot => snapshot.close()))
      snapshots.clear()
    },
  }
}
