/**
 * Snapshot: a table at one version, as a plain value. It is the log replayed (Delta protocol, "Action
 * Reconciliation"): of every kind of action the newest wins, and removes cancel adds.
 */

import { DeltaError, isDeltaError } from '../errors.ts'
import type { Action, AddFile, Commit, MetaData, Protocol, RemoveFile, Txn } from '../log/actions.ts'
import { fileKey, isSameFile } from '../log/file-key.ts'
import type { Version } from '../log/log-path.ts'
import { parseSchema, type StructType } from '../schema/schema.ts'
import { checkReadable } from './protocol.ts'

export interface Snapshot {
  /** Store path of the table's folder. */
  readonly tablePath: string
  readonly version: Version
  readonly protocol: Protocol
  readonly metaData: MetaData
  readonly schema: StructType
  /** Current data files by `AddFile.path`; a path is there once, with its newest deletion vector. */
  readonly files: ReadonlyMap<string, AddFile>
  /** What those files come to. */
  readonly totals: FileTotals
  readonly configuration: Readonly<Record<string, string>>
  /** Latest version of each application. */
  readonly txns: ReadonlyMap<string, bigint>
  /** Configuration of each domain that is not removed. */
  readonly domains: ReadonlyMap<string, string>
  /** When the version was committed, by its writer: milliseconds since 1970 UTC; undefined when it did not say. */
  readonly timestamp: number | undefined
  /** The version's time where the table keeps one in each commit; undefined where it does not, or is not known. */
  readonly inCommitTimestamp: number | undefined
  /** What a reader has to go through to get here. */
  readonly log: LogTail
  /** What an application committed last with `txn`, or undefined. */
  txn(appId: string): bigint | undefined
  /** A domain's configuration, or undefined. */
  domain(name: string): string | undefined
}

/** Sums over the current files, kept up commit by commit so that no commit has to go through all of them. */
export interface FileTotals {
  readonly sizeBytes: bigint
  /** Rows marked as deleted in deletion vectors. */
  readonly deletedRows: bigint
  readonly deletionVectors: number
}

/** The part of the log after the newest checkpoint. */
export interface LogTail {
  /** The checkpoint that was begun with; undefined when the log was read from version 0. */
  readonly checkpoint: Version | undefined
  /** Bytes of the commits after it. */
  readonly sizeInBytes: number
}

/** The totals of a table without files. */
export const NO_FILES: FileTotals = { sizeBytes: 0n, deletedRows: 0n, deletionVectors: 0 }

/** The state before the first commit, or of an earlier snapshot, to replay commits onto. */
export interface Replay {
  /** -1 before the first commit. */
  version: Version
  protocol: Protocol | undefined
  metaData: MetaData | undefined
  files: Map<string, AddFile>
  /** Of these files; the replay's own, and counted on in place. */
  totals: { -readonly [Sum in keyof FileTotals]: FileTotals[Sum] }
  txns: Map<string, Txn>
  domains: Map<string, string>
  /** The commit of `version`, where it was read. */
  last: Commit | undefined
  tail: LogTail
  /** Files that were removed and not added again, by `fileKey`; only collected when asked for. */
  removed: Map<string, RemoveFile> | undefined
  /** True while the files are those of the snapshot that was begun with: they are copied before the first change. */
  sharesFiles: boolean
}

/** Start a replay; the snapshot given stays as it is. */
export function startReplay(base?: Snapshot, options: { removed?: boolean } = {}): Replay {
  return {
    version: base?.version ?? -1n,
    protocol: base?.protocol,
    metaData: base?.metaData,
    files: (base?.files as Map<string, AddFile> | undefined) ?? new Map<string, AddFile>(),
    totals: { ...(base?.totals ?? NO_FILES) },
    txns: new Map([...(base?.txns ?? [])].map(([appId, version]) => [appId, { appId, version }])),
    domains: new Map(base?.domains),
    last: undefined,
    tail: base?.log ?? { checkpoint: undefined, sizeInBytes: 0 },
    removed: options.removed ? new Map() : undefined,
    sharesFiles: base !== undefined,
  }
}

/** Apply the next commit. */
export function replayCommit(state: Replay, commit: Commit): void {
  replayActions(state, commit.actions)
  state.version = commit.version
  state.last = commit
  state.tail = { ...state.tail, sizeInBytes: state.tail.sizeInBytes + commit.sizeInBytes }
}

