/**
 * How many rows a server says it has given out of tables: it counts them for its statistics, so that nobody has to read a table
 * twice to know whether all of it came.
 */
import { ident, join, type Sql, sql, text } from '../../engine/sql.ts'
import type { TableRef } from '../source.ts'

/**
 * Asks in the transaction of the read, after it. It is the number that the reads of these tables saw, before any condition; other
 * than the rows that came, it proves nothing: servers do not count everything, nor if `track_counts` is off.
 */
export function rowsGivenStatement(tables: readonly TableRef[]): Sql {
  const names = [...new Set(tables.map(({ schema, table }) => ident(schema, table).text))]
  const list = join(names.map(name => text(name)))
  return sql`SELECT pg_catalog.sum(pg_catalog.pg_stat_get_xact_tuples_returned(o))::pg_catalog.text AS value \
FROM pg_catalog.unnest(ARRAY[${list}]::pg_catalog.regclass[]) AS o`
}
