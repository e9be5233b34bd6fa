/**
 * Errors of the driver and the server, translated once at the edge. The server's own words stay in the message; the
 * connection string and the password never do.
 */
import {
  SOURCE_BUSY,
  SOURCE_DATABASE_MISSING,
  SOURCE_INTERRUPTED,
  SOURCE_LOGIN_REFUSED,
  SOURCE_POOLER_UNFIT,
  SOURCE_QUERY_FAILED,
  SOURCE_TLS_REFUSED,
  SOURCE_UNREACHABLE,
} from '../../errors/source.ts'
import { Problem } from '../../errors/problem.ts'
import { errorCode, firstError, reasonOf, UNREACHABLE, withoutSecrets } from '../driver-reason.ts'
import { type ServerConnection, serverName } from '../server-address.ts'

/** SQLSTATEs that mean something to one table and not to the whole source. */
export const LOCK_NOT_AVAILABLE = '55P03'
export const DEADLOCK = '40P01'
export const INSUFFICIENT_PRIVILEGE = '42501'
export const UNDEFINED_TABLE = '42P01'
export const UNDEFINED_SCHEMA = '3F000'

const UNREACHABLE_HERE: Readonly<Record<string, string>> = { ...UNREACHABLE, ENOENT: 'no such socket' }

const INTERRUPTED: Readonly<Record<string, string>> = {
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was closed',
}

const PASSWORD_MISSING = 'PasswordMissing'

/** PgBouncer has no codes of its own: 08P01 is all of them. */
const POOL_IS_FULL = /query_wait_timeout|max_client_conn|max_db_connections|max_user_connections/

/** Thrown inside the driver when the server wants a password and the project has none. */
export function passwordMissing(): Error {
  return Object.assign(new Error('no password'), { name: PASSWORD_MISSING })
}

/** The SQLSTATE behind a Problem that came from the server, or an empty text. */
export function sqlstateOf(error: unknown): string {
  return error instanceof Problem ? errorCode(error.cause) : errorCode(error)
}

/** A Problem for what the driver threw. A Problem and an error that is no driver's pass through. */
export function translateDriverError(error: unknown, source: string, connection: ServerConnection): unknown {
  if (!(error instanceof Error) || error instanceof Problem) return error
  const at = { cause: withoutSecrets(error) }
  const code = errorCode(firstError(error))
  const params = { source, server: serverName(connection), reason: reasonOf(error) }
  const login = { ...params, user: connection.user }
  if (error.name === PASSWORD_MISSING) {
    return SOURCE_LOGIN_REFUSED({ ...login, reason: 'it wants a password and none is given' }, at)
  }
  const unreachable = UNREACHABLE_HERE[code]
  if (unreachable !== undefined) return SOURCE_UNREACHABLE({ ...params, reason: unreachable }, at)
  const interrupted = INTERRUPTED[code]
  if (interrupted !== undefined) return SOURCE_INTERRUPTED({ ...params, reason: interrupted }, at)
  if (isTlsError(error, code)) return SOURCE_TLS_REFUSED(params, at)
  if (/^timeout expired/.test(error.message)) return SOURCE_UNREACHABLE({ ...params, reason: 'no answer in time' }, at)
  if (/^SASL/.test(error.message)) return SOURCE_LOGIN_REFUSED({ ...login, reason: 'the password exchange failed' }, at)
  if (/^Connection terminated|not queryable/.test(error.message)) return SOURCE_INTERRUPTED(params, at)
  return translateSqlstate(code, params, connection.user, at) ?? error
}

function translateSqlstate(
  code: string,
  params: { source: string; server: string; reason: string },
  user: string,
  at: { cause: unknown },
): Problem | undefined {
  if (!/^[0-9A-Z]{5}$/.test(code)) return undefined
  if (code.startsWith('28')) return SOURCE_LOGIN_REFUSED({ ...params, user }, at)
  if (code === '3D000') return SOURCE_DATABASE_MISSING(params, at)
  if (code === '53300' || code === '57P03' || code === '53400') return SOURCE_BUSY(params, at)
  if (/statement pooling mode/.test(params.reason)) {
    return SOURCE_POOLER_UNFIT({ ...params, reason: 'it pools statements, while rows are read in one transaction' }, at)
  }
  if (POOL_IS_FULL.test(params.reason)) return SOURCE_BUSY(params, at)
  // On a standby what the primary has cleaned up is taken from under a query that still needs it.
  if (code === '40001') return SOURCE_INTERRUPTED(params, at)
  if (code.startsWith('57P') || code === '57014' || code.startsWith('08')) return SOURCE_INTERRUPTED(params, at)
  return SOURCE_QUERY_FAILED({ ...params, sqlstate: code }, at)
}

function isTlsError(error: Error, code: string): boolean {
  if (/SSL|TLS/.test(error.message) && !/^[0-9A-Z]{5}$/.test(code)) return true
  return /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|EPROTO)/.test(code)
}
