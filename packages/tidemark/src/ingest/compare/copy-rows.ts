/**
 * A copy that somebody else keeps, in the common form. It may hold a key more than once: a row written twice, or every
 * version that was ever copied.
 */
import type { Session } from '../../engine/engine.ts'
import { integer, join, type Sql, sql } from '../../engine/sql.ts'
import { columnNames, keyNames, type Shape, valueNames } from './shape.ts'
import type { DifferingRanges } from './sums.ts'

/**
 * One row for each key: of the newest by the cursor the one that says what the source says, if there is one.
 *
 * @param slice the same slice of both sides
 */
export function bestCopies(shape: Shape, slice: { source: Sql; target: Sql }): Sql {
  const keys = join(keyNames(shape))
  const own = join(keyNames(shape).map(name => sql`t.${name}`))
  const same = [
    sql`s.range IS NOT NULL`,
    ...valueNames(shape).map(name => sql`s.${name} IS NOT DISTINCT FROM t.${name}`),
  ]
  return sql`(SELECT t.* FROM (SELECT * FROM ${slice.target} \
QUALIFY c IS NOT DISTINCT FROM max(c) OVER (PARTITION BY ${keys})) AS t LEFT JOIN ${slice.source} AS s USING (${keys}) \
QUALIFY row_number() OVER (PARTITION BY ${own} ORDER BY (${join(same, ' AND ')}) DESC) = 1)`
}

/** How many rows only say what another one says, and how many are further versions of a key. */
export async function countRepeats(
  session: Session,
  shape: Shape,
  at: { chosen: Sql; ranges: DifferingRanges; signal: AbortSignal },
): Promise<{ doubled: bigint; versions: bigint }> {
  const total = { doubled: 0n, versions: 0n }
  for (let slice = 0; slice < at.ranges.slices; slice += 1) {
    const rows = sql`(SELECT ${join(columnNames(shape))}, c, count(*) AS n FROM ${at.chosen} \
WHERE slice = ${integer(slice)} GROUP BY ALL)`
    const [row] = await session.rows(
      sql`SELECT CAST(coalesce(sum(doubled), 0) AS VARCHAR) AS doubled, CAST(coalesce(sum(versions), 0) AS VARCHAR) AS versions \
FROM (SELECT sum(n - 1) AS doubled, count(*) - 1 AS versions FROM ${rows} GROUP BY ${join(keyNames(shape))})`,
      at.signal,
    )
    total.doubled += BigInt(String(row?.['doubled']))
    total.versions += BigInt(String(row?.['versions']))
  }
  return total
}
