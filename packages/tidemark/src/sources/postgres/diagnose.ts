/**
 * What `doctor` says of a PostgreSQL source: the server, as whom it is read, and rights that reading does not need, each
 * with the statement that takes them away. Everything comes from the catalog, in a read-only session.
 */
import { ident, join, raw, type Sql, sql } from '../../engine/sql.ts'
import { Problem } from '../../errors/problem.ts'
import { type Finding, ok, warning } from '../../model/finding.ts'
import { encryptionFinding } from '../encryption.ts'
import type { Diagnosis, RightsRequest } from '../rights.ts'
import { type ServerConnection, serverName } from '../server-address.ts'
import type { TableRef } from '../source.ts'
import { readCursorClock } from './cursor.ts'
import { printName } from '../table-name.ts'
import { findRelations } from './names.ts'
import type { PostgresSession, TextRow } from './session.ts'

export interface DiagnosedServer {
  source: string
  connection: ServerConnection
  timezone: string
  slot: string | undefined
}

const FACTS: Sql = sql`SELECT current_setting('server_version') AS version, current_user AS login, \
current_setting('default_transaction_read_only') AS read_only, \
(SELECT z.reset_val FROM pg_settings z WHERE z.name = 'TimeZone') AS zone, \
(SELECT t.version || ' ' || t.cipher FROM pg_stat_ssl t WHERE t.pid = pg_backend_pid() AND t.ssl) AS cipher, \
r.rolsuper, r.rolcreaterole, r.rolcreatedb, r.rolreplication, \
(SELECT string_agg(w.rolname, ',' ORDER BY w.rolname) FROM pg_roles w WHERE pg_has_role(current_user, w.oid, 'USAGE') \
AND w.rolname IN ('pg_write_all_data', 'pg_write_server_files', 'pg_execute_server_program', 'pg_signal_backend', \
'pg_maintain', 'pg_create_subscription')) AS writers FROM pg_roles r WHERE r.rolname = current_user`

/**
 * Rights on the wanted tables besides reading, by whom they were given to: the login, a role it is a member of, or
 * everybody. `$1` is a list of oids.
 */
const EXCESS: Sql = sql`WITH acl AS (\
SELECT c.oid, NULL::name AS column, x.grantee, x.privilege_type FROM unnest($1::oid[]) AS w (oid) \
JOIN pg_class c ON c.oid = w.oid CROSS JOIN LATERAL aclexplode(c.relacl) x \
UNION ALL SELECT a.attrelid, a.attname, x.grantee, x.privilege_type FROM unnest($1::oid[]) AS w (oid) \
JOIN pg_attribute a ON a.attrelid = w.oid AND NOT a.attisdropped CROSS JOIN LATERAL aclexplode(a.attacl) x) \
SELECT acl.oid, acl.column, (SELECT r.rolname FROM pg_roles r WHERE r.oid = acl.grantee) AS grantee, \
string_agg(DISTINCT acl.privilege_type, ', ' ORDER BY acl.privilege_type) AS privileges \
FROM acl JOIN pg_class c ON c.oid = acl.oid WHERE acl.privilege_type <> 'SELECT' \
AND (acl.grantee = 0 OR pg_has_role(current_user, acl.grantee, 'USAGE')) \
AND NOT pg_has_role(current_user, c.relowner, 'USAGE') GROUP BY acl.oid, acl.column, acl.grantee ORDER BY 1, 2, 3`

const OWNED: Sql = sql`SELECT c.oid FROM unnest($1::oid[]) AS w (oid) JOIN pg_class c ON c.oid = w.oid \
WHERE pg_has_role(current_user, c.relowner, 'USAGE')`

