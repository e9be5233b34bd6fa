/**
 * Walking a schema: every type in it with its place, so that rules about columns need no recursion of their own.
 */
import type { DataType, StructField, StructType } from './schema.ts'

export interface Walked {
  /** Names with dots between them; what is inside a list or map is named element, key or value. */
  readonly place: string
  readonly type: DataType
  /** The field, when it is one and not the inside of a list or map. */
  readonly field: StructField | undefined
}

/** Every column and what is inside it, from outside to inside, in the order of the schema. */
export function* walkTypes(schema: StructType): Generator<Walked> {
  for (const field of schema.fields) yield* walkInto({ place: field.name, type: field.type, field })
}

function* walkInto(walked: Walked): Generator<Walked> {
  yield walked
  const { place, type } = walked
  if (typeof type === 'string') return
  if (type.type === 'struct') {
    for (const field of type.fields) yield* walkInto({ place: `${place}.${field.name}`, type: field.type, field })
  } else if (type.type === 'array') {
    yield* walkInto({ place: `${place}.element`, type: type.elementType, field: undefined })
  } else {
    yield* walkInto({ place: `${place}.key`, type: type.keyType, field: undefined })
    yield* walkInto({ place: `${place}.value`, type: type.valueType, field: undefined })
  }
}

/** The schema with every field changed, however deep; a field is changed before what is inside it. */
export function mapFields(schema: StructType, change: (field: StructField) => StructField): StructType {
  return { type: 'struct', fields: schema.fields.map(field => mapField(field, change)) }
}

function mapField(field: StructField, change: (field: StructField) => StructField): StructField {
  const changed = change(field)
  return { ...changed, type: mapType(changed.type, change) }
}

function mapType(type: DataType, change: (field: StructField) => StructField): DataType {
  if (typeof type === 'string') return type
  switch (type.type) {
    case 'struct':
      return mapFields(type, change)
    case 'array':
      return { ...type, elementType: mapType(type.elementType, change) }
    case 'map':
      return { ...type, keyType: mapType(type.keyType, change), valueType: mapType(type.valueType, change) }
  }
}
