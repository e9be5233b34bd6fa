/**
 * Records of loads in parts that no run will go on with: a crash came between the commit and the end of the record, or a
 * backfill died and was not asked for again. They hold nothing but how far a load was.
 */
import { isDeltaError, readSnapshot } from '@tidemark/delta'
import { BACKFILL_CONTINUED_MS, isBackfillRecord } from '../ingest/backfill-in-parts.ts'
import { generationOf } from '../ingest/generation.ts'
import { endLoad, listLoads, type LoadPlan } from '../ingest/load-record.ts'
import type { LakeStore } from '../model/ports.ts'

/** Remove them, unless `dryRun`; what comes back is whose they were, such as `bronze/orders/backfill`. */
export async function sweepEndedLoads(
  lake: LakeStore,
  { now, dryRun = false, signal }: { now: number; dryRun?: boolean; signal: AbortSignal },
): Promise<readonly string[]> {
  const ended: string[] = []
  for await (const { of, begunAt, plan } of listLoads(lake.store)) {
    const isOver = isBackfillRecord(of)
      ? now - begunAt >= BACKFILL_CONTINUED_MS
      : await isEnded(lake, { of, plan }, signal)
    if (!isOver) continue
    ended.push(of)
    if (!dryRun) await endLoad(lake.store, of)
  }
  return ended
}

/** Whether the table is not the one that a load was to make or to replace; one that cannot be read may be. */
async function isEnded(
  lake: LakeStore,
  { of, plan }: { of: string; plan: LoadPlan | undefined },
  signal: AbortSignal,
): Promise<boolean> {
  if (plan === undefined) return true
  try {
    const current = await readSnapshot(lake, { tablePath: of, signal })
    return (current === undefined ? undefined : generationOf(current).generation) !== plan.replaces
  } catch (error) {
    // Its own step will say so; the records of other tables are looked at.
    if (!isDeltaError(error) || signal.aborted) throw error
    return false
  }
}
