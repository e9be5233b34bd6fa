/**
 * From one line of the log to an action. Written for logs of hundreds of thousands of files: a line is parsed once,
 * exactly only when a number needs it, statistics stay text, and equal partition values are one object.
 */
import { parseNamed } from '../escaped-names.ts'
import { parseJson } from '../json.ts'
import type {
  Action,
  AddFile,
  CdcFile,
  CommitInfo,
  DeletionVectorDescriptor,
  MetaData,
  PartitionValues,
  Protocol,
  RemoveFile,
} from './actions.ts'
import { canonicalDataPath } from './data-path.ts'
import { big, flag, isRecord, type Json, record, text, textList, textRecord, whole } from './parse-fields.ts'

/** What a line can say beside actions of a commit. */
export type Line = Action | { readonly kind: 'commitInfo'; readonly commitInfo: CommitInfo } | CheckpointLine

/** Lines that stand in V2 checkpoints alone. */
export type CheckpointLine =
  | { readonly kind: 'checkpointMetadata'; readonly version: bigint }
  | { readonly kind: 'sidecar'; readonly path: string }

/**
 * Parses the lines of one read; undefined for a line that says nothing known, as the protocol demands of unknown
 * actions. Throws a TypeError or SyntaxError for what is not an action at all.
 */
export type LineParser = (line: string) => Line | undefined

/** Make a parser. What it shares between the files it makes lives as long as they do. */
export function lineParser(): LineParser {
  const share = sharedPartitionValues()
  return line => {
    const json = record(parseNamed(line), 'the line')
    // Free JSON keeps every digit; there is one such line in a commit.
    if (isRecord(json['commitInfo'])) return toLine(record(parseJson(line), 'the line'), share)
    try {
      return toLine(json, share)
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      return toLine(record(parseJson(line), 'the line'), share)
    }
  }
}

type Share = (values: unknown) => PartitionValues

function toLine(json: Json, share: Share): Line | undefined {
  if (json['add']) return { kind: 'add', add: toAdd(record(json['add'], 'add'), share) }
  if (json['remove']) return { kind: 'remove', remove: toRemove(record(json['remove'], 'remove'), share) }
  if (json['commitInfo']) return { kind: 'commitInfo', commitInfo: record(json['commitInfo'], 'commitInfo') }
  if (json['protocol']) return { kind: 'protocol', protocol: toProtocol(record(json['protocol'], 'protocol')) }
  if (json['metaData']) return { kind: 'metaData', metaData: toMetaData(record(json['metaData'], 'metaData')) }
  if (json['txn']) return { kind: 'txn', txn: toTxn(record(json['txn'], 'txn')) }
  if (json['domainMetadata']) {
    return { kind: 'domainMetadata', domainMetadata: toDomain(record(json['domainMetadata'], 'domainMetadata')) }
  }
  if (json['cdc']) return { kind: 'cdc', cdc: toCdc(record(json['cdc'], 'cdc'), share) }
  if (json['sidecar']) return { kind: 'sidecar', path: text(record(json['sidecar'], 'sidecar'), 'path') }
  if (json['checkpointMetadata']) {
    return { kind: 'checkpointMetadata', version: big(record(json['checkpointMetadata'], 'it'), 'version') }
  }
  return undefined
}

type Mutable<T> = { -readonly [P in keyof T]: T[P] }

function toAdd(json: Json, share: Share): AddFile {
  const uri = text(json, 'path')
  const add: Mutable<AddFile> = {
    path: canonicalDataPath(uri),
    uri,
    partitionValues: share(json['partitionValues']),
    size: big(json, 'size'),
    modificationTime: whole(json, 'modificationTime'),
    dataChange: flag(json, 'dataChange'),
  }
  setDetails(add, json)
  if (typeof json['clusteringProvider'] === 'string') add.clusteringProvider = json['clusteringProvider']
  return add
}

function toRemove(json: Json, share: Share): RemoveFile {
  const uri = text(json, 'path')
  const remove: Mutable<RemoveFile> = { path: canonicalDataPath(uri), uri, dataChange: flag(json, 'dataChange') }
  if (json['deletionTimestamp'] != null) remove.deletionTimestamp = whole(json, 'deletionTimestamp')
  if (isRecord(json['partitionValues'])) remove.partitionValues = share(json['partitionValues'])
  if (json['size'] != null) remove.size = big(json, 'size')
  setDetails(remove, json)
  return remove
}