/** The facts; only what keeps the session from being used at all is thrown. */
export async function diagnose(
  session: PostgresSession,
  server: DiagnosedServer,
  { tables, byOpenTransactions }: RightsRequest,
  signal: AbortSignal,
): Promise<Diagnosis> {
  const { source, connection, timezone } = server
  const [row = {}] = await session.query(FACTS, { signal })
  const login = row['login'] ?? connection.user
  const named = await findRelations(session, source, tables, signal)
  const relations = [...named].flatMap(([key, one]) => (one instanceof Problem ? [] : [{ key, ...one }]))
  const isSuper = row['rolsuper'] === 't'
  const excess = isSuper ? [superuser(login)] : await excessFindings(session, server, { row, login, relations, signal })
  const openTransactionsHidden = byOpenTransactions ? (await readCursorClock(session, login, signal)).hidden : undefined
  const findings = [
    ok('server', `PostgreSQL ${row['version'] ?? '?'} at ${serverName(connection)}`),
    ok('login', `reads as ${login}`),
    encryptionFinding(connection, row['cipher'] ?? ''),
    ok('time zone', `times without a zone are read as ${timezone}; the server's own is ${row['zone'] ?? 'unknown'}`),
    sessionFinding(row, session),
    ...(excess.length === 0 ? [ok('rights', 'nothing beyond reading on the tables of the list')] : excess),
    ...(byOpenTransactions && openTransactionsHidden === undefined
      ? [ok('rights', 'sees the open transactions of others')]
      : []),
  ]
  return {
    findings,
    openTransactionsHidden,
    found: new Map(relations.map(({ key, schema, table }) => [key, { schema, table }])),
  }
}

function sessionFinding({ read_only: readOnly }: TextRow, session: PostgresSession): Finding {
  const remedy = 'give the address of the server itself, or of a pool that keeps a connection for a whole transaction'
  if (readOnly !== 'on') return warning('session', 'the server does not keep it read-only', remedy)
  if (!session.isPooled) return ok('session', 'read-only')
  return ok(
    'session',
    'read-only; a pooler lies between, so that settings are made in each transaction and end with it',
  )
}

function superuser(login: string): Finding {
  return warning('rights', `${login} is a superuser`, sql`ALTER ROLE ${ident(login)} NOSUPERUSER;`.text)
}

async function excessFindings(
  session: PostgresSession,
  { slot }: DiagnosedServer,
  at: { row: TextRow; login: string; relations: readonly (TableRef & { oid: string })[]; signal: AbortSignal },
): Promise<Finding[]> {
  const { row, login, relations, signal } = at
  const byOid = new Map(relations.map(relation => [relation.oid, relation]))
  const asked = { values: [relations.map(({ oid }) => oid)], signal }
  const powers = [
    ...(row['rolcreaterole'] === 't' ? [sql`NOCREATEROLE`] : []),
    ...(row['rolcreatedb'] === 't' ? [sql`NOCREATEDB`] : []),
    ...(row['rolreplication'] === 't' && slot === undefined ? [sql`NOREPLICATION`] : []),
  ]
  const writers = (row['writers'] ?? '').split(',').filter(name => name !== '')
  const owned = (await session.query(OWNED, asked)).flatMap(({ oid }) => byOid.get(oid ?? '') ?? [])
  const given = await session.query(EXCESS, asked)
  return [
    ...(powers.length === 0
      ? []
      : [
          warning(
            'rights',
            `${login} may do more than read on the whole server`,
            sql`ALTER ROLE ${ident(login)} ${join(powers, ' ')};`.text,
          ),
        ]),
    ...writers.map(role =>
      warning('rights', `${login} is a member of ${role}`, sql`REVOKE ${ident(role)} FROM ${ident(login)};`.text),
    ),
    ...owned.map(table =>
      warning(
        'rights',
        `${login} owns ${printName(table)}, and may change and drop it`,
        'read as a login of its own: the script below makes it',
      ),
    ),
    ...given.flatMap(one => {
      const table = byOid.get(one['oid'] ?? '')
      return table === undefined ? [] : [revoke(one, table)]
    }),
  ]
}

/** The server's own words for its privileges are program text; names are quoted. */
function revoke({ column, grantee, privileges }: TextRow, table: TableRef): Finding {
  const columns = column === null || column === undefined ? raw('') : sql` (${ident(column)})`
  const words = (privileges ?? '').split(', ').map(word => sql`${raw(word)}${columns}`)
  const from = grantee === null || grantee === undefined ? sql`PUBLIC` : ident(grantee)
  const statement = sql`REVOKE ${join(words)} ON TABLE ${ident(table.schema, table.table)} FROM ${from};`
  return warning('rights', `${privileges ?? ''} on ${printName(table)}, besides reading`, statement.text)
}
