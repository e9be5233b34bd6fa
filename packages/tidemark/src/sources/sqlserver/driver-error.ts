/**
 * Errors of the driver and the server, translated once at the edge. The server's own words stay in the message; the
 * statement, the connection, the password and the token never do.
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
import {
  SOURCE_TABLE_CHANGED,
  SOURCE_TABLE_FORBIDDEN,
  SOURCE_TABLE_LOCKED,
  SOURCE_TABLE_MISSING,
} from '../../errors/source-table.ts'
import { Problem } from '../../errors/problem.ts'
import { errorCode, firstError, reasonOf, UNREACHABLE, withoutSecrets } from '../driver-reason.ts'
import { type ServerConnection, serverName } from '../server-address.ts'
import type { SqlServerConnection } from './address.ts'
import type { TableRef } from '../source.ts'

export const LOCK_TIMEOUT = 1222
/** Our own number: what a statement is answered with when an earlier error has ended the snapshot. */
export const SNAPSHOT_ENDED = 50_001
/** Not enough rights for a statement or a view of the server. */
export const DENIED: readonly number[] = [229, 230, 262, 297, 300, 371, 15247]

const LOGIN = new Set([18456, 18452, 18450, 18470, 18486, 18487, 18488, 4064, 40532, 33134])
/** The firewall in front of the server names the address it does not let in. */
const NOT_LET_IN = new Set([40615, 40914])
const NO_DATABASE = new Set([4060, 911, 916])
/** Documented as passing: the database moves, or the server has no room for another session now. */
const BUSY = new Set([926, 615, 4221, 10928, 10929, 40197, 40501, 40613, 49918, 49919, 49920, 17809, 18401, 983])
const ENDED = new Set([
  596,
  1221,
  3958,
  3960,
  6005,
  10053,
  10054,
  10060,
  40143,
  40549,
  40550,
  40551,
  40552,
  SNAPSHOT_ENDED,
])

/** Number of a server error behind a Problem or an error of the driver; 0 when there is none. */
export function errorNumberOf(error: unknown): number {
  const cause = error instanceof Problem ? error.cause : error
  return cause instanceof Error && 'number' in cause && typeof cause.number === 'number' ? cause.number : 0
}

/** A Problem for what the driver threw. A Problem and an error that is no driver's pass through. */
export function translateDriverError(error: unknown, source: string, connection: SqlServerConnection): unknown {
  if (!(error instanceof Error) || error instanceof Problem) return error
  const at = { cause: withoutSecrets(error, { number: errorNumberOf(error) }) }
  const params = { source, server: serverName(connection), reason: reasonOf(error) }
  const login = { ...params, user: connection.describeLogin?.() ?? connection.user }
  const number = errorNumberOf(error)
  if (LOGIN.has(number)) return SOURCE_LOGIN_REFUSED(login, at)
  if (NOT_LET_IN.has(number)) return SOURCE_UNREACHABLE(params, at)
  if (NO_DATABASE.has(number)) return SOURCE_DATABASE_MISSING(params, at)
  if (BUSY.has(number)) return SOURCE_BUSY(params, at)
  if (ENDED.has(number)) return SOURCE_INTERRUPTED(params, at)
  if (number > 0) return SOURCE_QUERY_FAILED({ ...params, sqlstate: String(number) }, at)
  return translateTransport(error, params, login, at)
}

/** A Problem for an identity that was given no token; what asked for it says why. */
export function translateTokenError(error: unknown, source: string, connection: ServerConnection): unknown {
  if (!(error instanceof Error)) return error
  const user = connection.user === '' ? 'the identity of this process' : connection.user
  const params = { source, server: serverName(connection), reason: reasonOf(error), user }
  return SOURCE_LOGIN_REFUSED(params, { cause: withoutSecrets(error) })
}

/** The driver hangs what the system said behind an error of its own. */
function translateTransport(
  error: Error,
  params: { source: string; server: string; reason: string },
  login: Parameters<typeof SOURCE_LOGIN_REFUSED>[0],
  at: { cause: Error },
): unknown {
  const behind = error.cause instanceof Error ? firstError(error.cause) : firstError(error)
  const code = errorCode(behind)
  const unreachable = UNREACHABLE[code]
  if (unreachable !== undefined) return SOURCE_UNREACHABLE({ ...params, reason: unreachable }, at)
  if (isTls(code) || /certificate|altnames|encrypt|\bTLS\b/i.test(`${error.message} ${behind.message}`)) {
    return SOURCE_TLS_REFUSED({ ...params, reason: reasonOf(behind) }, at)
  }
  switch (errorCode(error)) {
    case 'ELOGIN':
    case 'EFEDAUTH':
      return SOURCE_LOGIN_REFUSED(login, at)
    case 'ETIMEOUT':
      return SOURCE_UNREACHABLE({ ...params, reason: 'no answer in time' }, at)
    case 'EINSTLOOKUP':
      return SOURCE_UNREACHABLE(params, at)
    case 'ESOCKET':
    case 'ECLOSE':
    case 'ENOTOPEN':
    case 'EINVALIDSTATE':
    case 'ECONNRESET':
    case 'EPIPE':
      return SOURCE_INTERRUPTED(params, at)
    default:
      return error
  }
}

const isTls = (code: string): boolean =>
  /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|EPROTO|ERR_OSSL)/.test(code)

/** What an error of one statement means to the one table it reads; undefined when it is not the table's fault. */
export function tableProblem(
  error: unknown,
  table: TableRef,
  { source, user, lockTimeoutMs }: { source: string; user: string; lockTimeoutMs: number },
): Problem | undefined {
  const cause = error instanceof Problem ? error.cause : error
  const params = { source, table: `${table.schema}.${table.table}` }
  const reason = cause instanceof Error ? reasonOf(cause) : ''
  switch (errorNumberOf(error)) {
    case 208:
    case 4701:
      return SOURCE_TABLE_MISSING({ ...params, suggestions: [] }, { cause })
    case 229:
    case 230:
      return SOURCE_TABLE_FORBIDDEN({ ...params, user }, { cause })
    case LOCK_TIMEOUT:
    case 1205:
      return SOURCE_TABLE_LOCKED({ ...params, seconds: lockTimeoutMs / 1000 }, { cause })
    // Altered under the snapshot; an unknown column; a view that no longer fits; another database that allows no snapshot.
    case 3961:
    case 3964:
    case 207:
    case 4413:
    case 4502:
    case 3952:
      return SOURCE_TABLE_CHANGED({ ...params, reason }, { cause })
    default:
      return undefined
  }
}
