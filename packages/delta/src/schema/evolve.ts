/**
 * How a table's schema may follow its input: new nullable columns are added at the end and, where the table agrees,
 * types grow; anything else is a drift that a person has to decide about.
 */
import {
  type ArrayType,
  type DataType,
  type MapType,
  printSchema,
  type StructField,
  type StructType,
} from './schema.ts'
import { isWidening, recordTypeChanges, type TypeChange } from './widen.ts'

/** One difference that does not evolve by itself. `column` is a path with dots; inside lists and maps as in `walkTypes`. */
export interface Drift {
  readonly column: string
  readonly reason: 'type' | 'nullability' | 'letter case' | 'new column is not nullable'
  readonly current: string | undefined
  readonly wanted: string
}

export type Evolution =
  | { readonly kind: 'compatible'; readonly schema: StructType; readonly changed: boolean }
  | { readonly kind: 'incompatible'; readonly drifts: readonly Drift[] }

export interface EvolveOptions {
  /** Types may grow; the schema then records from what. Needs the feature typeWidening, and the table's consent. */
  readonly widenTypes?: boolean
}

/** What is collected on the way through a schema. */
interface Fitting {
  readonly drifts: Drift[]
  readonly widenTypes: boolean
}

/**
 * Fit `wanted` into `current`. The result keeps every current column in place, with its metadata, and adds wanted
 * columns that are new at the end, also in structs that lie in structs, lists and values of maps. A current column that
 * `wanted` lacks stays; its new rows are NULL, so it has to be nullable. All drifts are collected.
 *
 * @example
 * ```ts
 * const wanted: StructType = { type: 'struct', fields: [field('id', 'string'), field('name', 'string')] }
 * const evolution = evolve(people.schema, wanted)
 * console.log(evolution.kind) // incompatible
 * ```
 */
export function evolve(current: StructType, wanted: StructType, options: EvolveOptions = {}): Evolution {
  const fitting: Fitting = { drifts: [], widenTypes: options.widenTypes ?? false }
  const schema = evolveStruct(current, wanted, '', fitting)
  if (fitting.drifts.length > 0) return { kind: 'incompatible', drifts: fitting.drifts }
  return { kind: 'compatible', schema, changed: printSchema(schema) !== printSchema(current) }
}

function evolveStruct(current: StructType, wanted: StructType, place: string, fitting: Fitting): StructType {
  const { drifts } = fitting
  const byName = new Map(wanted.fields.map(f => [f.name.toLowerCase(), f]))
  const known = new Set(current.fields.map(f => f.name.toLowerCase()))
  const kept = current.fields.map(old => {
    const match = byName.get(old.name.toLowerCase())
    if (match) return evolveField(old, match, nested(place, old.name), fitting)
    if (!old.nullable) {
      drifts.push({ column: nested(place, old.name), reason: 'nullability', current: 'not null', wanted: 'missing' })
    }
    return old
  })
  const added = wanted.fields.filter(f => !known.has(f.name.toLowerCase()))
  for (const f of added) {
    if (f.nullable) continue
    const column = nested(place, f.name)
    drifts.push({ column, reason: 'new column is not nullable', current: undefined, wanted: printType(f.type) })
  }
  return { type: 'struct', fields: [...kept, ...added] }
}

function evolveField(old: StructField, wanted: StructField, column: string, fitting: Fitting): StructField {
  if (old.name !== wanted.name) {
    fitting.drifts.push({ column, reason: 'letter case', current: old.name, wanted: wanted.name })
  }
  fitNullable(old.nullable, wanted.nullable, column, fitting)
  const changes: TypeChange[] = []
  const type = evolveType(old.type, wanted.type, { column, inside: [], changes, fitting })
  return recordTypeChanges({ ...old, type }, changes)
}

/** Where in a column a type lies: changes are recorded with the column, by the way from it. */
interface Place {
  readonly column: string
  readonly inside: readonly string[]
  readonly changes: TypeChange[]
  readonly fitting: Fitting
}

function evolveType(old: DataType, wanted: DataType, at: Place): DataType {
  const { fitting, changes } = at
  const column = [at.column, ...at.inside].join('.')
  // No file has a value of no type, so there is nothing that would have to be read as another.
  if (old === 'void') return wanted
  if (typeof old === 'string' && typeof wanted === 'string') {
    if (old === wanted) return old
    if (fitting.widenTypes && isWidening(old, wanted)) {
      const fieldPath = at.inside.length === 0 ? {} : { fieldPath: at.inside.join('.') }
      changes.push({ fromType: old, toType: wanted, ...fieldPath })
      return wanted
    }
  } else if (isStruct(old) && isStruct(wanted)) {
    // The key of a map is compared as a whole: with one more field, no old key is equal to any new one.
    if (!at.inside.includes('key')) return evolveStruct(old, wanted, column, fitting)
    if (printType(old) === printType(wanted)) return old
  } else if (isArray(old) && isArray(wanted)) {
    fitNullable(old.containsNull, wanted.containsNull, `${column}.element`, fitting)
    return { ...old, elementType: evolveType(old.elementType, wanted.elementType, into(at, 'element')) }
  } else if (isMap(old) && isMap(wanted)) {
    fitNullable(old.valueContainsNull, wanted.valueContainsNull, `${column}.value`, fitting)
    const keyType = evolveType(old.keyType, wanted.keyType, into(at, 'key'))
    return { ...old, keyType, valueType: evolveType(old.valueType, wanted.valueType, into(at, 'value')) }
  }
  fitting.drifts.push({ column, reason: 'type', current: printType(old), wanted: printType(wanted) })
  return old
}

function fitNullable(old: boolean, wanted: boolean, column: string, { drifts }: Fitting): void {
  if (!old && wanted) drifts.push({ column, reason: 'nullability', current: 'not null', wanted: 'nullable' })
}

function into(at: Place, step: 'element' | 'key' | 'value'): Place {
  return { ...at, inside: [...at.inside, step] }
}

/**
 * Compact text of a type for messages and comparison; nullability inside counts, comments do not.
 *
 * @example
 * ```ts
 * console.log(printType({ type: 'array', elementType: 'long', containsNull: true })) // array<long>
 * ```
 */
export function printType(type: DataType): string {
  if (typeof type === 'string') return type
  switch (type.type) {
    case 'array':
      return `array<${printType(type.elementType)}${notNull(type.containsNull)}>`
    case 'map':
      return `map<${printType(type.keyType)},${printType(type.valueType)}${notNull(type.valueContainsNull)}>`
    case 'struct':
      return `struct<${type.fields.map(f => `${f.name}:${printType(f.type)}${notNull(f.nullable)}`).join(',')}>`
  }
}

function notNull(nullable: boolean): string {
  return nullable ? '' : ' not null'
}

function isStruct(type: DataType): type is StructType {
  return typeof type !== 'string' && type.type === 'struct'
}

function isArray(type: DataType): type is ArrayType {
  return typeof type !== 'string' && type.type === 'array'
}

function isMap(type: DataType): type is MapType {
  return typeof type !== 'string' && type.type === 'map'
}

function nested(place: string, name: string): string {
  return place === '' ? name : `${place}.${name}`
}
