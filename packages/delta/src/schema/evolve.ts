/**
 * How a table's schema may follow its input: new nullable columns are added at the end, anything else is a drift that
 * a person has to decide about.
 */
import { type DataType, printSchema, type StructField, type StructType } from './schema.ts'

/** One difference that does not evolve by itself. `column` is a path with dots for nested fields. */
export interface Drift {
  readonly column: string
  readonly reason: 'type' | 'nullability' | 'letter case' | 'new column is not nullable'
  readonly current: string | undefined
  readonly wanted: string
}

export type Evolution =
  | { readonly kind: 'compatible'; readonly schema: StructType; readonly changed: boolean }
  | { readonly kind: 'incompatible'; readonly drifts: readonly Drift[] }

/**
 * Fit `wanted` into `current`. The result keeps every current column in place, with its metadata, and adds wanted
 * columns that are new at the end (also inside structs). A current column that `wanted` lacks stays; its new rows are
 * NULL, so it has to be nullable. All drifts are collected.
 */
export function evolve(current: StructType, wanted: StructType): Evolution {
  const drifts: Drift[] = []
  const schema = evolveStruct(current, wanted, '', drifts)
  if (drifts.length > 0) return { kind: 'incompatible', drifts }
  return { kind: 'compatible', schema, changed: printSchema(schema) !== printSchema(current) }
}

function evolveStruct(current: StructType, wanted: StructType, place: string, drifts: Drift[]): StructType {
  const byName = new Map(wanted.fields.map(f => [f.name.toLowerCase(), f]))
  const known = new Set(current.fields.map(f => f.name.toLowerCase()))
  const kept = current.fields.map(old => {
    const match = byName.get(old.name.toLowerCase())
    if (match) return evolveField(old, match, nested(place, old.name), drifts)
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

function evolveField(old: StructField, wanted: StructField, column: string, drifts: Drift[]): StructField {
  if (old.name !== wanted.name) {
    drifts.push({ column, reason: 'letter case', current: old.name, wanted: wanted.name })
  }
  if (!old.nullable && wanted.nullable) {
    drifts.push({ column, reason: 'nullability', current: 'not null', wanted: 'nullable' })
  }
  if (isStruct(old.type) && isStruct(wanted.type)) {
    return { ...old, type: evolveStruct(old.type, wanted.type, column, drifts) }
  }
  if (printType(old.type) !== printType(wanted.type)) {
    drifts.push({ column, reason: 'type', current: printType(old.type), wanted: printType(wanted.type) })
  }
  return old
}

/** Compact text of a type for messages and comparison; nullability inside counts, comments do not. */
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

function nested(place: string, name: string): string {
  return place === '' ? name : `${place}.${name}`
}
