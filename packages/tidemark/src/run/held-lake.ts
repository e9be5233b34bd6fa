/**
 * The lake of one run: opened for its work, leased by it, claimed for its project, and let go when the run is over. The
 * project in it holds to the table lists that were accepted.
 */
import type { Project } from '../model/project.ts'
import { keepToAccepted } from './accepted-lists.ts'
import { type Lake, openLake } from './lake.ts'
import { askForLake } from './lake-owner.ts'
import { takeLease } from './lease.ts'
import type { RunPorts } from './run-project.ts'

export interface HeldLake {
  lake: Lake
  runId: string
  startedAt: number
  project: Project
}

/**
 * Hold the project's lake for as long as the work takes.
 *
 * @param acceptLists hashes of changed table lists that are accepted
 * @param signal ends the wait for another run that may have died
 * @throws {RUN_IN_PROGRESS} another run holds the lease
 * @throws {LAKE_OF_ANOTHER_PROJECT} {LAKES_OVERLAP}
 * @throws {LAKE_NOT_WRITABLE} the lake's folder cannot be written
 * @throws {LIST_HASH_UNKNOWN}
 */
export async function holdLake<T>(
  ports: Pick<RunPorts, 'clock' | 'ids' | 'processes' | 'openStore' | 'remote'>,
  { project, acceptLists, signal }: { project: Project; acceptLists: readonly string[]; signal: AbortSignal },
  work: (held: HeldLake) => Promise<T>,
): Promise<T> {
  const { clock, ids, processes, openStore, remote } = ports
  const startedAt = clock.now()
  const runId = ids.runId(startedAt)
  const memory = project.engineMemory
  await using lake = await openLake(remote ?? project.lake, { work: runId, ids, processes, memory, openStore })
  const claim = await askForLake(lake.store, project, remote)
  await using lease = await takeLease({ store: lake.store, clock, processes }, runId, signal)
  void lease
  await claim()
  const accepted = await keepToAccepted(lake.store, project, { hashes: acceptLists, record: true })
  return await work({ lake, runId, startedAt, project: accepted })
}
