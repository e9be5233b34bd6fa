/**
 * PostgreSQL as a Source. It reads and never writes: every session is read-only, and what it promises about positions
 * holds on a primary server only.
 */
import type { Clock } from '../../model/ports.ts'
import { readKeySegments, readSegments } from './read-segments.ts'
import type { Source } from '../source.ts'
import type { ServerConnection } from '../server-address.ts'
import { checkTimezone } from '../timezone.ts'
import { cancelBackend, openSession } from './connection.ts'
import { carryAsText } from './column.ts'
import { type PostgresExtension, prepareExtension } from './extension.ts'
import { describeTables } from './describe.ts'
import { diagnose } from './diagnose.ts'
import { grantScript } from './grants.ts'
import { listRelations } from './names.ts'
import { LOCK_TIMEOUT_MS } from './pins.ts'
import { readPosition, readReplayed } from './position.ts'
import type { PostgresSession } from './session.ts'
import { openPostgresSnapshot } from './open-snapshot.ts'

export interface PostgresSourceOptions {
  /** Name of the source in the project, for messages. */
  name: string
  connection: ServerConnection
  /** IANA name of the zone in which timestamps without a zone are read. */
  timezone: string
  clock: Clock
  /** Logical slot that lists changed keys, and publication of the same name; without one tables are scanned. */
  slot?: string | undefined
  /** Connections at once, 2 or more: one keeps the snapshot, the others read; 3 when left out. */
  maxConnections?: number | undefined
  /** Sessions of others at work with which a big reading still goes on; half of those the server allows when left out. */
  busyAbove?: bigint | undefined
  /**
   * DuckDB's own extension for PostgreSQL, by which tables are read whole: the absolute path of its file, or the one that is
   * installed. They are read by COPY when left out, and whenever the extension cannot.
   */
  extension?: Pick<PostgresExtension, 'file' | 'splitBytes'> | undefined
  /** How long each table's lock is waited for before it becomes a Problem; 10 seconds when left out. */
  lockTimeoutMs?: number
}

/**
 * A source that connects when it is first asked.
 *
 * @throws {SOURCE_TIMEZONE} the zone is an offset or unknown
 */
export function createPostgresSource(options: PostgresSourceOptions): Source {
  const {
    name,
    connection,
    clock,
    slot,
    extension,
    busyAbove,
    maxConnections = 3,
    lockTimeoutMs = LOCK_TIMEOUT_MS,
  } = options
  if (maxConnections < 2) throw new TypeError('this is a bug in tidemark: a snapshot needs two connections')
  const timezone = checkTimezone(name, options.timezone)
  const open = new Set<{ close(): Promise<void> }>()
  const openTracked = async (signal: AbortSignal): Promise<PostgresSession> =>
    await openSession(name, connection, signal)
  const cancel = (pid: number): Promise<void> => cancelBackend(name, connection, pid)
  const withSession = async <T>(signal: AbortSignal, work: (session: PostgresSession) => Promise<T>): Promise<T> => {
    await using session = await openTracked(signal)
    return await work(session)
  }
  return {
    name,
    probe: (wanted, signal) =>
      withSession(signal, async session => {
        const replayed = await readReplayed(session, signal)
        await session.begin(signal)
        const position = await readPosition(session, replayed, signal)
        await session.prove(signal)
        const tables = await describeTables(session, wanted, { source: name, user: connection.user, timezone, signal })
        return { position, tables }
      }),
    listTables: signal => withSession(signal, session => listRelations(session, signal)),
    openSnapshot: async (wanted, signal) => {
      const parts = {
        source: name,
        connection,
        timezone,
        clock,
        maxConnections,
        busyAbove,
        lockTimeoutMs,
        slot,
        extension: extension && { ...extension, source: name, connection, cancel },
        open: openTracked,
      }
      const snapshot = await openPostgresSnapshot(parts, wanted, signal)
      open.add(snapshot)
      return snapshot
    },
    ...(extension === undefined
      ? {}
      : { prepareDirect: engine => prepareExtension({ ...extension, source: name, connection }, engine) }),
    carryAsText: (table, names) => carryAsText(name, table, names),
    readSegments,
    readKeySegments,
    diagnose: (request, signal) =>
      withSession(signal, session => diagnose(session, { source: name, connection, timezone, slot }, request, signal)),
    grants: request => grantScript({ source: name, database: connection.database, slot }, request),
    close: async () => {
      await Promise.all([...open].map(snapshot => snapshot.close()))
      open.clear()
    },
  }
}
