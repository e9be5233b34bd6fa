/**
 * The form in which two sides are compared: each column under a name of ours, with one type on both sides. Nothing that
 * a table calls its columns can get in the way, and equal values are equal.
 */
import { ident, join, type Sql, sql } from '../../engine/sql.ts'

/** One column as an expression over the rows of each side. */
export interface ComparedColumn {
  /** As people know it. */
  name: string
  source: Sql
  target: Sql
}

export interface Shape {
  /** Empty for tables whose rows cannot be told from one another. */
  keys: readonly ComparedColumn[]
  /** Every other column that both sides have. */
  values: readonly ComparedColumn[]
  /** Its smallest and largest values are told; `c` in the common form. */
  cursor: ComparedColumn | undefined
}

export type Side = 'source' | 'target'

/** `k0`, `k1`, …: the key. */
export function keyNames({ keys }: Shape): Sql[] {
  return keys.map((_, n) => ident(`k${n}`))
}

/** `v0`, `v1`, …: everything else. */
export function valueNames({ values }: Shape): Sql[] {
  return values.map((_, n) => ident(`v${n}`))
}

/** All names, keys first. */
export function columnNames(shape: Shape): Sql[] {
  return [...keyNames(shape), ...valueNames(shape)]
}

/** Rows of one side in the common form: `k…`, `v…`, `c` for the cursor, and `more` expressions beside them. */
export function shaped(shape: Shape, side: Side, rows: Sql, more: readonly Sql[] = []): Sql {
  const named = (columns: readonly ComparedColumn[], names: readonly Sql[]): Sql[] =>
    columns.map((column, n) => sql`${column[side]} AS ${names[n] ?? ident(column.name)}`)
  const cursor = sql`${shape.cursor?.[side] ?? sql`NULL`} AS c`
  const all = [...named(shape.keys, keyNames(shape)), ...named(shape.values, valueNames(shape)), cursor, ...more]
  return sql`(SELECT ${join(all)} FROM ${rows})`
}

/** Condition that two rows, `s` and `t`, have the same key. */
export function sameKey(shape: Shape, s: Sql, t: Sql): Sql {
  return join(
    keyNames(shape).map(name => sql`${s}.${name} = ${t}.${name}`),
    ' AND ',
  )
}
