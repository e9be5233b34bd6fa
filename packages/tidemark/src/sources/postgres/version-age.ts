/**
 * A row's version from its age. DuckDB's extension knows no transaction ids; as text they are the most expensive column of a
 * read, and the age is a number of 32 bits, the difference to an id that stays the same for a transaction.
 */
import { integer, type Sql, sql } from '../../engine/sql.ts'

/** The id that ages are counted from, less 3; in the transaction of the read. */
export const AGE_OF_FIRST: Sql = sql`pg_catalog.age('3'::pg_catalog.xid)`

/** The age of ids that are never of a transaction, and of one other. */
const NO_AGE = sql`2147483647`
const LOW_BITS = sql`4294967295`

/**
 * Text of the id, as the server prints it.
 *
 * @param ageOfFirst value of `AGE_OF_FIRST`
 */
export function versionOfAge(age: Sql, ageOfFirst: bigint): Sql {
  const version = sql`CAST((CAST(${integer(ageOfFirst + 3n)} AS BIGINT) - ${age}) & ${LOW_BITS} AS VARCHAR)`
  return sql`CASE WHEN ${age} = ${NO_AGE} THEN error('rows carry no transaction id of their own') ELSE ${version} END`
}
