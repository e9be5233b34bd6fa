/**
 * Reading the commits of a range, and what they did to the rows.
 */
import type { AddFile, Commit } from '../log/actions.ts'
import type { Version } from '../log/log-path.ts'
import type { ObjectStore } from '../store/store.ts'
import { logGap, walkCommits } from './walk-commits.ts'

/**
 * The commits after `after` (exclusive) up to `upTo` (inclusive), in order. Throws LOG_GAP when one of them is gone,
 * so that a streaming reader never passes over data.
 */
export async function readCommits(
  store: ObjectStore,
  tablePath: string,
  range: { after: Version; upTo: Version; signal?: AbortSignal | undefined },
): Promise<Commit[]> {
  const { after, upTo, signal } = range
  const commits: Commit[] = []
  for await (const commit of walkCommits(store, { tablePath, from: after + 1n, until: upTo, ahead: 16, signal })) {
    commits.push(commit)
  }
  const last = commits.at(-1)?.version ?? after
  if (last < upTo) throw logGap(tablePath, last + 1n)
  return commits
}

/** The files whose rows a commit added: new data only, not files that were merely rewritten. */
export function addedFiles(commit: Commit): AddFile[] {
  return commit.actions.flatMap(action => (action.kind === 'add' && action.add.dataChange ? [action.add] : []))
}

/** True when all data changes of a commit are adds, so `addedFiles` is everything that happened to the rows. */
export function isAppendOnly(commit: Commit): boolean {
  return !commit.actions.some(a => a.kind === 'cdc' || (a.kind === 'remove' && a.remove.dataChange))
}
