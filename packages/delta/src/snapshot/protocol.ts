/**
 * Which tables this version may read and write. A feature that is not listed here is refused by its name: guessing
 * would return wrong rows or damage the table.
 */

import { DeltaError } from '../errors.ts'
import type { MetaData, Protocol } from '../log/actions.ts'
import type { DataType, StructType } from '../schema/schema.ts'

/** Features a reader of JSON commits handles rightly; what they store is checked where it matters. */
const READABLE: ReadonlySet<string> = new Set(['columnMapping', 'timestampNtz', 'vacuumProtocolCheck', 'v2Checkpoint'])

/** Features whose duties this writer fulfils, or whose use `refuseDuties` finds and refuses. */
const WRITABLE: ReadonlySet<string> = new Set([
  ...READABLE,
  'appendOnly',
  'invariants',
  'checkConstraints',
  'changeDataFeed',
  'generatedColumns',
  'identityColumns',
  'domainMetadata',
])

/** Settings that would oblige every writer to something this version does not do. */
const REFUSED_WHEN_TRUE = [
  'delta.enableChangeDataFeed',
  'delta.enableDeletionVectors',
  'delta.enableInCommitTimestamps',
  'delta.enableRowTracking',
  'delta.enableTypeWidening',
  'delta.enableIcebergCompatV1',
  'delta.enableIcebergCompatV2',
]

/** The protocol of a new table: readable everywhere, raised only as far as domainMetadata needs it. */
export function protocolFor(options: { domainMetadata: boolean }): Protocol {
  if (!options.domainMetadata) return { minReaderVersion: 1, minWriterVersion: 2 }
  return { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['domainMetadata', 'appendOnly', 'invariants'] }
}

/** True when domainMetadata actions may be written. */
export function hasDomainMetadata(protocol: Protocol): boolean {
  return protocol.writerFeatures?.includes('domainMetadata') ?? false
}

/** Throw FEATURE_UNSUPPORTED when rows of the table cannot be read rightly. */
export function checkReadable(tablePath: string, protocol: Protocol, metaData: MetaData): void {
  const { minReaderVersion: reader, minWriterVersion: writer } = protocol
  if (reader < 1 || reader > 3) throw unsupported(tablePath, `reader version ${reader}`)
  if (reader === 3 && (writer !== 7 || protocol.readerFeatures === undefined)) {
    throw unsupported(tablePath, 'reader version 3 without a list of reader features')
  }
  if (reader === 3) refuseUnknown(tablePath, protocol.readerFeatures ?? [], READABLE)
  const mode = metaData.configuration['delta.columnMapping.mode'] ?? 'none'
  if (mode !== 'none') throw unsupported(tablePath, `columnMapping (mode ${mode})`)
  if (metaData.format.provider !== 'parquet') throw unsupported(tablePath, `the format ${metaData.format.provider}`)
}

/** Throw FEATURE_UNSUPPORTED or WRITE_REFUSED when a commit of this version could break the table's rules. */
export function checkWritable(tablePath: string, protocol: Protocol, metaData: MetaData, schema: StructType): void {
  const writer = protocol.minWriterVersion
  if (writer < 1 || writer > 7) throw unsupported(tablePath, `writer version ${writer}`)
  if (writer === 7) refuseUnknown(tablePath, protocol.writerFeatures ?? [], WRITABLE)
  refuseDuties(tablePath, metaData.configuration, schema)
}

/** Throw WRITE_REFUSED when data may only be added. */
export function checkRemovable(tablePath: string, metaData: MetaData): void {
  if (isTrue(metaData.configuration['delta.appendOnly'])) {
    throw refused(tablePath, 'delta.appendOnly is set: rows may be added, not removed or replaced')
  }
}

function refuseDuties(tablePath: string, configuration: MetaData['configuration'], schema: StructType): void {
  for (const [key, value] of Object.entries(configuration)) {
    if (key.startsWith('delta.constraints.')) throw refused(tablePath, `it has the check constraint ${key.slice(18)}`)
    if (key.startsWith('delta.feature.')) throw refused(tablePath, `${key} asks for a feature by a setting`)
    if (REFUSED_WHEN_TRUE.includes(key) && isTrue(value)) throw refused(tablePath, `${key} is set`)
    if (key === 'delta.columnMapping.mode' && value !== 'none') throw refused(tablePath, `${key} is ${value}`)
    if (key === 'delta.checkpointPolicy' && value !== 'classic') throw refused(tablePath, `${key} is ${value}`)
    if (key === 'delta.setTransactionRetentionDuration') {
      throw refused(tablePath, `${key} lets readers forget what an application has already committed`)
    }
  }
  refuseColumnDuties(tablePath, schema, '')
}

function refuseColumnDuties(tablePath: string, type: DataType, place: string): void {
  if (typeof type === 'string') return
  if (type.type === 'array') return refuseColumnDuties(tablePath, type.elementType, place)
  if (type.type === 'map') {
    refuseColumnDuties(tablePath, type.keyType, place)
    return refuseColumnDuties(tablePath, type.valueType, place)
  }
  for (const { name, type: inner, metadata } of type.fields) {
    const column = place === '' ? name : `${place}.${name}`
    const duty = Object.keys(metadata).find(isDuty)
    if (duty !== undefined) throw refused(tablePath, `column ${column} has ${duty}`)
    refuseColumnDuties(tablePath, inner, column)
  }
}

function isDuty(key: string): boolean {
  return key === 'delta.invariants' || key === 'delta.generationExpression' || key.startsWith('delta.identity.')
}

function refuseUnknown(tablePath: string, features: readonly string[], known: ReadonlySet<string>): void {
  const unknown = features.filter(feature => !known.has(feature))
  if (unknown.length > 0) throw unsupported(tablePath, unknown.join(', '), unknown)
}

/** Refuse a file whose deletion vector would have to be applied. */
export function deletionVectorUnsupported(tablePath: string): DeltaError {
  return unsupported(tablePath, 'deletionVectors', ['deletionVectors'])
}

function unsupported(tablePath: string, what: string, features: readonly string[] = []): DeltaError {
  const message = `${tablePath} uses ${what}, which this version does not support.`
  return new DeltaError('FEATURE_UNSUPPORTED', message, { tablePath, features })
}

function refused(tablePath: string, reason: string): DeltaError {
  return new DeltaError('WRITE_REFUSED', `${tablePath} cannot be written in this way: ${reason}.`, {
    tablePath,
    reason,
  })
}

function isTrue(value: string | undefined): boolean {
  return value?.toLowerCase() === 'true'
}
