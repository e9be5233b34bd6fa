/**
 * What `doctor` says of a MySQL or MariaDB source: the server, as whom it is read, and rights that reading does not need,
 * each with the statement that takes them away. Everything comes from information_schema, in a read-only session.
 */
import { backticked, join, raw, type Sql, sql, text } from '../../engine/sql.ts'
import { Problem } from '../../errors/problem.ts'
import { type Finding, ok, warning } from '../../model/finding.ts'
import { encryptionFinding } from '../encryption.ts'
import type { Diagnosis, RightsRequest } from '../rights.ts'
import { type ServerConnection, serverName } from '../server-address.ts'
import type { TableRef } from '../source.ts'
import { readCursorClock } from './cursor.ts'
import { printName } from '../table-name.ts'
import { findTables } from './names.ts'
import type { MysqlSession, TextRow } from './session.ts'

export interface DiagnosedServer {
  source: string
  connection: ServerConnection
  timezone: string
}

/** What reading takes, or what changes nothing: never told as too much. */
const HARMLESS: readonly string[] = [
  'USAGE',
  'SELECT',
  'SHOW VIEW',
  'SHOW DATABASES',
  'PROCESS',
  'XA_RECOVER_ADMIN',
  'LOCK TABLES',
  'REPLICATION CLIENT',
  'BINLOG MONITOR',
]

const VARIABLES: Sql = sql`SHOW SESSION VARIABLES WHERE Variable_name IN ('tx_read_only', 'transaction_read_only', 'system_time_zone')`
const LOGIN: Sql = sql`SELECT version() AS version, CURRENT_USER() AS account, @@global.time_zone AS zone`
const CIPHER: Sql = sql`SHOW SESSION STATUS LIKE 'Ssl_cipher'`

/** The facts; only what keeps the session from being used at all is thrown. */
export async function diagnose(
  session: MysqlSession,
  { source, connection, timezone }: DiagnosedServer,
  { tables, byOpenTransactions }: RightsRequest,
  signal: AbortSignal,
): Promise<Diagnosis> {
  const [login = {}] = await session.query(LOGIN, signal)
  const variables = valuesByName(await session.query(VARIABLES, signal))
  const cipher = (await session.query(CIPHER, signal))[0]?.['value'] ?? ''
  const account = login['account'] ?? connection.user
  const named = await findTables(session, source, tables, signal)
  const found = new Map([...named].flatMap(([key, one]) => (one instanceof Problem ? [] : [[key, one] as const])))
  const excess = await excessFindings(session, account, [...found.values()], signal)
  const openTransactionsHidden = byOpenTransactions
    ? (await readCursorClock(session, connection.user, signal)).hidden
    : undefined
  const zone = login['zone'] === 'SYSTEM' ? variables.get('system_time_zone') : login['zone']
  const isReadOnly = /^(ON|1)$/i.test(variables.get('transaction_read_only') ?? variables.get('tx_read_only') ?? '')
  const findings = [
    ok('server', `${serverWord(login['version'])} at ${serverName(connection)}`),
    ok('login', `reads as ${account}`),
    encryptionFinding(connection, cipher),
    ok('time zone', `times without a zone are read as ${timezone}; the server's own is ${zone ?? 'unknown'}`),
    isReadOnly
      ? ok('session', 'read-only')
      : warning('session', 'the server does not keep it read-only', 'use a direct connection instead of a proxy'),
    ...(excess.length === 0 ? [ok('rights', 'nothing beyond reading on the tables of the list')] : excess),
    ...(byOpenTransactions && openTransactionsHidden === undefined
      ? [ok('rights', 'sees the open transactions of others')]
      : []),
  ]
  return { findings, found, openTransactionsHidden }
}

function serverWord(version: string | null | undefined): string {
  return version?.includes('MariaDB') ? `MariaDB ${version.replace(/-MariaDB.*/, '')}` : `MySQL ${version ?? '?'}`
}

