/**
 * Versions told apart by more than their number: a table that was put back to an earlier time, out of a backup or by a commit
 * that got lost, makes its next versions under numbers that others have read already.
 */
import { readHistory, type Snapshot } from '@tidemark/delta'
import type { ObjectStore } from '../model/ports.ts'

/** A version of a table that was read, as it is recorded. */
export interface ReadVersion {
  version: bigint
  /** When it was committed, by its commit; undefined where that was not known, and then the number alone counts. */
  committedAt: number | undefined
}

export function readVersionOf({ version, timestamp }: Pick<Snapshot, 'version' | 'timestamp'>): ReadVersion {
  return { version, committedAt: timestamp }
}

/** True unless it is known that two versions of one number are two. */
export function isSameVersion(a: ReadVersion, b: ReadVersion): boolean {
  const isTold = a.committedAt !== undefined && b.committedAt !== undefined
  return a.version === b.version && (!isTold || a.committedAt === b.committedAt)
}

/**
 * Why a version that was read is none of the table's any more; undefined when it is, or nothing tells.
 *
 * @param current the table now, as the store has it
 */
export async function whyPutBack(
  store: ObjectStore,
  current: Snapshot,
  read: ReadVersion,
): Promise<string | undefined> {
  const { version } = read
  if (current.version < version)
    return `it is at version ${current.version} after version ${version} was read: it was put back to an earlier time`
  const now = current.version === version ? readVersionOf(current) : await versionInLog(store, current, version)
  if (isSameVersion(now, read)) return undefined
  return `its version ${version} is another than the one that was read: it was put back to an earlier time`
}

async function versionInLog(store: ObjectStore, { tablePath }: Snapshot, version: bigint): Promise<ReadVersion> {
  const [commit] = await readHistory(store, tablePath, { upTo: version, limit: 1 })
  const committedAt: unknown = commit?.commitInfo?.timestamp
  return { version, committedAt: typeof committedAt === 'number' ? committedAt : undefined }
}