/** What adds and removes may both say about a file. */
function setDetails(file: Mutable<AddFile> | Mutable<RemoveFile>, json: Json): void {
  const { stats, tags, deletionVector } = json
  if (typeof stats === 'string') file.stats = stats
  if (isRecord(tags)) file.tags = textRecord(tags)
  if (deletionVector != null) file.deletionVector = toDeletionVector(record(deletionVector, 'deletionVector'))
  if (json['baseRowId'] != null) file.baseRowId = big(json, 'baseRowId')
  if (json['defaultRowCommitVersion'] != null) file.defaultRowCommitVersion = big(json, 'defaultRowCommitVersion')
}

function toDeletionVector(json: Json): DeletionVectorDescriptor {
  const storageType = text(json, 'storageType')
  if (storageType !== 'u' && storageType !== 'p' && storageType !== 'i') {
    throw new TypeError(`the deletion vector's storageType ${storageType} is not known`)
  }
  return {
    storageType,
    pathOrInlineDv: text(json, 'pathOrInlineDv'),
    ...(json['offset'] == null ? {} : { offset: whole(json, 'offset') }),
    sizeInBytes: whole(json, 'sizeInBytes'),
    cardinality: big(json, 'cardinality'),
  }
}

function toCdc(json: Json, share: Share): CdcFile {
  const uri = text(json, 'path')
  return {
    path: canonicalDataPath(uri),
    uri,
    partitionValues: share(json['partitionValues']),
    size: big(json, 'size'),
    ...(isRecord(json['tags']) ? { tags: textRecord(json['tags']) } : {}),
  }
}

function toTxn(json: Json): { appId: string; version: bigint; lastUpdated?: number } {
  return {
    appId: text(json, 'appId'),
    version: big(json, 'version'),
    ...(json['lastUpdated'] == null ? {} : { lastUpdated: whole(json, 'lastUpdated') }),
  }
}

function toDomain(json: Json): { domain: string; configuration: string; removed: boolean } {
  return {
    domain: text(json, 'domain'),
    configuration: text(json, 'configuration'),
    removed: json['removed'] === true,
  }
}

function toProtocol(json: Json): Protocol {
  return {
    minReaderVersion: whole(json, 'minReaderVersion'),
    minWriterVersion: whole(json, 'minWriterVersion'),
    ...(json['readerFeatures'] == null ? {} : { readerFeatures: textList(json['readerFeatures'], 'readerFeatures') }),
    ...(json['writerFeatures'] == null ? {} : { writerFeatures: textList(json['writerFeatures'], 'writerFeatures') }),
  }
}

function toMetaData(json: Json): MetaData {
  const format = isRecord(json['format']) ? json['format'] : {}
  return {
    id: text(json, 'id'),
    ...(typeof json['name'] === 'string' ? { name: json['name'] } : {}),
    ...(typeof json['description'] === 'string' ? { description: json['description'] } : {}),
    format: { provider: String(format['provider'] ?? 'parquet'), options: textRecord(format['options']) },
    schemaString: text(json, 'schemaString'),
    partitionColumns: json['partitionColumns'] == null ? [] : textList(json['partitionColumns'], 'partitionColumns'),
    configuration: textRecord(json['configuration']),
    ...(json['createdTime'] == null ? {} : { createdTime: whole(json, 'createdTime') }),
  }
}

const NO_VALUES: PartitionValues = Object.freeze({})

/** Equal partition values become one frozen object: a table has few of them and many files. */
function sharedPartitionValues(): Share {
  const known = new Map<string, PartitionValues>()
  return json => {
    if (!isRecord(json)) return NO_VALUES
    if (Object.keys(json).length === 0) return NO_VALUES
    const key = JSON.stringify(json)
    const found = known.get(key)
    if (found !== undefined) return found
    const values = toPartitionValues(json)
    known.set(key, values)
    return values
  }
}

/** An empty string means null too (Delta protocol, "Partition Value Serialization"). */
function toPartitionValues(json: Json): PartitionValues {
  const entries = Object.entries(json).map(([k, v]) => [k, v == null || v === '' ? null : String(v)] as const)
  return Object.freeze(Object.fromEntries(entries))
}
