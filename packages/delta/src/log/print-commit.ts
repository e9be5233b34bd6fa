/**
 * From a staged change to the bytes of its commit file. The same arguments give the same bytes, which is what makes
 * repeating an attempt safe.
 */

import { printJson } from '../json.ts'
import type { Staged } from '../write/staged.ts'
import { type AddFile, type CommitInfo, type DataFile, type MetaData, NO_STATS } from './actions.ts'
import { encodeDataPath } from './data-path.ts'
import { isSameFile } from './file-key.ts'

export interface Attempt {
  /** Holds the attempt's txnId, by which the commit is recognised when its outcome is unknown. */
  commitInfo: CommitInfo
  /** Id for the table when this creates one. */
  tableId: string
  /** Milliseconds since 1970 UTC. */
  timestamp: number
}

/** One action a line, commitInfo first. */
export function printCommit(staged: Staged, attempt: Attempt): Uint8Array {
  const { timestamp } = attempt
  const actions: object[] = [{ commitInfo: attempt.commitInfo }]
  if (staged.protocol) actions.push({ protocol: staged.protocol })
  if (staged.metaData) actions.push({ metaData: toMetaData(staged.metaData, attempt) })
  for (const txn of staged.txn) actions.push({ txn: { ...txn, lastUpdated: timestamp } })
  for (const { domain, configuration, removed } of staged.domains) {
    actions.push({ domainMetadata: { domain, configuration, removed: removed ?? false } })
  }
  const { dataChange } = staged
  const same = pathsOfSame(staged)
  for (const file of staged.remove) {
    if (!same.has(file.path)) actions.push({ remove: toRemove(file, dataChange, timestamp) })
  }
  for (const file of staged.add) actions.push({ add: toAdd(file, dataChange && !same.has(file.path)) })
  for (const file of staged.cdc) actions.push({ cdc: toCdc(file) })
  return new TextEncoder().encode(actions.map(action => `${printJson(action)}\n`).join(''))
}

/**
 * Files that come again with the same rows: they are added alone and change no data. Removing and adding one of them in a
 * commit would leave it to the reader which of the two counts.
 */
function pathsOfSame({ add, remove }: Staged): ReadonlySet<string> {
  const removed = new Map(remove.map(file => [file.path, file]))
  const same = add.filter(file => {
    const before = removed.get(file.path)
    return before !== undefined && isSameFile(before, file)
  })
  return new Set(same.map(file => file.path))
}

function toMetaData(metaData: NonNullable<Staged['metaData']>, attempt: Attempt): MetaData {
  const { name, description, format, schemaString, partitionColumns, configuration } = metaData
  return {
    id: 'id' in metaData ? metaData.id : attempt.tableId,
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description }),
    format,
    schemaString,
    partitionColumns,
    configuration,
    ...('id' in metaData
      ? metaData.createdTime === undefined
        ? {}
        : { createdTime: metaData.createdTime }
      : { createdTime: attempt.timestamp }),
  }
}

/** Everything that tells which rows end here: the spelling of the add, its deletion vector and its row ids. */
function toRemove(file: AddFile, dataChange: boolean, deletionTimestamp: number): object {
  const { uri, partitionValues, size } = file
  return {
    path: uri,
    deletionTimestamp,
    dataChange,
    extendedFileMetadata: true,
    partitionValues,
    size,
    ...printDetails(file),
  }
}

function toAdd(file: DataFile, dataChange: boolean): object {
  const { path, size, modificationTime, stats, clusteringProvider } = file
  return {
    path: file.uri ?? encodeDataPath(path),
    partitionValues: printPartitionValues(file),
    size,
    modificationTime,
    dataChange,
    ...(stats === NO_STATS ? {} : { stats }),
    ...printDetails(file),
    ...(clusteringProvider === undefined ? {} : { clusteringProvider }),
  }
}

function toCdc(file: DataFile): object {
  const { path, size, tags } = file
  return {
    path: encodeDataPath(path),
    partitionValues: printPartitionValues(file),
    size,
    dataChange: false,
    ...(tags === undefined ? {} : { tags }),
  }
}

function printDetails(file: AddFile | DataFile): object {
  const { tags, deletionVector, baseRowId, defaultRowCommitVersion } = file
  return {
    ...(tags === undefined ? {} : { tags }),
    ...(deletionVector === undefined ? {} : { deletionVector }),
    ...(baseRowId === undefined ? {} : { baseRowId }),
    ...(defaultRowCommitVersion === undefined ? {} : { defaultRowCommitVersion }),
  }
}

/** The empty string already means null, so it cannot be stored as itself. */
function printPartitionValues(file: DataFile): object {
  return Object.fromEntries(
    Object.entries(file.partitionValues).map(([column, value]) => [column, value === '' ? null : value]),
  )
}
