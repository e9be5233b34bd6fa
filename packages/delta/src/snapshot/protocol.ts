/**
 * Which tables may be read and written. A feature that the table of features does not know, or refuses, is refused by
 * its name: guessing would return wrong rows or damage the table.
 */

import { DeltaError } from '../errors.ts'
import type { MetaData, Protocol } from '../log/actions.ts'
import type { StructType } from '../schema/schema.ts'
import { walkTypes } from '../schema/walk.ts'
import { FEATURES, type Feature, featuresOf, findFeature } from './features.ts'

/** Which pages new files should have. Readers know both kinds, so a writer of the older one may write where the newer is asked for. */
const PAGES = 'delta.parquet.format.version'

/** Throw FEATURE_UNSUPPORTED when rows of the table cannot be read rightly. */
export function checkReadable(tablePath: string, protocol: Protocol, metaData: MetaData): void {
  const { minReaderVersion: reader, minWriterVersion: writer } = protocol
  if (reader < 1 || reader > 3) throw unsupported(tablePath, `reader version ${reader}`)
  if (reader === 3 && (writer !== 7 || protocol.readerFeatures === undefined)) {
    throw unsupported(tablePath, 'reader version 3 without a list of reader features')
  }
  if (reader === 3) refuseListed(tablePath, protocol.readerFeatures ?? [], 'read')
  for (const feature of FEATURES) {
    if (!feature.reader || feature.read !== 'refused in use') continue
    const use = findSettingInUse(feature, metaData.configuration)
    if (use !== undefined) throw unsupported(tablePath, `${feature.name} (${use})`, [feature.name])
  }
  if (metaData.format.provider !== 'parquet') throw unsupported(tablePath, `the format ${metaData.format.provider}`)
}

/** Throw FEATURE_UNSUPPORTED or WRITE_REFUSED when a commit of this version could break the table's rules. */
export function checkWritable(
  tablePath: string,
  protocol: Protocol,
  { configuration }: Pick<MetaData, 'configuration'>,
  schema: StructType,
): void {
  const writer = protocol.minWriterVersion
  if (writer < 1 || writer > 7) throw unsupported(tablePath, `writer version ${writer}`)
  if (writer === 7) refuseListed(tablePath, protocol.writerFeatures ?? [], 'write')
  for (const feature of FEATURES) {
    if (feature.write === 'honoured') continue
    const use = findSettingInUse(feature, configuration) ?? findColumnInUse(feature, schema)
    if (use !== undefined) throw refused(tablePath, `${use}: ${feature.name} is not supported, ${feature.note}`)
  }
  const pages = configuration[PAGES]
  if (pages !== undefined && !/^(1\.0\.0|2\.\d+\.\d+)$/.test(pages)) {
    throw refused(tablePath, `${PAGES} is ${pages}, where only 1.0.0 and 2.x.x are known`)
  }
  const asked = Object.keys(configuration).find(key => key.startsWith('delta.feature.'))
  if (asked !== undefined) throw refused(tablePath, `${asked} asks for a feature by a setting`)
  if ('delta.setTransactionRetentionDuration' in configuration) {
    const key = 'delta.setTransactionRetentionDuration'
    throw refused(tablePath, `${key} lets readers forget what an application has already committed`)
  }
}

/** True when domainMetadata actions may be written. */
export function hasDomainMetadata(protocol: Protocol): boolean {
  return featuresOf(protocol).has('domainMetadata')
}

/** True when the table has the feature and a setting of it makes use of it. */
export function isActive(
  name: string,
  table: { protocol: Protocol; configuration: MetaData['configuration'] },
): boolean {
  const feature = findFeature(name)
  if (feature === undefined || !featuresOf(table.protocol).has(name)) return false
  return findSettingInUse(feature, table.configuration) !== undefined
}

/** Throw WRITE_REFUSED when data may only be added. */
export function checkRemovable(tablePath: string, metaData: MetaData): void {
  if (metaData.configuration['delta.appendOnly']?.toLowerCase() === 'true') {
    throw refused(tablePath, 'delta.appendOnly is set: rows may be added, not removed or replaced')
  }
}

/** What in the settings makes use of a feature, in words; undefined when nothing does. */
export function findSettingInUse(feature: Feature, configuration: MetaData['configuration']): string | undefined {
  const { use } = feature
  if (use === undefined) return undefined
  if ('settingPrefix' in use) {
    const key = Object.keys(configuration).find(name => name.startsWith(use.settingPrefix))
    return key === undefined ? undefined : `it has ${key}`
  }
  if (!('setting' in use)) return undefined
  const value = configuration[use.setting]?.toLowerCase()
  return value !== undefined && (use.values ?? ['true']).includes(value) ? `${use.setting} is ${value}` : undefined
}

/** What in the columns makes use of a feature, in words; undefined when nothing does. */
export function findColumnInUse(feature: Feature, schema: StructType): string | undefined {
  const { use } = feature
  if (use === undefined || !('columnKey' in use || 'type' in use)) return undefined
  for (const { place, type, field } of walkTypes(schema)) {
    if ('type' in use) {
      if (type === use.type) return `column ${place} is ${use.type}`
      continue
    }
    const key = Object.keys(field?.metadata ?? {}).find(name => name.startsWith(use.columnKey))
    if (key !== undefined) return `column ${place} has ${key}`
  }
  return undefined
}

function refuseListed(tablePath: string, names: readonly string[], act: 'read' | 'write'): void {
  const refusedNames = names.filter(name => (findFeature(name)?.[act] ?? 'refused') === 'refused')
  if (refusedNames.length > 0) throw unsupported(tablePath, refusedNames.join(', '), refusedNames)
}

function unsupported(tablePath: string, what: string, features: readonly string[] = []): DeltaError {
  const message = `${tablePath} uses ${what}, which this version does not support.`
  return new DeltaError('FEATURE_UNSUPPORTED', message, { tablePath, features })
}

/** The error for a write that the table's own rules forbid. */
export function refused(tablePath: string, reason: string): DeltaError {
  return new DeltaError('WRITE_REFUSED', `${tablePath} cannot be written in this way: ${reason}.`, {
    tablePath,
    reason,
  })
}
