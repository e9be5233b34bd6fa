/** What the snapshot saw is made durable: a commit may be kept in memory for a while where the database allows that. */
import { SOURCE_BUSY, type ServerParams } from '../../errors/source.ts'
import { sql } from '../../engine/sql.ts'
import { DENIED, errorNumberOf } from './driver-error.ts'
import { isSecondary } from './position.ts'
import type { SqlServerSession, TextRow } from './session.ts'

/**
 * Resolve once a crash of the server cannot take back what the snapshot saw: commits may be kept in memory for a while
 * where the database allows delayed durability.
 *
 * @throws {SOURCE_BUSY} the login may not have the log written
 */
export async function flushLog(
  session: SqlServerSession,
  server: Omit<ServerParams, 'reason'>,
  database: TextRow,
  signal: AbortSignal,
): Promise<void> {
  if (database['delayed'] === '0' || isSecondary(database)) return
  try {
    await session.query(sql`EXEC sys.sp_flush_log`, signal)
  } catch (error) {
    if (!DENIED.includes(errorNumberOf(error))) throw error
    const reason = 'it delays durability, and the login may not execute sys.sp_flush_log'
    throw SOURCE_BUSY({ ...server, reason }, { cause: error })
  }
}
