/** The script that makes a login of PostgreSQL with exactly the rights that reading the listed tables takes. */
import { ident, join, sql, text } from '../../engine/sql.ts'
import type { RightsRequest } from '../rights.ts'

export interface GrantedDatabase {
  source: string
  database: string
  slot: string | undefined
}

/** Statements in the order in which they have to run. The role has no password, so nobody can use it before it is given one. */
export function grantScript(
  { source, database, slot }: GrantedDatabase,
  { tables, byOpenTransactions }: RightsRequest,
): string[] {
  const role = ident(`tidemark_${source}`)
  const schemas = [...new Set(tables.map(({ schema }) => schema))]
  const names = tables.map(({ schema, table }) => ident(schema, table))
  const statements = [
    sql`CREATE ROLE ${role} LOGIN;`,
    sql`GRANT CONNECT ON DATABASE ${ident(database)} TO ${role};`,
    ...schemas.map(schema => sql`GRANT USAGE ON SCHEMA ${ident(schema)} TO ${role};`),
    ...names.map(name => sql`GRANT SELECT ON TABLE ${name} TO ${role};`),
    ...(byOpenTransactions ? [sql`GRANT pg_read_all_stats TO ${role};`] : []),
    ...(slot === undefined || names.length === 0
      ? []
      : [
          sql`ALTER ROLE ${role} REPLICATION;`,
          sql`CREATE PUBLICATION ${ident(slot)} FOR TABLE ${join(names)};`,
          sql`SELECT pg_create_logical_replication_slot(${text(slot)}, 'pgoutput');`,
        ]),
  ]
  return statements.map(statement => statement.text)
}
