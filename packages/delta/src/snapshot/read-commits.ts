/**
 * Reading the commits of a range, and what they did to the rows.
 */
import type { AddFile, Commit } from '../log/actions.ts'
import { findCommit } from '../log/find-commit.ts'
import type { Version } from '../log/log-path.ts'
import type { ObjectStore } from '../store/store.ts'
import { logGap, walkCommits } from './walk-commits.ts'

/** Commits read at the same time. */
const AT_ONCE = 16

/**
 * The commits after `after` (exclusive) up to `upTo` (inclusive), in order. Throws LOG_GAP when one of them is gone,
 * so that a streaming reader never passes over data.
 *
 * @example
 * ```ts
 * const commits = await readCommits(store, 'people', { after: 0n, upTo: 1n })
 * console.log(commits.map(({ version, commitInfo }) => [version, commitInfo?.operation])) // [ [ 1n, 'WRITE' ] ]
 * ```
 */
export async function readCommits(
  store: ObjectStore,
  tablePath: string,
  range: { after: Version; upTo: Version; signal?: AbortSignal | undefined },
): Promise<Commit[]> {
  const { after, upTo, signal } = range
  const commits: Commit[] = []
  for await (const commit of walkCommits(store, { tablePath, from: after + 1n, until: upTo, ahead: AT_ONCE, signal })) {
    commits.push(commit)
  }
  const last = commits.at(-1)?.version ?? after
  if (last < upTo) throw logGap(tablePath, last + 1n)
  return commits
}

/**
 * The newest commits, at most `limit`, from `upTo` backwards. Ends where the log does: what is older was cleaned away, and
 * nothing is missing for that.
 *
 * @example
 * ```ts
 * const history = await readHistory(store, 'people', { upTo: people.version, limit: 10 })
 * console.log(history.map(({ commitInfo }) => commitInfo?.operation)) // [ 'WRITE', 'CREATE TABLE' ]
 * ```
 */
export async function readHistory(
  store: ObjectStore,
  tablePath: string,
  range: { upTo: Version; limit: number; signal?: AbortSignal | undefined },
): Promise<Commit[]> {
  const { upTo, limit, signal } = range
  const commits: Commit[] = []
  while (commits.length < limit) {
    const next = upTo - BigInt(commits.length)
    const left = Math.min(AT_ONCE, limit - commits.length, Number(next) + 1)
    const versions = Array.from({ length: left }, (_, i) => next - BigInt(i))
    const found = await Promise.all(versions.map(version => findCommit(store, tablePath, version, { signal })))
    const end = found.indexOf(undefined)
    for (const commit of end < 0 ? found : found.slice(0, end)) if (commit) commits.push(commit)
    if (end >= 0 || left < AT_ONCE) break
  }
  return commits
}

/**
 * The files whose rows a commit added: new data only, not files that were merely rewritten.
 *
 * @example
 * ```ts
 * const [newest] = await readCommits(store, 'people', { after: 0n, upTo: 1n })
 * console.log(newest && addedFiles(newest).map(file => file.path)) // [ 'b' ]
 * ```
 */
export function addedFiles(commit: Commit): AddFile[] {
  return commit.actions.flatMap(action => (action.kind === 'add' && action.add.dataChange ? [action.add] : []))
}

/**
 * True when all data changes of a commit are adds, so `addedFiles` is everything that happened to the rows.
 *
 * @example
 * ```ts
 * const commits = await readCommits(store, 'people', { after: -1n, upTo: 1n })
 * console.log(commits.every(isAppendOnly)) // true
 * ```
 */
export function isAppendOnly(commit: Commit): boolean {
  return !commit.actions.some(a => a.kind === 'cdc' || (a.kind === 'remove' && a.remove.dataChange))
}
