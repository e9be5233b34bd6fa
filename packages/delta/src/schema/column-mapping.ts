/**
 * Column mapping (Delta protocol, "Column Mapping"): a column may have another name in the files than in the schema, so
 * that it can be renamed or dropped without touching them. The physical name and a number stand in each field's
 * metadata, nested fields included; partition values and stats are kept under physical names.
 */
import { DeltaError } from '../errors.ts'
import type { MetaData, Protocol } from '../log/actions.ts'
import type { StructField, StructType } from './schema.ts'
import { mapFields, walkTypes } from './walk.ts'
import { TYPE_CHANGES } from './widen.ts'

/** How columns are found in data files: by their own name, by their physical name, or by their field id. */
export type ColumnMapping = 'none' | 'name' | 'id'

const ID = 'delta.columnMapping.id'
const PHYSICAL_NAME = 'delta.columnMapping.physicalName'

/** The table's setting with the highest id handed out so far. */
export const MAX_COLUMN_ID = 'delta.columnMapping.maxColumnId'

/**
 * A table's mode. Without the feature the setting means nothing, by the protocol.
 *
 * @throws FEATURE_UNSUPPORTED for a mode nobody knows
 *
 * @example
 * ```ts
 * console.log(columnMappingOf(people)) // none
 * ```
 */
export function columnMappingOf(table: {
  readonly protocol: Protocol
  readonly configuration: MetaData['configuration']
}): ColumnMapping {
  const { minReaderVersion, readerFeatures = [] } = table.protocol
  const mode = table.configuration['delta.columnMapping.mode']?.toLowerCase() ?? 'none'
  if (minReaderVersion < 2 || (minReaderVersion === 3 && !readerFeatures.includes('columnMapping'))) return 'none'
  if (mode === 'none' || mode === 'name' || mode === 'id') return mode
  throw new DeltaError('FEATURE_UNSUPPORTED', `The column mapping mode ${mode} is not supported.`, {
    features: ['columnMapping'],
  })
}

/**
 * The field's name in files, partition values and stats.
 *
 * @example
 * ```ts
 * const id = field('id', 'long', { metadata: { 'delta.columnMapping.physicalName': 'col-1' } })
 * console.log([physicalName(id, 'name'), physicalName(id, 'none')]) // [ 'col-1', 'id' ]
 * ```
 */
export function physicalName(field: StructField, mapping: ColumnMapping): string {
  if (mapping === 'none') return field.name
  const name = field.metadata[PHYSICAL_NAME]
  if (typeof name === 'string' && name !== '') return name
  throw new DeltaError('SCHEMA_INVALID', `Column ${field.name} has no physical name.`, { column: field.name })
}

/**
 * The field's id in files; undefined where columns are not mapped.
 *
 * @example
 * ```ts
 * const id = field('id', 'long', { metadata: { 'delta.columnMapping.id': 7 } })
 * console.log([fieldId(id, 'id'), fieldId(id, 'none')]) // [ 7, undefined ]
 * ```
 */
export function fieldId(field: StructField, mapping: ColumnMapping): number | undefined {
  if (mapping === 'none') return undefined
  const id = field.metadata[ID]
  if (typeof id === 'number' && Number.isSafeInteger(id)) return id
  throw new DeltaError('SCHEMA_INVALID', `Column ${field.name} has no column mapping id.`, { column: field.name })
}

/**
 * The schema with the names that files have, at every depth; all else stays.
 *
 * @example
 * ```ts
 * const id = field('id', 'long', { metadata: { 'delta.columnMapping.physicalName': 'col-1' } })
 * console.log(physicalSchema({ type: 'struct', fields: [id] }, 'name').fields[0]?.name) // col-1
 * ```
 */
export function physicalSchema(schema: StructType, mapping: ColumnMapping): StructType {
  return mapping === 'none' ? schema : mapFields(schema, f => ({ ...f, name: physicalName(f, mapping) }))
}

/**
 * Throw SCHEMA_INVALID when a mapped schema does not lead to one column of the files for each field: a name or id that
 * is missing, or used twice.
 */
export function checkColumnMapping(schema: StructType, mapping: ColumnMapping): void {
  if (mapping === 'none') return
  const ids = new Map<number, string>()
  const names = new Map<string, string>()
  for (const { place, field } of walkTypes(schema)) {
    if (field === undefined) continue
    const parent = place.slice(0, -field.name.length)
    const isTaken = [
      taken(ids, fieldId(field, mapping) ?? -1, place),
      taken(names, `${parent}\0${physicalName(field, mapping)}`, place),
    ].find(other => other !== undefined)
    if (isTaken === undefined) continue
    const message = `The columns ${isTaken} and ${place} are mapped to the same column of the files.`
    throw new DeltaError('SCHEMA_INVALID', message, { column: place })
  }
}

function taken<K>(seen: Map<K, string>, key: K, place: string): string | undefined {
  const other = seen.get(key)
  if (other === undefined) seen.set(key, place)
  return other
}

export interface NewMapping {
  /** Highest id handed out so far, from the table's settings; undefined for a table that was never mapped. */
  readonly maxColumnId: number | undefined
  /**
   * Names for columns that have none yet: their own, for a table whose files exist already, or new ones that no other
   * column ever had.
   */
  readonly names: 'own' | { uuid(): string }
}

/**
 * Give every field without id or physical name one, nested ones included; what has them keeps them. Ids are never used
 * again, so the highest is carried on from version to version.
 *
 * @example
 * ```ts
 * const { schema, maxColumnId } = assignColumnMapping(people.schema, { maxColumnId: undefined, names: 'own' })
 * console.log(maxColumnId) // 2
 * console.log(schema.fields[1]?.metadata) // { 'delta.columnMapping.id': 2, 'delta.columnMapping.physicalName': 'name' }
 * ```
 */
export function assignColumnMapping(
  schema: StructType,
  { maxColumnId, names }: NewMapping,
): { schema: StructType; maxColumnId: number } {
  let highest = Math.max(maxColumnId ?? 0, ...existingIds(schema))
  const assigned = mapFields(schema, f => {
    const known = f.metadata[ID]
    const id = typeof known === 'number' ? known : (highest += 1)
    const name = f.metadata[PHYSICAL_NAME] ?? (names === 'own' ? f.name : `col-${names.uuid()}`)
    return { ...f, metadata: { ...f.metadata, [ID]: id, [PHYSICAL_NAME]: name } }
  })
  return { schema: assigned, maxColumnId: highest }
}

function existingIds(schema: StructType): number[] {
  return [...walkTypes(schema)].flatMap(({ field }) => {
    const id = field?.metadata[ID]
    return typeof id === 'number' ? [id] : []
  })
}

/**
 * The schema as a person would write it, without ids, physical names and records of former types: what one table gave
 * its columns means nothing in another.
 */
export function withoutMapping(schema: StructType): StructType {
  return mapFields(schema, f => {
    const { [ID]: _id, [PHYSICAL_NAME]: _name, [TYPE_CHANGES]: _changes, ...metadata } = f.metadata
    return { ...f, metadata }
  })
}
