/**
 * Opening connections to MySQL and MariaDB. Every session is read-only and pinned: quoting, zone, character set and
 * limits are ours, whatever the server or the account has as defaults.
 */
import { isIP } from 'node:net'
import type { Connection, ConnectionOptions } from 'mysql2'
import { integer, join, raw, type Sql, sql, text } from '../../engine/sql.ts'
import { SOURCE_PASSES_OVER_DAMAGE } from '../../errors/source.ts'
import { loadDriver } from '../load-driver.ts'
import { ReceivingSocket } from '../receiving-socket.ts'
import { KEEP_ALIVE_MS, type ServerConnection, serverName, tlsOptions } from '../server-address.ts'
import { translateDriverError, translateLoginError } from './driver-error.ts'
import { MysqlSession } from './session.ts'

/** How long a lock is waited for before its table becomes a Problem. */
export const LOCK_TIMEOUT_MS = 10_000
const CONNECT_TIMEOUT_MS = 15_000

/**
 * The first statement of every session. Double quotes hold names and backslashes mean nothing, which is how the quoting
 * functions write; zero in a SELECT never stands for NULL.
 */
const SQL_MODE: Sql = sql`SET SESSION sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES'`

/** What every session is pinned to. Settings that a server does not know are passed over. */
function settingsOf(lockTimeoutMs: number): Readonly<Record<string, Sql>> {
  return {
    time_zone: text('+00:00'),
    character_set_client: text('utf8mb4'),
    character_set_results: text('utf8mb4'),
    collation_connection: text('utf8mb4_bin'),
    tx_isolation: text('REPEATABLE-READ'),
    transaction_isolation: text('REPEATABLE-READ'),
    autocommit: integer(1),
    completion_type: text('NO_CHAIN'),
    lock_wait_timeout: integer(Math.max(1, Math.ceil(lockTimeoutMs / 1000))),
    // A reader may be slow for a while: the lake's disk, a large segment.
    net_write_timeout: integer(3600),
    wait_timeout: integer(86_400),
    interactive_timeout: integer(86_400),
    max_statement_time: integer(0),
    max_execution_time: integer(0),
    idle_transaction_timeout: integer(0),
    idle_readonly_transaction_timeout: integer(0),
    // Rows must not be cut off, and `IS NULL` must mean NULL.
    sql_select_limit: integer(18_446_744_073_709_551_615n),
    sql_big_selects: integer(1),
    sql_auto_is_null: integer(0),
    information_schema_stats_expiry: integer(0),
    // Estimates are read from the columns of this form; a server may print a tree when left to itself.
    explain_format: text('TRADITIONAL'),
  }
}

/** Above 0, a server that was started to save what can be saved: reading a table jumps over pages that are damaged. */
const SALVAGE = 'innodb_force_recovery'

/**
 * Open a pinned, read-only session.
 *
 * @throws {SOURCE_DRIVER_MISSING, SOURCE_UNREACHABLE, SOURCE_LOGIN_REFUSED, SOURCE_DATABASE_MISSING}
 * @throws {SOURCE_TLS_REFUSED, SOURCE_BUSY, SOURCE_PASSES_OVER_DAMAGE}
 */
export async function openSession(
  source: string,
  connection: ServerConnection,
  signal: AbortSignal,
  lockTimeoutMs: number = LOCK_TIMEOUT_MS,
): Promise<MysqlSession> {
  const session = await connect(source, connection, signal)
  try {
    await session.query(SQL_MODE, signal)
    const wanted = settingsOf(lockTimeoutMs)
    const names = join([...Object.keys(wanted), SALVAGE].map(text))
    const known = await session.query(sql`SHOW SESSION VARIABLES WHERE Variable_name IN (${names})`, signal)
    if (known.some(row => row['variable_name'] === SALVAGE && row['value'] !== '0')) {
      throw SOURCE_PASSES_OVER_DAMAGE({ source, server: serverName(connection), settings: SALVAGE })
    }
    const settings = known.flatMap(row => {
      const name = row['variable_name'] ?? ''
      const value = wanted[name]
      return value === undefined ? [] : [sql`SESSION ${raw(name)} = ${value}`]
    })
    await session.query(sql`SET ${join(settings)}`, signal)
    await session.query(sql`SET SESSION TRANSACTION READ ONLY`, signal)
    return session
  } catch (error) {
    await session.close()
    throw error
  }
}

async function connect(source: string, connection: ServerConnection, signal: AbortSignal): Promise<MysqlSession> {
  signal.throwIfAborted()
  const { createConnection } = (await loadDriver('mysql2', source, () => import('mysql2'))).default
  signal.throwIfAborted()
  const driver = createConnection(optionsOf(connection))
  nameAddress(driver, connection)
  const session = new MysqlSession(driver, {
    translate: error => translateDriverError(error, source, connection),
    killQuery: threadId => killQuery(source, connection, threadId),
  })
  let abandon: (() => void) | undefined
  try {
    await new Promise<void>((resolve, reject) => {
      abandon = () => reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'))
      signal.addEventListener('abort', abandon, { once: true })
      driver.connect(error => (error === null ? resolve() : reject(error)))
    })
    return session
  } catch (error) {
    session.interrupt()
    signal.throwIfAborted()
    throw translateLoginError(error, source, connection)
  } finally {
    if (abandon !== undefined) signal.removeEventListener('abort', abandon)
  }
}

/**
 * Where the host is an address, the driver leaves it to Node whose certificate is asked for, and Node goes by what the socket
 * was connected to: which it remembers of a name, and of an address takes to be localhost.
 */
function nameAddress(driver: Connection, { host }: ServerConnection): void {
  const { stream } = driver as unknown as { stream: object }
  if (isIP(host) > 0) Object.assign(stream, { _host: host })
}

function optionsOf(connection: ServerConnection): ConnectionOptions {
  const { host, port, database, user, password } = connection
  const tls = tlsOptions(connection)
  return {
    host,
    port,
    database,
    user,
    password: (typeof password === 'function' ? password() : password) ?? '',
    charset: 'utf8mb4',
    connectTimeout: CONNECT_TIMEOUT_MS,
    enableKeepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_MS,
    multipleStatements: false,
    // The server can ask a client for its files; this one has none to give.
    flags: ['-LOCAL_FILES'],
    // Rows are parsed without building programs from column names.
    disableEval: true,
    // The driver checks the name in a certificate only when told to.
    ...(tls === false
      ? { stream: () => connectSocket(connection) }
      : { ssl: { ...tls, verifyIdentity: tls.rejectUnauthorized } }),
  }
}

/** As the driver connects a socket of its own. What is encrypted is received by other means. */
function connectSocket({ host, port }: ServerConnection): ReceivingSocket {
  const socket = new ReceivingSocket()
  socket.setNoDelay(true)
  socket.setKeepAlive(true, KEEP_ALIVE_MS)
  socket.connect(port, host)
  return socket
}

/** Ask the server to stop a query, over a second connection: closing our end alone would let a scan run on. */
async function killQuery(source: string, connection: ServerConnection, threadId: number): Promise<void> {
  const session = await connect(source, connection, AbortSignal.timeout(CONNECT_TIMEOUT_MS))
  try {
    await session.query(sql`KILL QUERY ${integer(threadId)}`)
  } finally {
    await session.close()
  }
}
