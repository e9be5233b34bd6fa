/**
 * Records of loads in parts that no run will go on with: a crash came between the commit and the end of the record, or a
 * backfill died and was not asked for again. They hold nothing but how far a load was.
 */
import { readSnapshot } from '@tidemark/delta'
import { BACKFILL_CONTINUED_MS, isBackfillRecord } from '../ingest/backfill-in-parts.ts'
import { generationOf } from '../ingest/generation.ts'
import { endLoad, listLoads } from '../ingest/load-record.ts'
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
      : plan === undefined || (await generationNow(lake, of, signal)) !== plan.replaces
    if (!isOver) continue
    ended.push(of)
    if (!dryRun) await endLoad(lake.store, of)
  }
  return ended
}

/** Undefined for a table that is not there, as in the plan of a load that makes it. */
async function generationNow(lake: LakeStore, tablePath: string, signal: AbortSignal): Promise<bigint | undefined> {
  const current = await readSnapshot(lake, { tablePath, signal })
  return current === undefined ? undefined : generationOf(current).generation
}
