/**
 * What a table will be after a change: its settings, its schema and the protocol that both of them need. A feature comes
 * only because it was asked for, by its name or by a setting or column that makes use of it.
 */
import type { MetaData, Protocol } from '../log/actions.ts'
import { checkWritableSchema } from '../schema/check-schema.ts'
import { assignColumnMapping, MAX_COLUMN_ID, withoutMapping } from '../schema/column-mapping.ts'
import { printSchema, type StructType } from '../schema/schema.ts'
import { FEATURES, featuresOf } from '../snapshot/features.ts'
import { checkWritable, findColumnInUse, findSettingInUse, refused } from '../snapshot/protocol.ts'
import { raiseProtocol } from '../snapshot/raise-protocol.ts'
import { maxColumnIdOf, newlyMapped } from './schema-after.ts'
import { type NewMetaData, stageInvalid } from './staged.ts'

export interface Rules<M extends MetaData | NewMetaData> {
  readonly protocol: Protocol
  readonly metaData: M
}

export interface RulesChange {
  readonly schema: StructType
  readonly partitionColumns?: readonly string[] | undefined
  /** Settings to set; null removes one. `delta.feature.<name>` with the value `supported` asks for a feature. */
  readonly configuration?: Readonly<Record<string, string | null>> | undefined
  /** Features the table is to have from now on, whether anything uses them yet or not. */
  readonly features?: readonly string[] | undefined
  /** True when no file stays that was written under the rules before. */
  readonly isEmpty: boolean
}

/** Settings that are part of how a feature works; who sets them by hand breaks the table. */
export const INTERNAL_SETTINGS: readonly string[] = [
  MAX_COLUMN_ID,
  'delta.inCommitTimestampEnablementVersion',
  'delta.inCommitTimestampEnablementTimestamp',
  'delta.rowTracking.materializedRowIdColumnName',
  'delta.rowTracking.materializedRowCommitVersionColumnName',
]

const FEATURE_SETTING = 'delta.feature.'
const MAPPING_MODE = 'delta.columnMapping.mode'

/**
 * The table's rules after a change, and its schema as they keep it; what stays is the same value. Throws
 * FEATURE_UNSUPPORTED or WRITE_REFUSED when this version could not keep them, SCHEMA_INVALID when the schema cannot be
 * stored.
 */
export function rulesAfter<M extends MetaData | NewMetaData>(
  tablePath: string,
  before: Rules<M>,
  change: RulesChange,
): Rules<M> & { schema: StructType } {
  const settings = change.configuration ?? {}
  refuseInternal(tablePath, before.metaData.configuration, settings)
  const asked = [...(change.features ?? []), ...featureSettings(tablePath, settings)]
  const { schema, configuration } = mappedRules(tablePath, before.metaData, change)
  const metaData = metaDataAfter(before.metaData, { ...change, schema }, configuration)
  const used = metaData === before.metaData ? [] : featuresInUse(metaData, schema)
  const protocol = raiseProtocol(before.protocol, [...asked, ...used])
  if (metaData.schemaString !== before.metaData.schemaString) {
    checkWritableSchema(schema, {
      allowTimestampNtz: featuresOf(protocol).has('timestampNtz'),
      allowAnyName: modeOf(configuration) !== 'none',
    })
  }
  if (metaData !== before.metaData) checkPartitions(tablePath, before.metaData, metaData, schema)
  checkWritable(tablePath, protocol, metaData, schema)
  return { protocol, metaData, schema }
}

/**
 * The schema and the settings with what column mapping needs. It can be begun at any time, by name, since files then
 * keep the names they have; by id only where no file is without ids. It is never ended: files have other names by then.
 */
function mappedRules(
  tablePath: string,
  before: MetaData | NewMetaData,
  change: RulesChange,
): { schema: StructType; configuration: Record<string, string> } {
  const configuration = settingsAfter(before, change)
  const [from, to] = [modeOf(before.configuration), modeOf(configuration)]
  if (to === 'none' && from === 'none') return { schema: change.schema, configuration }
  const begins = from === 'none'
  if (!begins && from !== to) throw refused(tablePath, `${MAPPING_MODE} cannot change from ${from} to ${to}`)
  if (begins && to === 'id' && !change.isEmpty) {
    throw refused(tablePath, `${MAPPING_MODE} cannot become id, as its files have no column ids; name is possible`)
  }
  const maxColumnId = maxColumnIdOf(configuration)
  const { schema, maxColumnId: max } =
    begins && !change.isEmpty
      ? assignColumnMapping(withoutMapping(change.schema), { maxColumnId, names: 'own' })
      : newlyMapped(change.schema, { id: 'id' in before ? before.id : tablePath, maxColumnId })
  return { schema, configuration: { ...configuration, [MAX_COLUMN_ID]: String(max) } }
}

