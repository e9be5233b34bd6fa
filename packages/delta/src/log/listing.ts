/**
 * What a log's folder holds, from one listing.
 */
import type { ObjectStore } from '../store/store.ts'
import { type Checkpoint, type CheckpointFile, completeCheckpoints } from './checkpoints.ts'
import { commitPath, logFolderPath, parseLogName, type Version } from './log-path.ts'

export interface ListedCommit {
  readonly version: Version
  /** Milliseconds since 1970 UTC, by the store's clock. */
  readonly modifiedAt: number
  readonly sizeInBytes: number
}

/** The commits `from` to `to`, both inclusive, in one file. */
export interface Compacted {
  readonly from: Version
  readonly to: Version
  readonly name: string
}

export interface LogListing {
  /** True when there is no log at all. */
  readonly isEmpty: boolean
  /** In order of version. */
  readonly commits: readonly ListedCommit[]
  /** The latest commit. */
  readonly latest: Version | undefined
  /** Complete ones, newest first. */
  readonly checkpoints: readonly Checkpoint[]
  /** True also when only a part of a checkpoint is there. */
  readonly hasCheckpoint: boolean
  readonly compacted: readonly Compacted[]
}

/** List the log's folder, from a version on (exclusive) when one is given. */
export async function listLog(store: ObjectStore, tablePath: string, after?: Version): Promise<LogListing> {
  const folder = logFolderPath(tablePath)
  const startAfter = after === undefined ? undefined : commitPath(tablePath, after)
  const commits: ListedCommit[] = []
  const files: CheckpointFile[] = []
  const compacted: Compacted[] = []
  let isEmpty = true
  for await (const { path, size, modifiedAt } of store.list(folder, { startAfter })) {
    isEmpty = false
    const name = path.slice(folder.length + 1)
    // Versions are digits, and hints and subfolders sort after them.
    if (name > ':') break
    const parsed = parseLogName(name)
    if (parsed?.kind === 'commit') commits.push({ version: parsed.version, modifiedAt, sizeInBytes: size })
    if (parsed?.kind === 'checkpoint') files.push({ name, version: parsed.version, form: parsed.form })
    if (parsed?.kind === 'compacted') compacted.push({ from: parsed.version, to: parsed.to, name })
  }
  const latest = commits.at(-1)?.version
  const checkpoints = completeCheckpoints(files)
  return { isEmpty, commits, latest, checkpoints, hasCheckpoint: files.length > 0, compacted }
}
