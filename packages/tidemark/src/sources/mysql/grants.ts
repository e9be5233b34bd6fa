/** The script that makes an account of MySQL or MariaDB with exactly the rights that reading the listed tables takes. */
import { backticked, join, sql } from '../../engine/sql.ts'
import type { RightsRequest } from '../rights.ts'

/** Statements in the order in which they have to run. The account is locked, so nobody can use it without a password. */
export function grantScript(source: string, { tables, byOpenTransactions }: RightsRequest): string[] {
  const account = sql`${backticked(`tidemark_${source}`)}@${backticked('%')}`
  const statements = [
    sql`CREATE USER ${account} ACCOUNT LOCK;`,
    ...tables.map(({ schema, table, kind }) => {
      const rights = kind === 'view' ? [sql`SELECT`, sql`SHOW VIEW`] : [sql`SELECT`]
      return sql`GRANT ${join(rights)} ON ${backticked(schema, table)} TO ${account};`
    }),
    // Prepared transactions are a right of their own in MySQL since 8.0, which MariaDB passes over as a comment.
    ...(byOpenTransactions ? [sql`GRANT PROCESS /*!80000 , XA_RECOVER_ADMIN */ ON *.* TO ${account};`] : []),
  ]
  return [
    ...statements.map(statement => statement.text),
    `-- then: ALTER USER ${account.text} IDENTIFIED BY '<password>' ACCOUNT UNLOCK;`,
  ]
}
