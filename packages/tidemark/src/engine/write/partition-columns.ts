/**
 * Partition values of rows that are about to be written: as DuckDB gives them exactly, and as the log wants them.
 */
import { type PartitionValue, physicalName, printPartitionValue, type StructField } from '@tidemark/delta'
import { raw, type Sql, sql, text } from '../sql.ts'
import type { FileForm } from './physical.ts'

/** How a partition value that no log can hold ends the query; the column follows. */
export const INFINITE_MARK = 'tidemark: infinite value in the partition column '

/** The fields of the partition columns, in the order of the list. */
export function partitionFields({ schema, partitionColumns = [] }: FileForm): StructField[] {
  return partitionColumns.map(column => {
    const field = schema.fields.find(f => f.name === column)
    if (field === undefined) throw new TypeError(`this is a bug in tidemark: no partition column ${column}`)
    return field
  })
}

/** The value as text that `toPartitionValue` reads: days, microseconds, hexadecimal digits, or SQL's own text. */
export function encodedValue(field: StructField, value: Sql): Sql {
  switch (field.type) {
    case 'date':
      return finite(field, value, sql`date_diff('day', CAST('1970-01-01' AS DATE), ${value})`)
    case 'timestamp':
    case 'timestamp_ntz':
      return finite(field, value, sql`epoch_us(${value})`)
    case 'binary':
      return sql`hex(${value})`
    default:
      return sql`CAST(${value} AS VARCHAR)`
  }
}

function finite(field: StructField, value: Sql, number: Sql): Sql {
  const fault = sql`error(${text(INFINITE_MARK + field.name)})`
  return sql`CASE WHEN isfinite(${value}) THEN CAST(${number} AS VARCHAR) WHEN ${value} IS NOT NULL THEN ${fault} END`
}

/** `partitionValues` of an action, from the encoded values in the order of the fields. */
export function partitionValues(
  form: FileForm,
  fields: readonly StructField[],
  encoded: readonly (string | null)[],
): Record<string, string | null> {
  return Object.fromEntries(
    fields.map((field, i) => {
      const type = typeof field.type === 'string' ? field.type : field.type.type
      const value = encoded[i] ?? null
      const printed = printPartitionValue(type, value === null ? undefined : toPartitionValue(type, value))
      return [physicalName(field, form.columnMapping ?? 'none'), printed]
    }),
  )
}

function toPartitionValue(type: string, value: string): PartitionValue {
  switch (type) {
    case 'date':
      return { kind: 'days', days: Number(value) }
    case 'timestamp':
    case 'timestamp_ntz':
      return { kind: 'micros', micros: BigInt(value) }
    case 'binary':
      return { kind: 'bytes', bytes: Buffer.from(value, 'hex') }
    default:
      return { kind: 'text', text: value }
  }
}

/** Names of partition columns in a staging table. */
export function partitionName(index: number): Sql {
  return raw(`p${index}`)
}
