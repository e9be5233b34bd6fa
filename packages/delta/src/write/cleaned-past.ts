/**
 * Versions that were cleaned away: a commit right after a snapshot is only what it seems while the version it makes was
 * never there. One made again would be accepted by the store, and no reader would ever see it.
 */
import { listLog } from '../log/listing.ts'
import { parseInterval } from '../log/retention.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import type { ObjectStore } from '../store/store.ts'

const RECENT_MS = 6 * 60 * 60 * 1000

/**
 * True when the log goes on after a snapshot whose next version is not there. What was committed within half of the
 * time that the log is kept, and within six hours, cannot have been followed by anything that was cleaned away since;
 * for older ones the log is listed.
 *
 * @param now milliseconds since 1970 UTC
 */
export async function isCleanedPast(store: ObjectStore, base: Snapshot, now: number): Promise<boolean> {
  if (isRecent(base, now)) return false
  const { latest, hasCheckpoint } = await listLog(store, base.tablePath, base.version)
  return latest !== undefined || hasCheckpoint
}

/** Commits tell their time by the clocks of their writers; one that is ahead of ours tells nothing. */
function isRecent({ timestamp, configuration }: Snapshot, now: number): boolean {
  const retention = configuration['delta.logRetentionDuration']
  const keptMs = retention === undefined ? Number.POSITIVE_INFINITY : (parseInterval(retention) ?? 0)
  return timestamp !== undefined && timestamp <= now && now - timestamp < Math.min(keptMs / 2, RECENT_MS)
}
