/**
 * Schemas of tables: Delta's own types and their JSON form (Delta protocol, "Schema Serialization Format"). Field
 * metadata is kept as it was found, so reading and writing a schema changes nothing.
 */
import { DeltaError } from '../errors.ts'
import { parseJson, printJson } from '../json.ts'

/** A primitive type name such as `long` or `decimal(10,2)`, or a nested type. */
export type DataType = string | ArrayType | MapType | StructType

export interface ArrayType {
  readonly type: 'array'
  readonly elementType: DataType
  readonly containsNull: boolean
}

export interface MapType {
  readonly type: 'map'
  readonly keyType: DataType
  readonly valueType: DataType
  readonly valueContainsNull: boolean
}

export interface StructField {
  readonly name: string
  readonly type: DataType
  readonly nullable: boolean
  readonly metadata: Readonly<Record<string, unknown>>
}

export interface StructType {
  readonly type: 'struct'
  readonly fields: readonly StructField[]
}

const PRIMITIVES: ReadonlySet<string> = new Set(
  'string long integer short byte float double boolean binary date timestamp timestamp_ntz void'.split(' '),
)

/**
 * Make a field; nullable unless told otherwise. `comment` goes where Spark keeps it.
 *
 * @example
 * ```ts
 * console.log(field('id', 'long', { nullable: false })) // { name: 'id', type: 'long', nullable: false, metadata: {} }
 * ```
 */
export function field(
  name: string,
  type: DataType,
  options: { nullable?: boolean; comment?: string; metadata?: Readonly<Record<string, unknown>> } = {},
): StructField {
  const comment = options.comment === undefined ? {} : { comment: options.comment }
  return { name, type, nullable: options.nullable ?? true, metadata: { ...options.metadata, ...comment } }
}

/**
 * Read a `schemaString`. Throws SCHEMA_INVALID naming the field that is not understood.
 *
 * @example
 * ```ts
 * const { fields } = parseSchema(people.metaData.schemaString)
 * console.log(fields.map(({ name, type }) => [name, type])) // [ [ 'id', 'long' ], [ 'name', 'string' ] ]
 * ```
 */
export function parseSchema(schemaString: string): StructType {
  let json: unknown
  try {
    json = parseJson(schemaString)
  } catch (cause) {
    throw new DeltaError('SCHEMA_INVALID', 'The schema is not JSON.', { schemaString }, cause)
  }
  const type = toType(json, '')
  if (typeof type === 'string' || type.type !== 'struct') throw unreadable('', json)
  return type
}

/**
 * Write a schema as `schemaString`.
 *
 * @example
 * ```ts
 * const json = printSchema({ type: 'struct', fields: [field('id', 'long')] })
 * console.log(json) // {"type":"struct","fields":[{"name":"id","type":"long","nullable":true,"metadata":{}}]}
 * ```
 */
export function printSchema(schema: StructType): string {
  return printJson(toJson(schema))
}

/**
 * Precision and scale of a decimal type, or undefined for another type.
 *
 * @example
 * ```ts
 * console.log(parseDecimal('decimal(18,2)')) // { precision: 18, scale: 2 }
 * console.log(parseDecimal('double')) // undefined
 * ```
 */
export function parseDecimal(type: string): { precision: number; scale: number } | undefined {
  if (type === 'decimal') return { precision: 10, scale: 0 }
  const match = /^decimal\(\s*(\d{1,2})\s*,\s*(\d{1,2})\s*\)$/.exec(type)
  return match ? { precision: Number(match[1]), scale: Number(match[2]) } : undefined
}

function toType(json: unknown, place: string): DataType {
  if (typeof json === 'string') {
    const decimal = parseDecimal(json)
    if (decimal) return `decimal(${decimal.precision},${decimal.scale})`
    if (PRIMITIVES.has(json)) return json
  } else if (isRecord(json)) {
    if (json['type'] === 'struct' && Array.isArray(json['fields'])) {
      return { type: 'struct', fields: json['fields'].map((item: unknown) => toField(item, place)) }
    }
    if (json['type'] === 'array') {
      const elementType = toType(json['elementType'], `${place}.element`)
      return { type: 'array', elementType, containsNull: json['containsNull'] !== false }
    }
    if (json['type'] === 'map') {
      const keyType = toType(json['keyType'], `${place}.key`)
      const valueType = toType(json['valueType'], `${place}.value`)
      return { type: 'map', keyType, valueType, valueContainsNull: json['valueContainsNull'] !== false }
    }
  }
  throw unreadable(place, json)
}

function toField(json: unknown, parent: string): StructField {
  if (!isRecord(json) || typeof json['name'] !== 'string') throw unreadable(parent, json)
  const place = parent === '' ? json['name'] : `${parent}.${json['name']}`
  const metadata = isRecord(json['metadata']) ? json['metadata'] : {}
  return { name: json['name'], type: toType(json['type'], place), nullable: json['nullable'] !== false, metadata }
}

/** Spell out every key in the order Spark writes them, whatever order the value was built in. */
function toJson(type: DataType): unknown {
  if (typeof type === 'string') return type
  switch (type.type) {
    case 'array':
      return { type: 'array', elementType: toJson(type.elementType), containsNull: type.containsNull }
    case 'map': {
      const { keyType, valueType, valueContainsNull } = type
      return { type: 'map', keyType: toJson(keyType), valueType: toJson(valueType), valueContainsNull }
    }
    case 'struct':
      return {
        type: 'struct',
        fields: type.fields.map(f => ({
          name: f.name,
          type: toJson(f.type),
          nullable: f.nullable,
          metadata: f.metadata,
        })),
      }
  }
}

function unreadable(place: string, json: unknown): DeltaError {
  const where = place === '' ? 'The schema' : `Column ${place}`
  return new DeltaError('SCHEMA_INVALID', `${where} has a type that is not understood: ${printJson(json)}.`, { place })
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
