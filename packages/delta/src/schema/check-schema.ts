/**
 * What a schema must be before this package writes it: names every reader accepts and types the protocol version
 * allows. Reading is not held to these rules.
 */
import { DeltaError } from '../errors.ts'
import { type DataType, parseDecimal, type StructType } from './schema.ts'

/** Characters Spark refuses in column names of tables without column mapping. */
const FORBIDDEN = /[ ,;{}()\n\t=]/

/**
 * Throw SCHEMA_INVALID naming the first column that cannot be stored.
 *
 * @example
 * ```ts
 * checkWritableSchema(people.schema)
 * const twice: StructType = { type: 'struct', fields: [field('id', 'long'), field('ID', 'long')] }
 * let reason: unknown
 * try {
 *   checkWritableSchema(twice)
 * } catch (error) {
 *   reason = error
 * }
 * console.log(isDeltaError(reason, 'SCHEMA_INVALID')) // true
 * ```
 */
export function checkWritableSchema(schema: StructType, options: SchemaOptions = {}): void {
  if (schema.fields.length === 0) throw new DeltaError('SCHEMA_INVALID', 'A table needs at least one column.')
  checkType(schema, '', options)
}

export interface SchemaOptions {
  /** The table has the feature timestampNtz. */
  readonly allowTimestampNtz?: boolean
  /** Files do not bear the columns' names, so those may have any character. */
  readonly allowAnyName?: boolean
}

function checkType(type: DataType, place: string, options: SchemaOptions): void {
  if (typeof type === 'string') return checkPrimitive(type, place, options.allowTimestampNtz ?? false)
  if (type.type === 'array') return checkType(type.elementType, `${place}.element`, options)
  if (type.type === 'map') {
    checkType(type.keyType, `${place}.key`, options)
    return checkType(type.valueType, `${place}.value`, options)
  }
  const seen = new Map<string, string>()
  for (const { name, type: inner } of type.fields) {
    const column = place === '' ? name : `${place}.${name}`
    if (name === '') throw invalid(column, 'has an empty name')
    const character = options.allowAnyName ? undefined : FORBIDDEN.exec(name)
    if (character) {
      throw invalid(column, `has the character ${JSON.stringify(character[0])}, which needs column mapping; rename it`)
    }
    const twin = seen.get(name.toLowerCase())
    if (twin !== undefined) throw invalid(column, `differs from ${twin} at most in upper and lower case`)
    seen.set(name.toLowerCase(), name)
    checkType(inner, column, options)
  }
}

/**
 * Why no file can be written with a schema, in words; undefined when one can. A column of no type (void) is in no file, so a
 * struct that has only such columns could not be told from NULL, and a list of them not from an empty one.
 */
export function findUnstorable(schema: StructType): string | undefined {
  return findUnstorableIn(schema, '', false)
}

function findUnstorableIn(type: DataType, place: string, isInList: boolean): string | undefined {
  if (typeof type === 'string') {
    return type === 'void' && isInList ? `${place} is of no type (void) inside a list or map` : undefined
  }
  if (type.type === 'array') return findUnstorableIn(type.elementType, `${place}.element`, true)
  if (type.type === 'map') {
    return (
      findUnstorableIn(type.keyType, `${place}.key`, true) ?? findUnstorableIn(type.valueType, `${place}.value`, true)
    )
  }
  if (type.fields.every(inner => inner.type === 'void')) {
    return `${place === '' ? 'the table' : place} has only columns of no type (void)`
  }
  for (const inner of type.fields) {
    const found = findUnstorableIn(inner.type, place === '' ? inner.name : `${place}.${inner.name}`, isInList)
    if (found !== undefined) return found
  }
  return undefined
}

function checkPrimitive(type: string, place: string, allowNtz: boolean): void {
  if (type === 'void') throw invalid(place, 'has no type (void)')
  if (type === 'timestamp_ntz' && !allowNtz) {
    throw invalid(place, 'is timestamp_ntz, which needs a table feature this table lacks')
  }
  const decimal = parseDecimal(type)
  if (decimal && (decimal.precision < 1 || decimal.precision > 38 || decimal.scale > decimal.precision)) {
    throw invalid(place, `is ${type}; precision is 1 to 38 and scale at most the precision`)
  }
}

function invalid(column: string, reason: string): DeltaError {
  return new DeltaError('SCHEMA_INVALID', `Column ${column} ${reason}.`, { column })
}
