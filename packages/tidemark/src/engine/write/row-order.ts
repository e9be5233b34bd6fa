/**
 * Orders of rows as expressions to sort by.
 */
import type { RowOrder, StructType } from '@tidemark/delta'
import { ident, integer, join, raw, type Sql, sql } from '../sql.ts'

/** Bits of a z-order value: it has to fit into a BIGINT. */
const ALL_BITS = 62
const MOST_BITS = 20

/** A relation of the rows with the order's helper columns, and what to sort it by. */
export interface OrderedRelation {
  readonly relation: Sql
  readonly key: Sql
}

/**
 * `linear` sorts by the columns. For `z-order` each column's value is replaced by its rank among all rows, scaled to the
 * same number of bits, so that skewed and textual columns count as much as even ones; the bits of the ranks are then
 * interleaved, highest first. Rows that are near in every column come near each other.
 */
export function orderedRelation(rows: Sql, { columns, curve }: RowOrder, schema: StructType): OrderedRelation {
  const keys = columns.map(column => sortKey(column, schema))
  if (curve === 'linear' || columns.length === 1) return { relation: rows, key: join(keys) }
  const bits = Math.min(MOST_BITS, Math.floor(ALL_BITS / columns.length))
  const ranks = keys.map(
    (key, i) =>
      sql`((rank() OVER (ORDER BY ${key}) - 1) * ${integer(2 ** bits)} // count(*) OVER ()) AS ${rankName(i)}`,
  )
  return {
    relation: sql`SELECT *, ${join(ranks)} FROM (${rows})`,
    key: sql`(${join(interleaved(columns.length, bits), ' + ')})`,
  }
}

/**
 * What rows are sorted by for a column. DuckDB reads a column that it sorts by back out of its sort keys, in which -0 is 0;
 * a column beside the key is carried along as it is.
 */
function sortKey(column: string, { fields }: StructType): Sql {
  const type = fields.find(({ name }) => name === column)?.type
  return type === 'double' || type === 'float' ? sql`(${ident(column)} + 0)` : ident(column)
}

/** One term for each bit of each rank: taken out of the rank and put into its place in the whole. */
function interleaved(count: number, bits: number): Sql[] {
  return Array.from({ length: count * bits }, (_, place) => {
    const rank = rankName(count - 1 - (place % count))
    const bit = integer(Math.floor(place / count))
    return sql`(((${rank} >> ${bit}) & 1) << ${integer(place)})`
  })
}

function rankName(index: number): Sql {
  return raw(`_tidemark_rank${index}`)
}
