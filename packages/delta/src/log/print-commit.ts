/**
 * From a staged change to the bytes of its commit file. The same arguments give the same bytes, which is what makes
 * repeating an attempt safe.
 */

import { printJson } from '../json.ts'
import type { Staged } from '../write/staged.ts'
import type { CommitInfo, DataFile, MetaData } from './actions.ts'
import { encodeDataPath } from './data-path.ts'

export interface Attempt {
  /** Uuid of this attempt, for recognising the commit when its outcome is unknown. */
  txnId: string
  /** Id for the table when this creates one. */
  tableId: string
  /** Milliseconds since 1970 UTC. */
  timestamp: number
}

/** One action a line, commitInfo first. */
export function printCommit(staged: Staged, attempt: Attempt): Uint8Array {
  const { timestamp } = attempt
  const actions: object[] = [{ commitInfo: toCommitInfo(staged, attempt) }]
  if (staged.protocol) actions.push({ protocol: staged.protocol })
  if (staged.metaData) actions.push({ metaData: toMetaData(staged.metaData, attempt) })
  for (const txn of staged.txn) actions.push({ txn: { ...txn, lastUpdated: timestamp } })
  for (const { domain, configuration, removed } of staged.domains) {
    actions.push({ domainMetadata: { domain, configuration, removed: removed ?? false } })
  }
  const { dataChange } = staged
  for (const { uri, partitionValues, size } of staged.remove) {
    const extended = { extendedFileMetadata: true, partitionValues, size }
    actions.push({ remove: { path: uri, deletionTimestamp: timestamp, dataChange, ...extended } })
  }
  for (const file of staged.add) actions.push({ add: toAdd(file, dataChange) })
  return new TextEncoder().encode(actions.map(action => `${printJson(action)}\n`).join(''))
}

/**
 * What a caller read is not known here, so no commit claims to be a blind append: other writers then check their own
 * work against it with care.
 */
function toCommitInfo(staged: Staged, attempt: Attempt): CommitInfo {
  const { operation, operationParameters = {}, operationMetrics, engineInfo, userMetadata, runId } = staged.info
  return {
    timestamp: attempt.timestamp,
    operation,
    operationParameters,
    ...(staged.base ? { readVersion: staged.base.version } : {}),
    isolationLevel: 'Serializable',
    isBlindAppend: false,
    ...(operationMetrics === undefined ? {} : { operationMetrics }),
    ...(userMetadata === undefined ? {} : { userMetadata }),
    ...(runId === undefined ? {} : { runId }),
    engineInfo: engineInfo ?? '@tidemark/delta',
    txnId: attempt.txnId,
  }
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

function toAdd(file: DataFile, dataChange: boolean): object {
  const { path, size, modificationTime, stats } = file
  const partitionValues = Object.fromEntries(
    // The empty string already means null, so it cannot be stored as itself.
    Object.entries(file.partitionValues).map(([column, value]) => [column, value === '' ? null : value]),
  )
  return { path: encodeDataPath(path), partitionValues, size, modificationTime, dataChange, stats }
}