function settingsAfter(before: MetaData | NewMetaData, { configuration }: RulesChange): Record<string, string> {
  const changed = Object.entries(configuration ?? {}).filter(([key]) => !key.startsWith(FEATURE_SETTING))
  const all = Object.entries({ ...before.configuration, ...Object.fromEntries(changed) })
  return Object.fromEntries(all.filter((entry): entry is [string, string] => entry[1] !== null))
}

function metaDataAfter<M extends MetaData | NewMetaData>(
  before: M,
  change: RulesChange,
  configuration: Record<string, string>,
): M {
  const schemaString = printSchema(change.schema)
  const partitionColumns = change.partitionColumns ?? before.partitionColumns
  const isSame =
    schemaString === before.schemaString &&
    isEqual(configuration, before.configuration) &&
    isEqual(partitionColumns, before.partitionColumns)
  return isSame ? before : { ...before, schemaString, partitionColumns, configuration }
}

/**
 * Partition columns are columns of the schema with values that have a text. Files hold the others, and a file without a
 * column has no rows.
 */
function checkPartitions(
  tablePath: string,
  before: MetaData | NewMetaData,
  { schemaString, partitionColumns }: MetaData | NewMetaData,
  { fields }: StructType,
): void {
  if (schemaString === before.schemaString && isEqual(partitionColumns, before.partitionColumns)) return
  for (const [i, column] of partitionColumns.entries()) {
    const type = fields.find(({ name }) => name === column)?.type
    if (type === undefined) throw stageInvalid(tablePath, `the partition column ${column} is not in the schema`)
    if (typeof type !== 'string') {
      throw stageInvalid(
        tablePath,
        `the partition column ${column} is of the type ${type.type}, which no partition can be`,
      )
    }
    if (partitionColumns.indexOf(column) < i) {
      throw stageInvalid(tablePath, `the partition column ${column} is named twice`)
    }
  }
  if (fields.some(({ name }) => !partitionColumns.includes(name))) return
  throw stageInvalid(tablePath, 'all of its columns are partition columns, so its files would have none')
}

/** Features that a setting or a column makes use of. A type alone never brings one: that has to be asked for. */
function featuresInUse(metaData: MetaData | NewMetaData, schema: StructType): string[] {
  return FEATURES.filter(
    feature =>
      findSettingInUse(feature, metaData.configuration) !== undefined ||
      (feature.use && 'columnKey' in feature.use && findColumnInUse(feature, schema) !== undefined),
  ).map(feature => feature.name)
}

function featureSettings(tablePath: string, settings: Readonly<Record<string, string | null>>): string[] {
  return Object.entries(settings).flatMap(([key, value]) => {
    if (!key.startsWith(FEATURE_SETTING)) return []
    if (value === 'supported' || value === 'enabled') return [key.slice(FEATURE_SETTING.length)]
    throw stageInvalid(tablePath, `${key} can only be set to supported`)
  })
}

function refuseInternal(
  tablePath: string,
  before: Readonly<Record<string, string>>,
  settings: Readonly<Record<string, string | null>>,
): void {
  const key = INTERNAL_SETTINGS.find(name => name in settings && settings[name] !== before[name])
  if (key !== undefined) throw stageInvalid(tablePath, `${key} is kept by the table itself`)
}

function modeOf(configuration: Readonly<Record<string, string>>): string {
  return configuration[MAPPING_MODE]?.toLowerCase() ?? 'none'
}

function isEqual(a: object, b: object): boolean {
  const [x, y] = [Object.entries(a), Object.entries(b)]
  return x.length === y.length && x.every(([key, value]) => Object.is((b as Record<string, unknown>)[key], value))
}
