/**
 * Changes of a schema that a person asks for: rename, drop, widen, allow NULL. Each gives a new schema, or an error that
 * says why the table's files would no longer be read rightly.
 */
import { DeltaError } from '../errors.ts'
import type { DataType, StructField, StructType } from './schema.ts'
import { isWidening, recordTypeChanges } from './widen.ts'

/** Names from the top down; `element`, `key` and `value` lead into lists and maps (Delta protocol, "Field Path"). */
export type FieldPath = readonly string[]

/** The schema with the field at a path changed; undefined removes it. Throws SCHEMA_INVALID when there is none. */
export function alterField(
  schema: StructType,
  path: FieldPath,
  change: (field: StructField) => StructField | undefined,
): StructType {
  const altered = alterType(schema, path, path.slice(0, -1), struct => {
    const index = findIndex(struct, path.at(-1) ?? '')
    const field = fieldsOf(struct)[index]
    if (field === undefined) throw missing(path)
    return { type: 'struct', fields: replaceField(fieldsOf(struct), index, change(field), path) }
  })
  return { type: 'struct', fields: fieldsOf(altered) }
}

/** The field at a path. Throws SCHEMA_INVALID when there is none. */
export function getField(schema: StructType, path: FieldPath): StructField {
  const found: StructField[] = []
  alterField(schema, path, field => {
    found.push(field)
    return field
  })
  const [field] = found
  if (field === undefined) throw missing(path)
  return field
}

/**
 * The schema with a wider type for a column, or for what is inside its lists and maps, and a record of what it was.
 * Throws SCHEMA_INVALID when files with the old type could not be read as the new one.
 */
export function widenField(schema: StructType, path: FieldPath, toType: string): StructType {
  const column = columnOf(schema, path)
  const inside = path.slice(column.length)
  return alterField(schema, column, field => {
    let fromType: DataType = field.type
    const type = alterType(field.type, path, inside, old => {
      fromType = old
      return toType
    })
    if (typeof fromType !== 'string' || !isWidening(fromType, toType)) {
      throw invalid(path, `cannot become ${toType} without its files being written anew`)
    }
    const fieldPath = inside.length === 0 ? {} : { fieldPath: inside.join('.') }
    return recordTypeChanges({ ...field, type }, [{ fromType, toType, ...fieldPath }])
  })
}

/** The part of a path that ends with a field; what follows leads into its lists and maps. */
function columnOf(schema: StructType, path: FieldPath): FieldPath {
  let length = 0
  let type: DataType = schema
  for (const [i, step] of path.entries()) {
    if (isStruct(type)) length = i + 1
    type = alterStep(type, path, step, inner => inner).inner
  }
  return path.slice(0, length)
}

/** The type with what lies at `rest` changed. `path` is the whole way, for messages. */
function alterType(type: DataType, path: FieldPath, rest: FieldPath, change: (type: DataType) => DataType): DataType {
  const [step, ...further] = rest
  if (step === undefined) return change(type)
  return alterStep(type, path, step, inner => alterType(inner, path, further, change)).outer
}

function alterStep(
  type: DataType,
  path: FieldPath,
  step: string,
  change: (inner: DataType) => DataType,
): { outer: DataType; inner: DataType } {
  if (typeof type === 'string') throw missing(path)
  if (type.type === 'array' && step === 'element') {
    const inner = change(type.elementType)
    return { outer: { ...type, elementType: inner }, inner }
  }
  if (type.type === 'map' && step === 'key') {
    const inner = change(type.keyType)
    return { outer: { ...type, keyType: inner }, inner }
  }
  if (type.type === 'map' && step === 'value') {
    const inner = change(type.valueType)
    return { outer: { ...type, valueType: inner }, inner }
  }
  const index = findIndex(type, step)
  const field = fieldsOf(type)[index]
  if (field === undefined) throw missing(path)
  const inner = change(field.type)
  return { outer: { type: 'struct', fields: fieldsOf(type).with(index, { ...field, type: inner }) }, inner }
}

function replaceField(
  fields: readonly StructField[],
  index: number,
  changed: StructField | undefined,
  path: FieldPath,
): StructField[] {
  const others = fields.toSpliced(index, 1)
  if (changed === undefined) {
    if (others.length === 0) throw invalid(path, 'is the last one left there')
    return others
  }
  if (others.some(other => other.name.toLowerCase() === changed.name.toLowerCase())) {
    throw invalid(path, `cannot be named ${changed.name}, as another column is`)
  }
  return fields.with(index, changed)
}

function fieldsOf(type: DataType): readonly StructField[] {
  return isStruct(type) ? type.fields : []
}

/** Names match exactly first, else without regard to case. */
function findIndex(type: DataType, name: string): number {
  const fields = fieldsOf(type)
  const exact = fields.findIndex(f => f.name === name)
  return exact >= 0 ? exact : fields.findIndex(f => f.name.toLowerCase() === name.toLowerCase())
}

function isStruct(type: DataType): type is StructType {
  return typeof type !== 'string' && type.type === 'struct'
}

function missing(path: FieldPath): DeltaError {
  return invalid(path, 'is not in the schema')
}

function invalid(path: FieldPath, reason: string): DeltaError {
  const column = path.join('.')
  return new DeltaError('SCHEMA_INVALID', `Column ${column} ${reason}.`, { column })
}
