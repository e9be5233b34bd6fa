/**
 * Finding the end of a log without listing it: commits are asked for one after another until one does not exist.
 */
import { DeltaError } from '../errors.ts'
import type { Commit } from '../log/actions.ts'
import { findCommit } from '../log/find-commit.ts'
import { printLogName, type Version } from '../log/log-path.ts'
import { type LineParser, lineParser } from '../log/parse-action.ts'
import type { ObjectStore } from '../store/store.ts'

export interface Walk {
  tablePath: string
  /** The first version asked for. */
  from: Version
  /** The last one, when it is known; inclusive. */
  until?: Version | undefined
  /**
   * How many are asked for at once in the beginning, and later as many as were found so far: no more are asked for in
   * vain than are there. With 1, no news cost one request.
   */
  ahead: number
  signal?: AbortSignal | undefined
}

/** Commits read at the same time. */
const MOST_AHEAD = 16

/**
 * The commits from `from` on, in order, ending before the first that does not exist. Throws LOG_GAP when that one is
 * missing although a later one that was asked for is there: somebody has deleted it.
 */
export async function* walkCommits(store: ObjectStore, walk: Walk): AsyncGenerator<Commit> {
  const { tablePath, until, signal } = walk
  const parse = lineParser()
  let pending: Promise<Commit | undefined>[] = []
  let [version, next] = [walk.from, walk.from]
  let [ahead, found] = [walk.ahead, 0]
  for (;;) {
    for (; pending.length < ahead && (until === undefined || next <= until); next += 1n) {
      pending.push(ask(store, tablePath, { version: next, parse, signal }))
    }
    const asked = pending.shift()
    if (asked === undefined) return
    let commit = await asked
    if (commit === undefined) {
      if (!(await anyExists(pending))) return
      // Whoever made the later one made this one too, perhaps just after it was asked for.
      commit = await findCommit(store, tablePath, version, { parse, signal })
      if (commit === undefined) throw logGap(tablePath, version)
      pending = []
      next = version + 1n
    }
    yield commit
    version += 1n
    found += 1
    ahead = Math.min(Math.max(ahead, found), MOST_AHEAD)
  }
}

/** The error for a version that is not there between others that are. */
export function logGap(tablePath: string, version: Version, cause?: unknown): DeltaError {
  const file = printLogName(version)
  const message = `The log of ${tablePath} lacks version ${version} (${file}).`
  return new DeltaError('LOG_GAP', message, { tablePath, version, file }, cause)
}

function ask(
  store: ObjectStore,
  tablePath: string,
  { version, ...options }: { version: Version; parse: LineParser; signal: AbortSignal | undefined },
): Promise<Commit | undefined> {
  const commit = findCommit(store, tablePath, version, options)
  // A later read may fail while an earlier one is awaited; its error is thrown when its turn comes.
  commit.catch(() => {})
  return commit
}

/** A commit that cannot be read is there all the same. */
async function anyExists(pending: readonly Promise<Commit | undefined>[]): Promise<boolean> {
  const settled = await Promise.allSettled(pending)
  return settled.some(one => one.status === 'rejected' || one.value !== undefined)
}
