/**
 * Errors of the driver and the server, translated once at the edge. The server's own words stay in the message; the
 * statement, the connection and the password never do.
 */
import {
  SOURCE_BUSY,
  SOURCE_DATABASE_MISSING,
  SOURCE_INTERRUPTED,
  SOURCE_LOGIN_REFUSED,
  SOURCE_QUERY_FAILED,
  SOURCE_TLS_REFUSED,
  SOURCE_UNREACHABLE,
} from '../../errors/source.ts'
import { Problem } from '../../errors/problem.ts'
import { errorCode, firstError, reasonOf, UNREACHABLE, withoutSecrets } from '../driver-reason.ts'
import { type ServerConnection, serverName } from '../server-address.ts'

/** Numbers of server errors that mean something to one table and not to the whole source. */
export const LOCK_WAIT_TIMEOUT = 1205
export const DEADLOCK = 1213
export const TABLE_MISSING: readonly number[] = [1146, 1049]
export const VIEW_INVALID = 1356
export const FORBIDDEN: readonly number[] = [1142, 1143, 1044, 1345]
export const TABLE_CHANGED: readonly number[] = [1412, 1146, 1615, 1054]

const INTERRUPTED = new Set(['ECONNRESET', 'EPIPE', 'PROTOCOL_CONNECTION_LOST', 'PROTOCOL_UNEXPECTED_PACKET'])
const LOGIN = new Set([1045, 1698, 1862, 1820, 3118, 4151])
const NO_DATABASE = new Set([1044, 1049])
const BUSY = new Set([1040, 1203, 1226, 1129])
const ENDED = new Set([1053, 1152, 1158, 1159, 1160, 1161, 1317, 1927, 2006, 2013, 3024, 1969, 4031])

/** Number of a server error behind a Problem or an error of the driver; 0 when there is none. */
export function errorNumberOf(error: unknown): number {
  const cause = error instanceof Problem ? error.cause : error
  return cause instanceof Error && 'errno' in cause && typeof cause.errno === 'number' ? cause.errno : 0
}

/** A Problem for what the driver threw. A Problem and an error that is no driver's pass through. */
export function translateDriverError(error: unknown, source: string, connection: ServerConnection): unknown {
  if (!(error instanceof Error) || error instanceof Problem) return error
  const at = { cause: withoutSecrets(error, { errno: errorNumberOf(firstError(error)) }) }
  const first = firstError(error)
  const code = errorCode(first)
  const params = { source, server: serverName(connection), reason: reasonOf(error) }
  const login = { ...params, user: connection.user }
  const unreachable = UNREACHABLE[code]
  if (unreachable !== undefined) return SOURCE_UNREACHABLE({ ...params, reason: unreachable }, at)
  if (code === 'HANDSHAKE_NO_SSL_SUPPORT') {
    return SOURCE_TLS_REFUSED({ ...params, reason: 'the server does not support encryption' }, at)
  }
  if (/^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|EPROTO|HANDSHAKE_SSL|ERR_OSSL)/.test(code)) {
    return SOURCE_TLS_REFUSED(params, at)
  }
  if (INTERRUPTED.has(code)) return SOURCE_INTERRUPTED(params, at)
  if (/^AUTH_SWITCH/.test(code)) return SOURCE_LOGIN_REFUSED(login, at)
  const number = errorNumberOf(first)
  const sqlstate = sqlstateOf(first)
  if (number <= 0 || sqlstate === '') {
    return /closed state|fatal error|not connected/i.test(error.message) ? SOURCE_INTERRUPTED(params, at) : error
  }
  if (LOGIN.has(number)) return SOURCE_LOGIN_REFUSED(login, at)
  if (BUSY.has(number)) return SOURCE_BUSY(params, at)
  if (ENDED.has(number)) return SOURCE_INTERRUPTED(params, at)
  return SOURCE_QUERY_FAILED({ ...params, sqlstate }, at)
}

/** The same while logging in, where a refused database is the connection's and not a table's. */
export function translateLoginError(error: unknown, source: string, connection: ServerConnection): unknown {
  if (!NO_DATABASE.has(errorNumberOf(error)) || !(error instanceof Error)) {
    return translateDriverError(error, source, connection)
  }
  const params = { source, server: serverName(connection), reason: reasonOf(error) }
  return SOURCE_DATABASE_MISSING(params, { cause: withoutSecrets(error, { errno: errorNumberOf(firstError(error)) }) })
}

function sqlstateOf(error: Error): string {
  return 'sqlState' in error && typeof error.sqlState === 'string' ? error.sqlState : ''
}
