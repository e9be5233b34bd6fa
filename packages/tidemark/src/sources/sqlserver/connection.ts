/**
 * Opening connections to SQL Server and Azure SQL. Every session is pinned: dates, language, ANSI rules and limits are
 * ours, whatever the server, the database or the login has as defaults.
 */
import type { ConnectionConfiguration } from 'tedious'
import { integer, type Sql, sql } from '../../engine/sql.ts'
import { Problem } from '../../errors/problem.ts'
import { loadDriver } from '../load-driver.ts'
import { tlsOptions } from '../server-address.ts'
import type { SqlServerConnection } from './address.ts'
import { translateDriverError, translateTokenError } from './driver-error.ts'
import { type SqlServerSession, TediousSession } from './session.ts'

/** How long a lock is waited for before its table becomes a Problem. */
export const LOCK_TIMEOUT_MS = 10_000
const CONNECT_TIMEOUT_MS = 15_000
const CANCEL_TIMEOUT_MS = 5_000

/**
 * The first batch of every session. Double quotes hold names; no row is cut off or left out; a wrong value is an error
 * and never NULL; of two sessions that deadlock, ours gives way.
 */
export function sessionStatement(lockTimeoutMs: number): Sql {
  return sql`SET QUOTED_IDENTIFIER, ANSI_NULLS, ANSI_PADDING, ANSI_WARNINGS, ARITHABORT, CONCAT_NULL_YIELDS_NULL ON; \
SET NUMERIC_ROUNDABORT OFF; SET IMPLICIT_TRANSACTIONS OFF; SET XACT_ABORT OFF; SET NOCOUNT OFF; SET LANGUAGE us_english; SET DATEFORMAT ymd; \
SET ROWCOUNT 0; SET TEXTSIZE 2147483647; SET DEADLOCK_PRIORITY LOW; SET LOCK_TIMEOUT ${integer(lockTimeoutMs)}; \
SET TRANSACTION ISOLATION LEVEL READ COMMITTED`
}

/**
 * Open a pinned session.
 *
 * @throws {SOURCE_DRIVER_MISSING, SOURCE_UNREACHABLE, SOURCE_LOGIN_REFUSED, SOURCE_DATABASE_MISSING}
 * @throws {SOURCE_TLS_REFUSED, SOURCE_BUSY}
 */
export async function openSession(
  source: string,
  connection: SqlServerConnection,
  signal: AbortSignal,
  lockTimeoutMs: number = LOCK_TIMEOUT_MS,
): Promise<SqlServerSession> {
  const session = await connect(source, connection, signal)
  try {
    await session.query(sessionStatement(lockTimeoutMs), signal)
    return session
  } catch (error) {
    await session.close()
    throw error
  }
}

async function connect(
  source: string,
  connection: SqlServerConnection,
  signal: AbortSignal,
): Promise<SqlServerSession> {
  signal.throwIfAborted()
  const { Connection, Request } = (await loadDriver('tedious', source, () => import('tedious'))).default
  const translate = (error: unknown): unknown => translateDriverError(error, source, connection)
  let token: string | undefined
  try {
    token = await connection.token?.()
  } catch (error) {
    throw error instanceof Problem ? error : translateTokenError(error, source, connection)
  }
  signal.throwIfAborted()
  const driver = new Connection(configurationOf(connection, token))
  driver.on('error', () => undefined)
  let number = 0
  // The driver's own error of a login says what the server said, and leaves out its number.
  driver.on('errorMessage', (message: { number: number }) => (number = message.number))
  let abandon: (() => void) | undefined
  try {
    await new Promise<void>((resolve, reject) => {
      abandon = () => reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'))
      signal.addEventListener('abort', abandon, { once: true })
      driver.connect(error => (error === undefined || error === null ? resolve() : reject(error)))
    })
  } catch (error) {
    driver.close()
    signal.throwIfAborted()
    throw translate(error instanceof Error && number > 0 ? Object.assign(error, { number }) : error)
  } finally {
    if (abandon !== undefined) signal.removeEventListener('abort', abandon)
  }
  return new TediousSession(driver, { newRequest: (statement, done) => new Request(statement, done), translate })
}

function configurationOf(connection: SqlServerConnection, token: string | undefined): ConnectionConfiguration {
  const { host, port, database, user, password, readOnlyIntent = false } = connection
  const tls = tlsOptions(connection)
  return {
    server: host,
    authentication:
      token === undefined
        ? {
            type: 'default',
            options: { userName: user, password: (typeof password === 'function' ? password() : password) ?? '' },
          }
        : { type: 'azure-active-directory-access-token', options: { token } },
    options: {
      port,
      database,
      appName: 'tidemark',
      readOnlyIntent,
      encrypt: tls !== false,
      trustServerCertificate: tls !== false && !tls.rejectUnauthorized,
      ...(tls !== false && tls.ca !== undefined ? { cryptoCredentialsDetails: { ca: tls.ca } } : {}),
      connectTimeout: CONNECT_TIMEOUT_MS,
      cancelTimeout: CANCEL_TIMEOUT_MS,
      // A scan may take hours; an abort stops it.
      requestTimeout: 0,
      maxRetriesOnTransientErrors: 0,
      dateFormat: 'ymd',
      language: 'us_english',
      rowCollectionOnDone: false,
      rowCollectionOnRequestCompletion: false,
      useColumnNames: false,
    },
  }
}
