/**
 * A predicate of @tidemark/delta as DuckDB SQL. Three-valued logic, NaN and -0 mean the same on both sides.
 */
import {
  type ColumnPath,
  type DataType,
  type PartitionValue,
  type Predicate,
  parsePartitionValue,
  type StructType,
} from '@tidemark/delta'
import { commonValue } from './scan/constants.ts'
import { ident, join, raw, type Sql, sql } from './sql.ts'

const OPERATORS = { '=': raw('='), '<>': raw('<>'), '<': raw('<'), '<=': raw('<='), '>': raw('>'), '>=': raw('>=') }

/** The condition over rows named `alias`. Throws a TypeError for a column that the schema lacks. */
export function predicateSql(predicate: Predicate<Sql>, schema: StructType, alias: string): Sql {
  switch (predicate.kind) {
    case 'compare': {
      const { column, op, value } = predicate
      return sql`(${ident(alias, ...column)} ${OPERATORS[op]} ${literal(value, typeOf(schema, column))})`
    }
    case 'isNull':
      return sql`(${ident(alias, ...predicate.column)} IS NULL)`
    case 'and':
    case 'or': {
      if (predicate.of.length === 0) return raw(predicate.kind === 'and' ? 'true' : 'false')
      const parts = predicate.of.map(one => predicateSql(one, schema, alias))
      return sql`(${join(parts, predicate.kind === 'and' ? ' AND ' : ' OR ')})`
    }
    case 'not':
      return sql`(NOT ${predicateSql(predicate.of, schema, alias)})`
    case 'expression':
      return sql`(${predicate.expression})`
  }
}

/** A value by its text. The empty text is a value here, and not NULL as in the log. */
function literal(value: string, type: DataType): Sql {
  if (typeof type !== 'string') throw new TypeError(`values of type ${type.type} cannot be compared`)
  const empty: PartitionValue =
    type === 'binary' ? { kind: 'bytes', bytes: new Uint8Array() } : { kind: 'text', text: '' }
  const parsed = value === '' ? empty : parsePartitionValue(type, value)
  return commonValue({ type, values: [parsed] }) ?? raw('NULL')
}

function typeOf(schema: StructType, [name = '', ...rest]: ColumnPath): DataType {
  const type = schema.fields.find(f => f.name.toLowerCase() === name.toLowerCase())?.type
  if (type === undefined) throw new TypeError(`there is no column ${name}`)
  if (rest.length === 0) return type
  return typeOf(typeof type !== 'string' && type.type === 'struct' ? type : { type: 'struct', fields: [] }, rest)
}
