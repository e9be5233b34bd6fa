/**
 * What is the same for all rows of a file: its partition values. One value for all files of a group is a
 * literal; different ones are joined by the file's number in the list, since a lookup for each row would cost as much as
 * there are files.
 */
import type { DataType, PartitionValue } from '@tidemark/delta'
import { integer, join, raw, type Sql, sql, text } from '../sql.ts'
import { toDuckType } from '../types.ts'

/** One value a file, in the order of the files. */
export interface Constant {
  readonly type: DataType
  readonly values: readonly (PartitionValue | undefined)[]
}

/** The value for all files as an expression of the type; undefined when files have different ones. */
export function commonValue({ type, values }: Constant): Sql | undefined {
  const literal = literals(values)
  const [first] = literal
  return first !== undefined && literal.every(other => other.text === first.text)
    ? typed(type, values, first)
    : undefined
}

/** A relation with the file's number as `file` and the constants as `v0`, `v1` …, one row a file. */
export function constantsRelation(fileCount: number, constants: readonly Constant[]): Sql {
  const columns = constants.map(
    ({ type, values }, i) => sql`${typed(type, values, sql`unnest([${join(literals(values))}])`)} AS ${raw(`v${i}`)}`,
  )
  return sql`(SELECT ${join([sql`CAST(unnest(range(${integer(fileCount)})) AS UBIGINT) AS file`, ...columns])})`
}

/** Literals that `typed` makes values of the type from. */
function literals(values: Constant['values']): Sql[] {
  const isEncoded = hasNul(values)
  return values.map(value => {
    switch (value?.kind) {
      case undefined:
        return raw('NULL')
      case 'days':
        return integer(value.days)
      case 'micros':
        return integer(value.micros)
      case 'bytes':
        return text(Buffer.from(value.bytes).toString('hex'))
      case 'text':
        return text(isEncoded ? Buffer.from(value.text).toString('hex') : value.text)
    }
  })
}

function typed(type: DataType, values: Constant['values'], literal: Sql): Sql {
  const kind = values.find(value => value !== undefined)?.kind
  if (kind === 'days') return sql`CAST('1970-01-01' AS DATE) + CAST(${literal} AS INTEGER)`
  if (kind === 'micros')
    return sql`${raw(type === 'timestamp' ? 'make_timestamptz' : 'make_timestamp')}(CAST(${literal} AS BIGINT))`
  if (kind === 'bytes') return sql`unhex(${literal})`
  if (hasNul(values)) return sql`decode(unhex(${literal}))`
  return sql`CAST(${literal} AS ${toDuckType(type)})`
}

/** No dialect can quote NUL. */
function hasNul(values: Constant['values']): boolean {
  return values.some(value => value?.kind === 'text' && value.text.includes('\0'))
}
