/**
 * Which version was current at a time. A commit's time is the one it carries itself, where the table keeps such times,
 * and otherwise the time at which its file was written, as Spark has it.
 */
import { DeltaError, isDeltaError } from '../errors.ts'
import { findCommit } from '../log/find-commit.ts'
import { type ListedCommit, type LogListing, listLog } from '../log/listing.ts'
import type { Version } from '../log/log-path.ts'
import type { TableStore } from '../log/table-store.ts'
import { printMicros } from '../stats/civil-time.ts'
import { isActive } from './protocol.ts'
import { readSnapshot } from './read-snapshot.ts'
import { logGap } from './walk-commits.ts'

export interface CommitTime {
  readonly version: Version
  /** Milliseconds since 1970 UTC. */
  readonly timestamp: number
}

/**
 * The newest version whose commit is not later than `timestamp` (milliseconds since 1970 UTC); a time in the future
 * gives the latest. Undefined when there is no table; throws VERSION_NOT_FOUND when the log begins later.
 *
 * @example
 * ```ts
 * console.log(await findVersionAt(ports, { tablePath: 'people', timestamp: Date.UTC(2100, 0) })) // 1n
 * ```
 */
export async function findVersionAt(
  tables: TableStore,
  request: { tablePath: string; timestamp: number; signal?: AbortSignal | undefined },
): Promise<Version | undefined> {
  const { tablePath, timestamp, signal } = request
  const latest = await readSnapshot(tables, { tablePath, signal })
  if (latest === undefined) return undefined
  const listing = await listLog(tables.store, tablePath)
  const oldest = oldestVersion(listing)
  const commits = listing.commits.filter(({ version }) => oldest !== undefined && version >= oldest)
  const times = commitTimes(commits)
  if (!isActive('inCommitTimestamp', latest)) return newestAt(times, request)
  const since = enabledSince(latest.configuration)
  const own = commits.filter(({ version }) => version >= since.version && version <= latest.version)
  if (timestamp < since.timestamp) {
    return newestAt(
      times.filter(({ version }) => version < since.version),
      request,
    )
  }
  return searchOwnTimes(tables, request, own)
}

/**
 * The oldest version whose commit is not earlier than `timestamp` (milliseconds since 1970 UTC): where the changes since
 * then begin. After the latest commit it is the version that the next one will have. Undefined when there is no table.
 *
 * @example
 * ```ts
 * console.log(await findVersionSince(ports, { tablePath: 'people', timestamp: Date.UTC(1970, 0) })) // 0n
 * console.log(await findVersionSince(ports, { tablePath: 'people', timestamp: Date.UTC(2100, 0) })) // 2n
 * ```
 */
export async function findVersionSince(
  tables: TableStore,
  request: { tablePath: string; timestamp: number; signal?: AbortSignal | undefined },
): Promise<Version | undefined> {
  try {
    // Times are whole milliseconds that grow with the version.
    const before = await findVersionAt(tables, { ...request, timestamp: Math.ceil(request.timestamp) - 1 })
    return before === undefined ? undefined : before + 1n
  } catch (error) {
    const oldest = isDeltaError(error, 'VERSION_NOT_FOUND') ? error.details['oldest'] : undefined
    if (typeof oldest === 'bigint') return oldest
    throw error
  }
}

/**
 * The times of commits by their files, made to grow: clocks of different machines are not, and a copied file has the
 * time of the copy.
 */
export function commitTimes(commits: readonly ListedCommit[]): CommitTime[] {
  let last = Number.NEGATIVE_INFINITY
  return commits.map(({ version, modifiedAt }) => {
    last = Math.max(Math.floor(modifiedAt), last + 1)
    return { version, timestamp: last }
  })
}

/** The oldest version that can be read: 0, or that of the oldest checkpoint. */
function oldestVersion({ commits, checkpoints }: LogListing): Version | undefined {
  return commits[0]?.version === 0n ? 0n : checkpoints.at(-1)?.version
}

/** Tables that were made with such times do not say since when. */
function enabledSince(configuration: Readonly<Record<string, string>>): CommitTime {
  const version = configuration['delta.inCommitTimestampEnablementVersion']
  const timestamp = configuration['delta.inCommitTimestampEnablementTimestamp']
  if (
    version === undefined ||
    timestamp === undefined ||
    !/^\d{1,20}$/.test(version) ||
    !/^\d{1,15}$/.test(timestamp)
  ) {
    return { version: 0n, timestamp: Number.NEGATIVE_INFINITY }
  }
  return { version: BigInt(version), timestamp: Number(timestamp) }
}

function newestAt(times: readonly CommitTime[], request: { tablePath: string; timestamp: number }): Version {
  const found = times.findLast(({ timestamp }) => timestamp <= request.timestamp)
  if (found === undefined) throw tooEarly(request, times[0])
  return found.version
}

/** The times that commits carry grow with the version, so a few of them tell. */
async function searchOwnTimes(
  tables: TableStore,
  request: { tablePath: string; timestamp: number; signal?: AbortSignal | undefined },
  commits: readonly ListedCommit[],
): Promise<Version> {
  const timeOf = (at: number): Promise<CommitTime> => readTime(tables, request, commits[at]?.version ?? 0n)
  let [low, high] = [0, commits.length]
  let first: CommitTime | undefined
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const time = await timeOf(middle)
    if (middle === 0) first = time
    if (time.timestamp <= request.timestamp) low = middle + 1
    else high = middle
  }
  const found = commits[low - 1]
  if (found === undefined) throw tooEarly(request, first)
  return found.version
}

async function readTime(
  { store }: TableStore,
  { tablePath, signal }: { tablePath: string; signal?: AbortSignal | undefined },
  version: Version,
): Promise<CommitTime> {
  const commit = await findCommit(store, tablePath, version, { signal })
  if (commit === undefined) throw logGap(tablePath, version)
  const timestamp: unknown = commit.commitInfo?.['inCommitTimestamp']
  if (typeof timestamp === 'number') return { version, timestamp }
  const message = `Version ${version} of ${tablePath} does not say when it was committed, although the table keeps such times.`
  throw new DeltaError('LOG_INVALID', message, { tablePath, version })
}

function tooEarly(request: { tablePath: string; timestamp: number }, oldest: CommitTime | undefined): DeltaError {
  const { tablePath, timestamp } = request
  const kept =
    oldest === undefined ? '' : `; the oldest that is kept is ${oldest.version}, of ${printMillis(oldest.timestamp)}`
  const message = `${tablePath} has no version of the time ${printMillis(timestamp)}${kept}.`
  return new DeltaError('VERSION_NOT_FOUND', message, { tablePath, timestamp, oldest: oldest?.version })
}

function printMillis(time: number): string {
  return printMicros(BigInt(Math.floor(time)) * 1000n, 'Z').replace('000Z', 'Z')
}
