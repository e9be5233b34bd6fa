/**
 * From rows with a table's column names to the columns of its data files: cast to exactly the table's types, under their
 * physical names at every depth, with an error where a NULL is not allowed.
 */
import { type DataType, fieldId, physicalName, type StructField, type WriteOptions } from '@tidemark/delta'
import { ident, integer, join, raw, type Sql, sql, text } from '../sql.ts'
import { toDuckType } from '../types.ts'
import { ofOneValue } from './one-value.ts'

/** What decides how columns look in files. */
export type FileForm = Pick<WriteOptions, 'schema' | 'columnMapping' | 'partitionColumns' | 'purpose' | 'oneValue'>

export interface PhysicalColumn {
  readonly name: string
  /** From a relation with logical names; missing parts of structs are NULL. */
  readonly value: Sql
}

/** How a row with a forbidden NULL ends the query; the column follows. */
export const NOT_NULL_MARK = 'tidemark: NULL in the column '

/** Text column of the change data feed; its name is the same under column mapping. */
const CHANGE_TYPE = '_change_type'

/** The columns of the files, in the table's order; partition columns are not among them. */
export function physicalColumns(form: FileForm): PhysicalColumn[] {
  const columns = dataFields(form).map(field => ({
    name: physicalName(field, form.columnMapping ?? 'none'),
    value: ofOneValue(form.oneValue?.[field.name], logicalValue(form, field)),
  }))
  if (form.purpose !== 'changes') return columns
  return [...columns, { name: CHANGE_TYPE, value: sql`CAST(${ident(CHANGE_TYPE)} AS VARCHAR)` }]
}

/** A column's value cast and checked; renamed inside when it is nested. */
export function logicalValue(form: FileForm, field: StructField): Sql {
  const cast = sql`CAST(${ident(field.name)} AS ${toDuckType(field.type)})`
  const context = { mapping: form.columnMapping ?? 'none', place: field.name, depth: 0 }
  return required(field.nullable, field.name, convert(context, field.type, cast) ?? cast)
}

/** Ids of the files' columns for COPY, `{"a": 1, …}`; undefined where columns have none. */
export function fieldIds(form: FileForm): Sql | undefined {
  if ((form.columnMapping ?? 'none') === 'none') return undefined
  return sql`{${join(dataFields(form).map(field => idEntry(form, field)))}}`
}

function dataFields({ schema, partitionColumns = [] }: FileForm): StructField[] {
  return storedFields(schema.fields).filter(field => !partitionColumns.includes(field.name))
}

/** A column of no type is in no file; it is NULL wherever it is read (Delta protocol, "Void Type"). */
function storedFields(fields: readonly StructField[]): StructField[] {
  return fields.filter(({ type }) => type !== 'void')
}

function idEntry(form: FileForm, field: StructField): Sql {
  const mapping = form.columnMapping ?? 'none'
  const id = integer(fieldId(field, mapping) ?? 0)
  const inside = idsInside(form, field.type)
  const value = inside === undefined ? id : sql`{__duckdb_field_id: ${id}, ${inside}}`
  return sql`${ident(physicalName(field, mapping))}: ${value}`
}

/** Entries of a type's fields. The inside of a list or map has no id of its own. */
function idsInside(form: FileForm, type: DataType): Sql | undefined {
  if (typeof type === 'string') return undefined
  if (type.type === 'struct') return join(storedFields(type.fields).map(field => idEntry(form, field)))
  const parts: readonly (readonly [string, DataType])[] =
    type.type === 'array'
      ? [['element', type.elementType]]
      : [
          ['key', type.keyType],
          ['value', type.valueType],
        ]
  const entries = parts.flatMap(([name, part]) => {
    const inside = idsInside(form, part)
    return inside === undefined ? [] : [sql`${raw(name)}: {${inside}}`]
  })
  return entries.length === 0 ? undefined : join(entries)
}

interface Context {
  readonly mapping: NonNullable<FileForm['columnMapping']>
  /** Logical path of the value, for messages. */
  readonly place: string
  /** How many lists and maps are around: each has its own name for the value inside. */
  readonly depth: number
}

/** The value with its inside renamed and checked, or undefined when nothing changes. */
function convert(context: Context, type: DataType, value: Sql): Sql | undefined {
  if (typeof type === 'string') return undefined
  if (type.type === 'struct') {
    const stored = storedFields(type.fields)
    let isSame = stored.length === type.fields.length
    const fields = stored.map(field => {
      const place = `${context.place}.${field.name}`
      const inner = sql`struct_extract(${value}, ${text(field.name)})`
      const converted = convert({ ...context, place }, field.type, inner)
      const name = physicalName(field, context.mapping)
      isSame &&= converted === undefined && field.nullable && name === field.name
      return sql`${ident(name)} := ${required(field.nullable, place, converted ?? inner)}`
    })
    return isSame ? undefined : sql`CASE WHEN ${value} IS NOT NULL THEN struct_pack(${join(fields)}) END`
  }
  const item = raw(`item${context.depth}`)
  const inside = (name: string, part: DataType, isNullable: boolean, inner: Sql): { changed: boolean; value: Sql } => {
    const place = `${context.place}.${name}`
    const converted = convert({ ...context, place, depth: context.depth + 1 }, part, inner)
    return { changed: converted !== undefined || !isNullable, value: required(isNullable, place, converted ?? inner) }
  }
  if (type.type === 'array') {
    const element = inside('element', type.elementType, type.containsNull, item)
    return element.changed ? sql`list_transform(${value}, lambda ${item}: ${element.value})` : undefined
  }
  // DuckDB itself refuses a NULL as key.
  const key = inside('key', type.keyType, true, sql`${item}.key`)
  const mapped = inside('value', type.valueType, type.valueContainsNull, sql`${item}.value`)
  if (!key.changed && !mapped.changed) return undefined
  const entry = sql`struct_pack(key := ${key.value}, value := ${mapped.value})`
  return sql`map_from_entries(list_transform(map_entries(${value}), lambda ${item}: ${entry}))`
}

function required(isNullable: boolean, place: string, value: Sql): Sql {
  return isNullable
    ? value
    : sql`CASE WHEN ${value} IS NULL THEN error(${text(NOT_NULL_MARK + place)}) ELSE ${value} END`
}