/**
 * Apply the actions of a commit, or of several that were reconciled with each other. Their order means nothing: a file
 * may be removed and added again, so removes go first.
 */
export function replayActions(state: Replay, actions: readonly Action[]): void {
  for (const action of actions) if (action.kind === 'remove') replayAction(state, action)
  for (const action of actions) if (action.kind !== 'remove') replayAction(state, action)
}

/** Apply one action. */
export function replayAction(state: Replay, action: Action): void {
  switch (action.kind) {
    case 'protocol':
      state.protocol = action.protocol
      break
    case 'metaData':
      state.metaData = action.metaData
      break
    case 'add':
      setFile(state, action.add)
      state.removed?.delete(fileKey(action.add))
      break
    case 'remove': {
      const current = state.files.get(action.remove.path)
      // A remove of an older deletion vector says nothing about the file with a newer one.
      if (current !== undefined && isSameFile(current, action.remove)) deleteFile(state, current)
      state.removed?.set(fileKey(action.remove), action.remove)
      break
    }
    case 'txn':
      state.txns.set(action.txn.appId, action.txn)
      break
    case 'domainMetadata':
      if (action.domainMetadata.removed) state.domains.delete(action.domainMetadata.domain)
      else state.domains.set(action.domainMetadata.domain, action.domainMetadata.configuration)
      break
    case 'cdc':
      break
  }
}

function setFile(state: Replay, file: AddFile): void {
  const before = state.files.get(file.path)
  if (before !== undefined) count(state.totals, before, -1)
  count(state.totals, file, 1)
  ownFiles(state).set(file.path, file)
}

function deleteFile(state: Replay, file: AddFile): void {
  count(state.totals, file, -1)
  ownFiles(state).delete(file.path)
}

/** Count a file more, or one less. */
function count(totals: Replay['totals'], { size, deletionVector }: AddFile, times: 1 | -1): void {
  totals.sizeBytes += times === 1 ? size : -size
  if (deletionVector === undefined) return
  totals.deletedRows += times === 1 ? deletionVector.cardinality : -deletionVector.cardinality
  totals.deletionVectors += times
}

function ownFiles(state: Replay): Map<string, AddFile> {
  if (state.sharesFiles) {
    state.files = new Map(state.files)
    state.sharesFiles = false
  }
  return state.files
}

/** Finish a replay. Throws LOG_INCOMPLETE, SCHEMA_INVALID or FEATURE_UNSUPPORTED when the table cannot be read. */
export function finishReplay(tablePath: string, version: Version, state: Replay): Snapshot {
  const { protocol, metaData, files, totals, domains } = state
  if (protocol === undefined) throw missing(tablePath, version, 'protocol')
  if (metaData === undefined) throw missing(tablePath, version, 'metaData')
  checkReadable(tablePath, protocol, metaData)
  const txns = new Map([...state.txns].map(([appId, txn]) => [appId, txn.version]))
  return Object.freeze({
    tablePath,
    version,
    protocol,
    metaData,
    schema: schemaOf(tablePath, version, metaData),
    files,
    totals: Object.freeze({ ...totals }),
    configuration: metaData.configuration,
    txns,
    domains,
    timestamp: timeOf(state.last, 'timestamp'),
    inCommitTimestamp: timeOf(state.last, 'inCommitTimestamp'),
    log: state.tail,
    txn: (appId: string) => txns.get(appId),
    domain: (name: string) => domains.get(name),
  })
}

function schemaOf(tablePath: string, version: Version, metaData: MetaData): StructType {
  try {
    return parseSchema(metaData.schemaString)
  } catch (error) {
    if (!isDeltaError(error, 'SCHEMA_INVALID')) throw error
    const message = `The schema of ${tablePath} at version ${version} cannot be read: ${error.message}`
    throw new DeltaError('SCHEMA_INVALID', message, { ...error.details, tablePath, version }, error)
  }
}

/** commitInfo is free JSON, so whatever another writer put there is looked at before it is called a time. */
function timeOf(commit: Commit | undefined, field: 'timestamp' | 'inCommitTimestamp'): number | undefined {
  const time: unknown = commit?.commitInfo?.[field]
  return typeof time === 'number' ? time : undefined
}

function missing(tablePath: string, version: Version, action: string): DeltaError {
  const message = `The log of ${tablePath} up to version ${version} has no ${action} action.`
  return new DeltaError('LOG_INCOMPLETE', message, { tablePath, version, action })
}
