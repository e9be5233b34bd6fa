/** Content of a relation as a count and a hash that do not depend on the order of rows or columns. */
import type { Session } from '../engine/engine.ts'
import { ident, integer, join, type Sql, sql } from '../engine/sql.ts'

/**
 * Count and hash of a relation's rows over the named columns. Columns are taken by name, so equal contents have equal
 * hashes and values that moved to another column do not. Only texts of one DuckDB version can be compared.
 */
export async function contentHash(
  session: Session,
  relation: Sql,
  columns: readonly string[],
): Promise<{ rows: bigint; hash: string }> {
  const values = [...columns].sort().map(column => ident(column))
  const row = values.length === 0 ? integer(0) : join(values)
  const [result] = await session.rows(
    sql`SELECT count(*) AS n, coalesce(CAST(sum(CAST(hash(${row}) AS HUGEINT)) AS VARCHAR), '0') AS h FROM ${relation}`,
  )
  return { rows: BigInt(String(result?.['n'])), hash: String(result?.['h']) }
}
