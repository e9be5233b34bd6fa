/**
 * From the bytes of a log file to a Commit. Refuses what is torn or lacks a required field, naming the file and line;
 * ignores actions and fields it does not know, as the protocol demands.
 */

import { DeltaError } from '../errors.ts'
import { parseJson } from '../json.ts'
import type {
  Action,
  AddFile,
  CdcFile,
  Commit,
  CommitInfo,
  DeletionVectorDescriptor,
  MetaData,
  PartitionValues,
  Protocol,
  RemoveFile,
  RowTracking,
} from './actions.ts'
import { canonicalDataPath } from './data-path.ts'
import { printLogName, type Version } from './log-path.ts'

type Json = Record<string, unknown>

/** Parse one commit file. Throws LOG_INVALID with `details: { version, file, line }`. */
export function parseCommit(version: Version, bytes: Uint8Array): Commit {
  const actions: Action[] = []
  let commitInfo: CommitInfo | undefined
  for (const [index, line] of decodeLines(version, bytes).entries()) {
    if (line.trim() === '') continue
    try {
      const json = record(parseJson(line), 'the line')
      if (isRecord(json['commitInfo'])) commitInfo = json['commitInfo']
      const action = toAction(json)
      if (action) actions.push(action)
    } catch (cause) {
      throw invalid(version, index + 1, cause)
    }
  }
  return { version, commitInfo, actions }
}

function decodeLines(version: Version, bytes: Uint8Array): string[] {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes).split('\n')
  } catch (cause) {
    throw invalid(version, undefined, cause)
  }
}

function toAction(json: Json): Action | undefined {
  if (json['protocol']) return { kind: 'protocol', protocol: toProtocol(record(json['protocol'], 'protocol')) }
  if (json['metaData']) return { kind: 'metaData', metaData: toMetaData(record(json['metaData'], 'metaData')) }
  if (json['add']) return { kind: 'add', add: toAdd(record(json['add'], 'add')) }
  if (json['remove']) return { kind: 'remove', remove: toRemove(record(json['remove'], 'remove')) }
  if (json['txn']) {
    const txn = record(json['txn'], 'txn')
    const lastUpdated = optionalNumber(txn, 'lastUpdated')
    return { kind: 'txn', txn: { appId: text(txn, 'appId'), version: big(txn, 'version'), ...lastUpdated } }
  }
  if (json['domainMetadata']) {
    const { domain, configuration, removed } = record(json['domainMetadata'], 'domainMetadata')
    const domainMetadata = {
      domain: text({ domain }, 'domain'),
      configuration: text({ configuration }, 'configuration'),
      removed: removed === true,
    }
    return { kind: 'domainMetadata', domainMetadata }
  }
  return json['cdc'] ? { kind: 'cdc', cdc: toCdc(record(json['cdc'], 'cdc')) } : undefined
}

function toProtocol(json: Json): Protocol {
  return {
    minReaderVersion: Number(big(json, 'minReaderVersion')),
    minWriterVersion: Number(big(json, 'minWriterVersion')),
    ...(Array.isArray(json['readerFeatures']) ? { readerFeatures: json['readerFeatures'].map(String) } : {}),
    ...(Array.isArray(json['writerFeatures']) ? { writerFeatures: json['writerFeatures'].map(String) } : {}),
  }
}

function toMetaData(json: Json): MetaData {
  const format = isRecord(json['format']) ? json['format'] : {}
  return {
    id: text(json, 'id'),
    ...optionalText(json, 'name'),
    ...optionalText(json, 'description'),
    format: { provider: String(format['provider'] ?? 'parquet'), options: textRecord(format['options']) },
    schemaString: text(json, 'schemaString'),
    partitionColumns: Array.isArray(json['partitionColumns']) ? json['partitionColumns'].map(String) : [],
    configuration: textRecord(json['configuration']),
    ...optionalNumber(json, 'createdTime'),
  }
}

function toAdd(json: Json): AddFile {
  const uri = text(json, 'path')
  return {
    path: canonicalDataPath(uri),
    uri,
    partitionValues: toPartitionValues(json['partitionValues']),
    size: big(json, 'size'),
    modificationTime: Number(big(json, 'modificationTime')),
    dataChange: flag(json, 'dataChange'),
    ...fileDetails(json),
    ...optionalText(json, 'clusteringProvider'),
  }
}

