/**
 * From the columns of a file to the columns of a table: by name, physical name or field id, at every depth, each value
 * cast to exactly the table's type. What a file lacks is NULL; what it has in exactly the table's form is left as it is.
 */
import {
  type ColumnMapping,
  type DataType,
  fieldId,
  physicalName,
  type StructField,
  type StructType,
} from '@tidemark/delta'
import { ident, integer, join, raw, type Sql, sql } from '../sql.ts'
import { toDuckType } from '../types.ts'
import type { FileColumn, Shape } from './file-columns.ts'
import { isReadable } from './readable-type.ts'

/** The file's column for a field; undefined when the file has none. Fields that are not mapped are found by name. */
export function findColumn(
  columns: readonly FileColumn[],
  field: StructField,
  mapping: ColumnMapping,
): { column: FileColumn; index: number } | undefined {
  const isMapped = 'delta.columnMapping.physicalName' in field.metadata
  const index = findIndex(columns, field, isMapped ? mapping : 'none')
  const column = columns[index]
  return column && { column, index }
}

function findIndex(columns: readonly FileColumn[], field: StructField, mapping: ColumnMapping): number {
  if (mapping === 'id') {
    const id = fieldId(field, mapping)
    return columns.findIndex(column => column.fieldId === id)
  }
  const name = physicalName(field, mapping)
  const exact = columns.findIndex(column => column.name === name)
  if (exact >= 0 || mapping === 'name') return exact
  // Writers that do not keep the letter case of a schema are read as they read each other.
  const folded = name.toLowerCase()
  const matches = columns.flatMap((column, i) => (column.name.toLowerCase() === folded ? [i] : []))
  return matches.length === 1 ? (matches[0] ?? -1) : -1
}

/** A NULL of the type. */
export function nullOf(type: DataType): Sql {
  return sql`CAST(NULL AS ${toDuckType(type)})`
}

/** The value of `expression`, which has the shape, as a value of the type. */
export function project(type: DataType, shape: Shape, expression: Sql, mapping: ColumnMapping): Sql {
  return convert({ mapping, depth: 0 }, type, shape, expression) ?? expression
}

interface Context {
  readonly mapping: ColumnMapping
  /** How many lists and maps are around: each has its own name for the value inside. */
  readonly depth: number
}

/** The converted expression, or undefined when it already is a value of the type. */
function convert(context: Context, type: DataType, shape: Shape, expression: Sql): Sql | undefined {
  if (typeof type === 'string') return convertLeaf(type, shape, expression)
  if (type.type === 'struct' && shape.kind === 'struct') return convertStruct(context, type, shape.fields, expression)
  if (type.type === 'array' && shape.kind === 'list') {
    return transformed(context, expression, item => convert(deeper(context), type.elementType, shape.element, item))
  }
  if (type.type === 'map' && shape.kind === 'map') {
    const entries = transformed(context, sql`map_entries(${expression})`, entry => {
      const [key, value] = [sql`${entry}.key`, sql`${entry}.value`]
      const newKey = convert(deeper(context), type.keyType, shape.key, key)
      const newValue = convert(deeper(context), type.valueType, shape.value, value)
      if (newKey === undefined && newValue === undefined) return undefined
      return sql`struct_pack(key := ${newKey ?? key}, value := ${newValue ?? value})`
    })
    return entries && sql`map_from_entries(${entries})`
  }
  throw new TypeError(
    `has ${shape.kind === 'leaf' ? shape.duckType : `a ${shape.kind}`} where the table has ${type.type}`,
  )
}

function convertLeaf(type: string, shape: Shape, expression: Sql): Sql | undefined {
  if (type === 'void') return nullOf(type)
  if (shape.kind !== 'leaf') throw new TypeError(`has a ${shape.kind} where the table has ${type}`)
  const wanted = toDuckType(type)
  const { duckType } = shape
  if (duckType === wanted.text) return undefined
  if (!isReadable(duckType, type)) throw new TypeError(`has ${duckType} where the table has ${type}`)
  // Text that was written without being marked as text; a cast would spell its bytes.
  if (type === 'string' && duckType === 'BLOB') return sql`decode(${expression})`
  if (type === 'binary' && duckType === 'VARCHAR') return sql`encode(${expression})`
  if (duckType === 'TIMESTAMP_NS') return sql`CAST(CAST(${expression} AS TIMESTAMP) AS ${wanted})`
  return sql`CAST(${expression} AS ${wanted})`
}

function convertStruct(
  context: Context,
  type: StructType,
  columns: readonly FileColumn[],
  expression: Sql,
): Sql | undefined {
  let isSame = columns.length === type.fields.length
  const fields = type.fields.map((field, position) => {
    const found = findColumn(columns, field, context.mapping)
    if (found === undefined) {
      isSame = false
      return sql`${ident(field.name)} := ${nullOf(field.type)}`
    }
    const value = sql`struct_extract_at(${expression}, ${integer(found.index + 1)})`
    const converted = convert(context, field.type, found.column.shape, value)
    isSame &&= converted === undefined && found.index === position && found.column.name === field.name
    return sql`${ident(field.name)} := ${converted ?? value}`
  })
  return isSame ? undefined : sql`CASE WHEN ${expression} IS NOT NULL THEN struct_pack(${join(fields)}) END`
}

/** A list with each item converted, or undefined when items need none. */
function transformed({ depth }: Context, list: Sql, change: (item: Sql) => Sql | undefined): Sql | undefined {
  const item = raw(`item${depth}`)
  const changed = change(item)
  return changed && sql`list_transform(${list}, lambda ${item}: ${changed})`
}

function deeper(context: Context): Context {
  return { ...context, depth: context.depth + 1 }
}