function valuesByName(rows: readonly TextRow[]): Map<string, string> {
  return new Map(rows.map(row => [row['variable_name'] ?? '', row['value'] ?? '']))
}

/** Rights of the account itself, by how far they reach. Names of databases are patterns where rights were given. */
async function excessFindings(
  session: MysqlSession,
  account: string,
  tables: readonly TableRef[],
  signal: AbortSignal,
): Promise<Finding[]> {
  const at = account.lastIndexOf('@')
  const [user, host] = [account.slice(0, at), account.slice(at + 1)]
  const mine = sql`grantee = ${text(`'${user}'@'${host}'`)}`
  const quoted = sql`${user === '' ? sql`''` : backticked(user)}@${backticked(host)}`
  const ask = async (statement: Sql): Promise<string[]> =>
    (await session.query(statement, signal)).flatMap(row => row['privilege_type'] ?? [])
  const told = (where: string, on: Sql, privileges: readonly string[]): Finding[] => {
    const excess = [...new Set(privileges)].filter(word => !HARMLESS.includes(word)).toSorted()
    if (excess.length === 0) return []
    const statement = sql`REVOKE ${join(excess.map(raw))} ON ${on} FROM ${quoted};`
    const words =
      excess.length > 4 ? `${excess.slice(0, 3).join(', ')} and ${excess.length - 3} more` : excess.join(', ')
    return [warning('rights', `${words} on ${where}, besides reading`, statement.text)]
  }
  const everywhere = await ask(sql`SELECT privilege_type FROM information_schema.user_privileges WHERE ${mine}`)
  const findings = told('the whole server', sql`*.*`, everywhere)
  const schemas = [...new Set(tables.map(({ schema }) => schema))]
  for (const schema of schemas) {
    const rows = await session.query(
      sql`SELECT table_schema AS pattern, privilege_type FROM information_schema.schema_privileges \
WHERE ${mine} AND ${text(schema)} LIKE table_schema ESCAPE '\\'`,
      signal,
    )
    for (const [pattern, some] of Map.groupBy(rows, row => row['pattern'] ?? '')) {
      const privileges = some.flatMap(row => row['privilege_type'] ?? [])
      findings.push(...told(`database ${pattern}`, sql`${backticked(pattern)}.*`, privileges))
    }
  }
  const these = sql`(table_schema, table_name) IN (${join(
    tables.map(({ schema, table }) => sql`(${text(schema)}, ${text(table)})`),
  )})`
  const given = await session.query(
    sql`SELECT table_schema AS "schema", table_name AS name, privilege_type FROM information_schema.table_privileges \
WHERE ${mine} AND ${tables.length === 0 ? sql`FALSE` : these}`,
    signal,
  )
  for (const { schema, table } of tables) {
    const here = given.filter(row => row['schema'] === schema && row['name'] === table)
    const privileges = here.flatMap(row => row['privilege_type'] ?? [])
    findings.push(...told(printName({ schema, table }), backticked(schema, table), privileges))
  }
  if (findings.length > 0 || tables.length === 0) return findings
  return [...findings, ...(await givenOtherwise(session, these, signal))]
}

/** What the account may do to the columns of the tables by whatever way: where it was given to a role or for a column. */
async function givenOtherwise(session: MysqlSession, these: Sql, signal: AbortSignal): Promise<Finding[]> {
  const rows = await session.query(
    sql`SELECT DISTINCT table_schema AS "schema", table_name AS name FROM information_schema.columns \
WHERE ${these} AND (FIND_IN_SET('insert', privileges) OR FIND_IN_SET('update', privileges))`,
    signal,
  )
  return rows.map(row => {
    const table = printName({ schema: row['schema'] ?? '', table: row['name'] ?? '' })
    return warning('rights', `may write ${table}, through a role or for single columns`, 'SHOW GRANTS; tells which')
  })
}
