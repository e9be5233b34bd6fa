/** Opening connections to a PostgreSQL source. Every session is read-only and pinned, or each of its transactions is. */
import pg from 'pg'
import { integer, sql } from '../../engine/sql.ts'
import { SOURCE_PASSES_OVER_DAMAGE, SOURCE_POOLER_UNFIT, SOURCE_TOO_OLD } from '../../errors/source.ts'
import { KEEP_ALIVE_MS, type ServerConnection, serverName, tlsMode, tlsOptions } from '../server-address.ts'
import { passwordMissing, translateDriverError } from './driver-error.ts'
import { pinBySet, pinSession } from './pins.ts'
import { ReceivingSocket } from '../receiving-socket.ts'
import { PostgresSession } from './session.ts'

export const CONNECT_TIMEOUT_MS = 15_000
/** Before it the server lacks things that every reading asks for. */
const OLDEST_RELEASE = 12

/** Every value of a catalog query as the text the server sent. */
const AS_TEXT = { getTypeParser: () => (value: string) => value } as unknown as pg.CustomTypesConfig

/**
 * Open a pinned, read-only session.
 *
 * @throws {SOURCE_UNREACHABLE, SOURCE_LOGIN_REFUSED, SOURCE_DATABASE_MISSING, SOURCE_TLS_REFUSED, SOURCE_BUSY,
 *   SOURCE_TOO_OLD}
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
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    client_encoding: 'UTF8',
    types: AS_TEXT,
  })
  forgetEnvironment(client)
  const server = serverName(connection)
  const session = new PostgresSession(client, {
    translate: error => translateDriverError(error, source, connection),
    unfit: reason => SOURCE_POOLER_UNFIT({ source, server, reason }),
    salvage: settings => SOURCE_PASSES_OVER_DAMAGE({ source, server, settings }),
    cancel: pid => cancelBackend(source, connection, pid),
  })
  try {
    await session.connect(signal)
    const rows = await session.query(pinSession(session.pid), { signal })
    const [row] = rows
    const release = Math.trunc(Number(row?.['version']) / 10_000)
    if (release < OLDEST_RELEASE) {
      throw SOURCE_TOO_OLD({ source, server, release: `PostgreSQL ${release}`, oldest: String(OLDEST_RELEASE) })
    }
    const known = new Set(rows.map(({ name }) => (name ?? '').toLowerCase()))
    session.answeredBy(row ?? {}, pinBySet(known))
    return session
  } catch (error) {
    await session.close()
    throw error
  }
}

/** The driver would pass on PGOPTIONS, settings that a pooler refuses and a server takes for its own. */
function forgetEnvironment(client: pg.Client): void {
  const { connectionParameters } = client as unknown as { connectionParameters: { options?: string | undefined } }
  connectionParameters.options = undefined
}

/** @throws {SOURCE_LOGIN_REFUSED} */
export function passwordOf({ password }: ServerConnection): string {
  const value = typeof password === 'function' ? password() : password
  if (value === undefined || value === '') throw passwordMissing()
  return value
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
