/**
 * What a table will be after a change: its settings, its schema and the protocol that both of them need. A feature comes
 * only because it was asked for, by its name or by a setting or column that makes use of it.
 */
import type { MetaData, Protocol } from '../log/actions.ts'
import { checkWritableSchema } from '../schema/check-schema.ts'
import { printSchema, type StructType } from '../schema/schema.ts'
import { FEATURES, featuresOf } from '../snapshot/features.ts'
import { checkWritable, findColumnInUse, findSettingInUse } from '../snapshot/protocol.ts'
import { raiseProtocol } from '../snapshot/raise-protocol.ts'
import { type NewMetaData, stageInvalid } from './staged.ts'

export interface Rules<M extends MetaData | NewMetaData> {
  readonly protocol: Protocol
  readonly metaData: M
}

export interface RulesChange {
  readonly schema: StructType
  /** Settings to set; null removes one. `delta.feature.<name>` with the value `supported` asks for a feature. */
  readonly configuration?: Readonly<Record<string, string | null>> | undefined
  /** Features the table is to have from now on, whether anything uses them yet or not. */
  readonly features?: readonly string[] | undefined
}

/** Settings that are part of how a feature works; who sets them by hand breaks the table. */
const INTERNAL_SETTINGS = [
  'delta.columnMapping.maxColumnId',
  'delta.inCommitTimestampEnablementVersion',
  'delta.inCommitTimestampEnablementTimestamp',
  'delta.rowTracking.materializedRowIdColumnName',
  'delta.rowTracking.materializedRowCommitVersionColumnName',
]

const FEATURE_SETTING = 'delta.feature.'

/**
 * The table's rules after a change; what stays is the same value. Throws FEATURE_UNSUPPORTED or WRITE_REFUSED when this
 * version could not keep them, SCHEMA_INVALID when the schema cannot be stored.
 */
export function rulesAfter<M extends MetaData | NewMetaData>(
  tablePath: string,
  before: Rules<M>,
  change: RulesChange,
): Rules<M> {
  const settings = change.configuration ?? {}
  refuseInternal(tablePath, before.metaData.configuration, settings)
  const asked = [...(change.features ?? []), ...featureSettings(tablePath, settings)]
  const metaData = metaDataAfter(before.metaData, change)
  const isChanged = metaData !== before.metaData
  const used = isChanged ? featuresInUse(metaData, change.schema) : []
  const protocol = raiseProtocol(before.protocol, [...asked, ...used])
  if (metaData.schemaString !== before.metaData.schemaString) {
    checkWritableSchema(change.schema, { allowTimestampNtz: featuresOf(protocol).has('timestampNtz') })
  }
  checkWritable(tablePath, protocol, metaData, change.schema)
  return { protocol, metaData }
}

function metaDataAfter<T extends MetaData | NewMetaData>(before: T, change: RulesChange): T {
  const schemaString = printSchema(change.schema)
  const changed = Object.entries(change.configuration ?? {}).filter(([key]) => !key.startsWith(FEATURE_SETTING))
  const configuration = Object.fromEntries(
    Object.entries({ ...before.configuration, ...Object.fromEntries(changed) }).filter(
      (entry): entry is [string, string] => entry[1] !== null,
    ),
  )
  const isSame = schemaString === before.schemaString && changed.length === 0
  return isSame ? before : { ...before, schemaString, configuration }
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
