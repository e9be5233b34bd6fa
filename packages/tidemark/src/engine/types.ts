/**
 * Delta types and DuckDB types, both ways. What Delta cannot hold has no entry here and never reaches a file.
 */
import type { DataType, StructType } from '@tidemark/delta'
import { ident, join, raw, type Sql, sql } from './sql.ts'

const primitives: Readonly<Record<string, string>> = {
  boolean: 'BOOLEAN',
  byte: 'TINYINT',
  short: 'SMALLINT',
  integer: 'INTEGER',
  long: 'BIGINT',
  float: 'FLOAT',
  double: 'DOUBLE',
  date: 'DATE',
  timestamp: 'TIMESTAMP WITH TIME ZONE',
  timestamp_ntz: 'TIMESTAMP',
  void: '"NULL"',
  string: 'VARCHAR',
  binary: 'BLOB',
}

/** Types that a flow's own columns may have: a time without zone is made an instant, and NULL gets a type. */
const fromPrimitives = new Map(
  Object.entries(primitives).flatMap(([delta, duck]) =>
    delta === 'timestamp_ntz' || delta === 'void' ? [] : [[duck, delta] as const],
  ),
)

const decimalPattern = /^decimal\((\d{1,2}),\s*(\d{1,2})\)$/i

/** DuckDB's type for a Delta type; throws a TypeError for a type this product does not carry. */
export function toDuckType(type: DataType): Sql {
  if (typeof type === 'string') {
    const primitive = primitives[type]
    if (primitive !== undefined) return raw(primitive)
    const decimal = decimalPattern.exec(type)
    if (decimal) return raw(`DECIMAL(${decimal[1]},${decimal[2]})`)
  } else if (type.type === 'array') {
    return sql`${toDuckType(type.elementType)}[]`
  } else if (type.type === 'struct') {
    return sql`STRUCT(${join(type.fields.map(f => sql`${ident(f.name)} ${toDuckType(f.type)}`))})`
  } else if (type.type === 'map') {
    return sql`MAP(${toDuckType(type.keyType)}, ${toDuckType(type.valueType)})`
  }
  throw new TypeError(`type ${JSON.stringify(type)} cannot be carried`)
}

/** Delta's type for a scalar DuckDB type name as DESCRIBE prints it, or undefined when Delta has no such type. */
export function fromDuckType(type: string): string | undefined {
  const decimal = decimalPattern.exec(type)
  if (decimal) return `decimal(${decimal[1]},${decimal[2]})`
  return fromPrimitives.get(type)
}

/** A relation with the schema's columns and no rows. */
export function emptyRelation(schema: StructType): Sql {
  const columns = schema.fields.map(f => sql`CAST(NULL AS ${toDuckType(f.type)}) AS ${ident(f.name)}`)
  return sql`SELECT ${join(columns)} WHERE false`
}
