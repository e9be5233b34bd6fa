/**
 * A SQLite database file as a Source. It is opened read-only; in rollback-journal mode writers wait while it is read, in
 * WAL mode nobody waits.
 */
import type { Clock } from '../../model/ports.ts'
import { readHashed, readHashedKeys } from '../parquet/hashed-rows.ts'
import type { Source } from '../source.ts'
import { checkTimezone } from '../timezone.ts'
import { carryAsText } from './column.ts'
import { diagnose } from './diagnose.ts'
import { listTables } from './names.ts'
import { openSqlite } from './session.ts'
import { openSqliteSnapshot } from './snapshot.ts'

export interface SqliteSourceOptions {
  /** Name of the source in the project, for messages. */
  name: string
  /** Absolute path of the database file. */
  path: string
  /** IANA name of the zone in which times without a zone are read. */
  timezone: string
  clock: Clock
  /** How long a file that a writer has locked is waited for; 10 seconds when left out. */
  busyTimeoutMs?: number
}

/**
 * A source that opens its file when it is first asked.
 *
 * @throws {SOURCE_TIMEZONE} the zone is an offset or unknown
 */
export function createSqliteSource(options: SqliteSourceOptions): Source {
  const { name, path, clock, busyTimeoutMs = 10_000 } = options
  const place = { source: name, path, busyTimeoutMs }
  const parts = { ...place, clock, timezone: checkTimezone(name, options.timezone) }
  const snapshots = new Set<{ close(): Promise<void> }>()
  return {
    name,
    probe: async (wanted, signal) => {
      const snapshot = await openSqliteSnapshot(parts, wanted, signal)
      try {
        return { position: snapshot.position, tables: snapshot.tables }
      } finally {
        await snapshot.close()
      }
    },
    listTables: async signal => {
      await using session = await openSqlite(place, signal)
      return (await listTables(session, signal)).map(({ schema, table }) => ({ schema, table }))
    },
    openSnapshot: async (wanted, signal) => {
      const snapshot = await openSqliteSnapshot(parts, wanted, signal)
      snapshots.add(snapshot)
      return snapshot
    },
    carryAsText: (table, names) => carryAsText(name, table, names),
    readSegments: readHashed,
    readKeySegments: readHashedKeys,
    diagnose: async (_, signal) => {
      await using session = await openSqlite(place, signal)
      return await diagnose(session, { path, timezone: parts.timezone }, signal)
    },
    close: async () => {
      await Promise.all([...snapshots].map(snapshot => snapshot.close()))
      snapshots.clear()
    },
  }
}
