/**
 * The rows of a checkpoint, each the text of one action: what a version holds, and the files removed so recently that
 * readers of older versions may still want them.
 */
import { exactNumber, parseJsonNumbers } from '../json.ts'
import type { AddFile, DeletionVectorDescriptor, RemoveFile } from '../log/actions.ts'
import { isRecord } from '../log/parse-fields.ts'
import type { DataType } from '../schema/schema.ts'
import type { Replay } from '../snapshot/snapshot.ts'
import type { StatsColumns } from './checkpoint-columns.ts'

/** Everything but files: protocol, metaData, applications and domains. */
export function namedRows({ protocol, metaData, txns, domains }: Replay): string[] {
  return [
    JSON.stringify({ protocol }),
    JSON.stringify({ metaData }),
    ...[...txns.values()].map(txn => JSON.stringify({ txn: { ...txn, version: long(txn.version) } })),
    ...[...domains].map(([domain, configuration]) =>
      JSON.stringify({ domainMetadata: { domain, configuration, removed: false } }),
    ),
  ]
}

/**
 * The files that are there, and those whose removal is not older than `keptSince` (milliseconds since 1970 UTC). A
 * removal without a time is as old as can be.
 */
export function* fileRows(state: Replay, stats: StatsColumns, keptSince: number): Generator<string> {
  for (const file of state.files.values()) yield addRow(file, stats)
  for (const file of state.removed?.values() ?? []) {
    if ((file.deletionTimestamp ?? 0) >= keptSince) yield removeRow(file)
  }
}

function addRow(file: AddFile, { asText, parsed, partitions }: StatsColumns): string {
  const { uri, partitionValues, size, modificationTime, stats, tags, clusteringProvider } = file
  return JSON.stringify({
    add: {
      path: uri,
      partitionValues,
      size: long(size),
      modificationTime,
      // It is no news, whoever reads it here.
      dataChange: false,
      ...(asText ? { stats } : {}),
      tags,
      ...details(file),
      clusteringProvider,
      ...(partitions === undefined ? {} : { partitionValues_parsed: typed(partitionValues, partitions) }),
      ...(parsed === undefined ? {} : { stats_parsed: typed(parseStats(stats), parsed) }),
    },
  })
}

/** Without statistics and tags: only VACUUM looks at it. */
function removeRow(file: RemoveFile): string {
  const { uri, deletionTimestamp, partitionValues, size } = file
  const extended = partitionValues !== undefined && size !== undefined
  return JSON.stringify({
    remove: {
      path: uri,
      deletionTimestamp,
      dataChange: false,
      extendedFileMetadata: extended,
      partitionValues,
      size: size === undefined ? undefined : long(size),
      ...details(file),
    },
  })
}

function details(file: AddFile | RemoveFile): object {
  const { deletionVector, baseRowId, defaultRowCommitVersion } = file
  return {
    ...(deletionVector === undefined ? {} : { deletionVector: vectorJson(deletionVector) }),
    ...(baseRowId === undefined ? {} : { baseRowId: long(baseRowId) }),
    ...(defaultRowCommitVersion === undefined ? {} : { defaultRowCommitVersion: long(defaultRowCommitVersion) }),
  }
}

function vectorJson({ cardinality, ...vector }: DeletionVectorDescriptor): object {
  return { ...vector, cardinality: long(cardinality) }
}

/** Years beyond 9999 have a plus in the log, as ISO 8601 wants it, and none in columns. */
function typed(value: unknown, type: DataType | undefined): unknown {
  if (typeof value === 'string') {
    return typeof type === 'string' && /^(date|timestamp)/.test(type) ? value.replace(/^\+/, '') : value
  }
  if (!isRecord(value) || typeof type === 'string' || type?.type !== 'struct') return value
  const types = new Map(type.fields.map(({ name, type: inner }) => [name, inner]))
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, typed(item, types.get(name))]))
}

/** Numbers go as text, which every column type can be made of without losing a digit. */
function parseStats(stats: string | undefined): object | undefined {
  if (stats === undefined) return undefined
  try {
    const json = parseJsonNumbers(stats, text => text)
    return isRecord(json) ? json : undefined
  } catch {
    return undefined
  }
}

function long(value: bigint): object {
  return exactNumber(String(value))
}
