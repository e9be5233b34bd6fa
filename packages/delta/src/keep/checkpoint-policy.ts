/**
 * When a log has grown so much that a checkpoint pays: by how many commits a reader has to go through, and how many bytes.
 */
import type { Snapshot } from '../snapshot/snapshot.ts'

/** Commits that are read one by one cost a request each. */
const MOST_COMMITS = 100n
/** From here on the bytes decide: a checkpoint of a few commits is not worth the requests that find it. */
const FEWEST_COMMITS = 10n
/** About as much as is parsed in a tenth of a second. */
const MOST_BYTES = 4 * 1024 * 1024

const INTERVAL = 'delta.checkpointInterval'

/**
 * True when a checkpoint of this version is due: after `delta.checkpointInterval` commits since the last one where the
 * table says so, else after 100 commits, or 10 that together have 4 MiB.
 *
 * @example
 * ```ts
 * console.log(isCheckpointDue(people)) // false
 * console.log(isCheckpointDue({ ...people, version: 99n })) // true
 * ```
 */
export function isCheckpointDue({
  version,
  configuration,
  log,
}: Pick<Snapshot, 'version' | 'configuration' | 'log'>): boolean {
  const commits = version - (log.checkpoint ?? -1n)
  const interval = configuration[INTERVAL]
  if (interval !== undefined && /^[1-9]\d{0,17}$/.test(interval)) return commits >= BigInt(interval)
  return commits >= MOST_COMMITS || (commits >= FEWEST_COMMITS && log.sizeInBytes >= MOST_BYTES)
}