function toRemove(json: Json): RemoveFile {
  const uri = text(json, 'path')
  return {
    path: canonicalDataPath(uri),
    uri,
    dataChange: flag(json, 'dataChange'),
    ...optionalNumber(json, 'deletionTimestamp'),
    ...(isRecord(json['partitionValues']) ? { partitionValues: toPartitionValues(json['partitionValues']) } : {}),
    ...optionalBig(json, 'size'),
    ...fileDetails(json),
  }
}

function toCdc(json: Json): CdcFile {
  const uri = text(json, 'path')
  return {
    path: canonicalDataPath(uri),
    uri,
    partitionValues: toPartitionValues(json['partitionValues']),
    size: big(json, 'size'),
    ...(isRecord(json['tags']) ? { tags: textRecord(json['tags']) } : {}),
  }
}

type FileDetails = RowTracking & Pick<AddFile, 'stats' | 'tags' | 'deletionVector'>

/** What adds and removes may both say about a file. */
function fileDetails(json: Json): FileDetails {
  const vector = json['deletionVector']
  return {
    ...optionalText(json, 'stats'),
    ...(isRecord(json['tags']) ? { tags: textRecord(json['tags']) } : {}),
    ...(vector == null ? {} : { deletionVector: toDeletionVector(record(vector, 'deletionVector')) }),
    ...optionalBig(json, 'baseRowId'),
    ...optionalBig(json, 'defaultRowCommitVersion'),
  }
}

function toDeletionVector(json: Json): DeletionVectorDescriptor {
  const storageType = text(json, 'storageType')
  if (storageType !== 'u' && storageType !== 'p' && storageType !== 'i') {
    throw new TypeError(`the deletion vector's storageType ${storageType} is not known`)
  }
  return {
    storageType,
    pathOrInlineDv: text(json, 'pathOrInlineDv'),
    ...optionalNumber(json, 'offset'),
    sizeInBytes: Number(big(json, 'sizeInBytes')),
    cardinality: big(json, 'cardinality'),
  }
}

/** An empty string means null too (Delta protocol, "Partition Value Serialization"). */
function toPartitionValues(json: unknown): PartitionValues {
  if (!isRecord(json)) return {}
  return Object.fromEntries(Object.entries(json).map(([k, v]) => [k, v == null || v === '' ? null : String(v)]))
}

function text(json: Json, key: string): string {
  const value = json[key]
  if (typeof value !== 'string') throw new TypeError(`${key} must be text`)
  return value
}

function optionalText<K extends string>(json: Json, key: K): { [P in K]?: string } {
  const value = json[key]
  return typeof value === 'string' ? ({ [key]: value } as { [P in K]: string }) : {}
}

function optionalBig<K extends string>(json: Json, key: K): { [P in K]?: bigint } {
  return json[key] == null ? {} : ({ [key]: big(json, key) } as { [P in K]: bigint })
}

function optionalNumber<K extends string>(json: Json, key: K): { [P in K]?: number } {
  return json[key] == null ? {} : ({ [key]: Number(big(json, key)) } as { [P in K]: number })
}

function flag(json: Json, key: string): boolean {
  const value = json[key]
  if (typeof value !== 'boolean') throw new TypeError(`${key} must be true or false`)
  return value
}

function big(json: Json, key: string): bigint {
  const value = json[key]
  if (typeof value === 'bigint') return value
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value)
  throw new TypeError(`${key} must be an integer`)
}

function textRecord(json: unknown): Record<string, string> {
  if (!isRecord(json)) return {}
  return Object.fromEntries(Object.entries(json).map(([key, value]) => [key, String(value)]))
}

function record(value: unknown, what: string): Json {
  if (!isRecord(value)) throw new TypeError(`${what} must be an object`)
  return value
}

function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalid(version: Version, line: number | undefined, cause: unknown): DeltaError {
  const file = printLogName(version)
  const reason = cause instanceof Error ? cause.message : String(cause)
  const place = line === undefined ? file : `${file}, line ${line}`
  return new DeltaError(
    'LOG_INVALID',
    `Version ${version} cannot be read (${place}): ${reason}.`,
    { version, file, line },
    cause,
  )
}
