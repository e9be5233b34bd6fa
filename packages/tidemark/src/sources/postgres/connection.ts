/**
 * Opening connections to a PostgreSQL source. Every session is read-only and pinned: zone, text forms, name look-up and
 * timeouts are ours, whatever the server or the role has as defaults.
 */
import pg from 'pg'
import { integer, join, type Sql, sql, text } from '../../engine/sql.ts'
import { type ServerConnection, tlsMode, tlsOptions } from '../server-address.ts'
import { passwordMissing, translateDriverError } from './driver-error.ts'
import { ReceivingSocket } from './receiving-socket.ts'
import { PostgresSession } from './session.ts'

/** How long a lock is waited for before its table becomes a Problem. */
export const LOCK_TIMEOUT_MS = 10_000
export const CONNECT_TIMEOUT_MS = 15_000

/**
 * What every session is pinned to. Settings a server version does not know are passed over: the query below joins with
 * the server's own list.
 */
const SETTINGS: Readonly<Record<string, string>> = {
  application_name: 'tidemark',
  default_transaction_read_only: 'on',
  // With it off, a policy that would hide rows is an error instead of a silent filter.
  row_security: 'off',
  // Names in our statements mean the catalog's; a function of the same name in a user's schema is never called.
  search_path: 'pg_catalog, pg_temp',
  // Our text literals give the backslash no meaning; with it off, one could end a literal early.
  standard_conforming_strings: 'on',
  TimeZone: 'UTC',
  DateStyle: 'ISO, YMD',
  IntervalStyle: 'iso_8601',
  bytea_output: 'hex',
  xmlbinary: 'base64',
  extra_float_digits: '1',
  lock_timeout: `${LOCK_TIMEOUT_MS}ms`,
  statement_timeout: '0',
  transaction_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  idle_session_timeout: '0',
  // A server that finds its client gone stops a long scan instead of finishing it for nobody.
  client_connection_check_interval: '5s',
}

/** Every value of a catalog query as the text the server sent. */
const AS_TEXT = { getTypeParser: () => (value: string) => value } as unknown as pg.CustomTypesConfig

/**
 * Open a pinned, read-only session.
 *
 * @throws {SOURCE_UNREACHABLE, SOURCE_LOGIN_REFUSED, SOURCE_DATABASE_MISSING, SOURCE_TLS_REFUSED, SOURCE_BUSY}
 */
export async function openSession(
  source: string,
  connection: ServerConnection,
  signal: AbortSignal,
): Promise<PostgresSession> {
  signal.throwIfAborted()
  const client = new pg.Client({
    host: connection.host,
    port: connection.port,
    database: connection.database,
    user: connection.user,
    password: () => passwordOf(connection),
    ssl: tlsOptions(connection),
    // What is encrypted is received by other means.
    ...(tlsMode(connection) === 'off' ? { stream: () => new ReceivingSocket() } : {}),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    client_encoding: 'UTF8',
    types: AS_TEXT,
  })
  const session = new PostgresSession(client, {
    translate: error => translateDriverError(error, source, connection),
    cancel: pid => cancelBackend(source, connection, pid),
  })
  try {
    await session.connect(signal)
    await session.query(settingsStatement(), { signal })
    return session
  } catch (error) {
    await session.close()
    throw error
  }
}

/** @throws {SOURCE_LOGIN_REFUSED} */
export function passwordOf({ password }: ServerConnection): string {
  const value = typeof password === 'function' ? password() : password
  if (value === undefined || value === '') throw passwordMissing()
  return value
}

/** Pins a session. */
export function settingsStatement(): Sql {
  const wanted = Object.entries(SETTINGS).map(([name, value]) => sql`(${text(name)}, ${text(value)})`)
  return sql`SELECT set_config(s.name, w.value, false) FROM (VALUES ${join(wanted)}) AS w (name, value) \
JOIN pg_catalog.pg_settings s ON lower(s.name) = lower(w.name)`
}

/** Ask the server to stop a query, over a second connection: closing our end alone would let a scan run on. */
export async function cancelBackend(source: string, connection: ServerConnection, pid: number): Promise<void> {
  const session = await openSession(source, connection, AbortSignal.timeout(CONNECT_TIMEOUT_MS))
  try {
    await session.query(sql`SELECT pg_catalog.pg_cancel_backend(${integer(pid)})`)
  } finally {
    await session.close()
  }
}
