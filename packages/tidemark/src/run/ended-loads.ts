/**
 * Records of loads in parts that no run will go on with: a crash came between the commit and the end of the record, a
 * backfill died and was not asked for again, or an entry was taken out of the list while its table was being loaded. They
 * hold nothing but how far a load was.
 */
import { isDeltaError, readSnapshot } from '@tidemark/delta'
import { BACKFILL_CONTINUED_MS, isBackfillRecord } from '../ingest/backfill-in-parts.ts'
import { generationOf } from '../ingest/generation.ts'
import { endLoad, type ListedLoad, listLoads, readParts } from '../ingest/load-record.ts'
import type { LakeStore } from '../model/ports.ts'

/** A load that has come no further for so long is begun anew by whoever still wants it. */
const LOAD_CONTINUED_MS = 7 * 24 * 60 * 60 * 1000

interface Sweep {
  now: number
  dryRun?: boolean
  signal: AbortSignal
}

/** Remove them, unless `dryRun`; what comes back is whose they were, such as `bronze/orders/backfill`. */
export async function sweepEndedLoads(lake: LakeStore, sweep: Sweep): Promise<readonly string[]> {
  const ended: string[] = []
  for await (const load of listLoads(lake.store)) {
    const fate = await fateOf(lake, load, sweep)
    if (fate === 'kept') continue
    ended.push(load.of)
    if (sweep.dryRun === true) continue
    if (fate === 'forgotten') await removeFiles(lake, load)
    await endLoad(lake.store, load.of)
  }
  return ended
}

/** `ended`: the table is not the one that the load was to make or to replace. One that cannot be read may be. */
async function fateOf(
  lake: LakeStore,
  { of, begunAt, lastAt, plan }: ListedLoad,
  { now, signal }: Sweep,
): Promise<'kept' | 'ended' | 'forgotten'> {
  if (isBackfillRecord(of)) return now - begunAt >= BACKFILL_CONTINUED_MS ? 'ended' : 'kept'
  if (plan === undefined) return 'ended'
  try {
    const current = await readSnapshot(lake, { tablePath: of, signal })
    const generation = current === undefined ? undefined : generationOf(current).generation
    if (generation !== plan.replaces) return 'ended'
    return now - lastAt >= LOAD_CONTINUED_MS ? 'forgotten' : 'kept'
  } catch (error) {
    // Its own step will say so; the records of other tables are looked at.
    if (!isDeltaError(error) || signal.aborted) throw error
    return 'kept'
  }
}

/** The files that parts have written for a table that was never made: there is no table that `vacuum` could rid of them. */
async function removeFiles({ store }: LakeStore, { of, plan }: ListedLoad): Promise<void> {
  if (plan === undefined || plan.replaces !== undefined) return
  for (const { files } of (await readParts(store, of, plan)).values()) {
    for (const { path } of files) await store.delete(`${of}/${path}`)
  }
}
