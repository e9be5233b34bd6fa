/**
 * Connection URLs of MySQL and MariaDB. Only the parameter that says how the server proves itself is accepted, since a
 * parameter can change what a connection trusts.
 */
import { parseUrlParts, refuseUrl, type UrlParts } from './connection-url.ts'

export interface MysqlUrl extends Omit<UrlParts, 'parameters'> {
  tls?: 'verify' | 'off'
}

const FORM = { scheme: /^(?:mysql|mariadb):\/\//, shown: 'mysql:// or mariadb://', port: 3306 }
const OFF = /^disabled?$/i
const VERIFY = /^(required?|verify[_-](ca|identity|full))$/i

/**
 * Read `mysql://user:password@host:port/database?ssl-mode=…`. The port is 3306 when left out; user, host and database are
 * required. Every mode but `DISABLED` is checked fully. @throws {CONNECTION_URL} with a reason that repeats nothing of the text.
 */
export function parseMysqlUrl(text: string): MysqlUrl {
  const { parameters, ...parts } = parseUrlParts(text, FORM)
  let tls: MysqlUrl['tls']
  for (const [key, value] of parameters) {
    if (key !== 'ssl-mode' && key !== 'sslmode') throw refuseUrl('has a parameter other than ssl-mode')
    if (OFF.test(value)) tls = 'off'
    else if (VERIFY.test(value)) tls = 'verify'
    else throw refuseUrl('has an ssl-mode other than DISABLED, REQUIRED, VERIFY_CA and VERIFY_IDENTITY')
  }
  return tls === undefined ? parts : { ...parts, tls }
}

/** True for a text that begins like such a URL. */
export function isMysqlUrl(text: string): boolean {
  return FORM.scheme.test(text.trim())
}
