/**
 * Connection URLs of SQL Server and Azure SQL. Only parameters whose meaning is known here are accepted, since a parameter
 * can change what a connection trusts. Names of databases keep their case: the server's collation decides what it means.
 */
import { parseUrlParts, refuseUrl, type UrlForm, type UrlParts } from './connection-url.ts'

export interface SqlServerUrl extends Omit<UrlParts, 'parameters'> {
  tls?: 'verify' | 'insecure' | 'off'
  readOnlyIntent: boolean
  /** True when an identity of Microsoft Entra logs in; the user is then the client id of a managed identity, or empty. */
  byIdentity: boolean
}

const FORM: UrlForm = {
  scheme: /^(?:mssql|sqlserver):\/\//,
  shown: 'mssql:// or sqlserver://',
  port: 1433,
  needsNoUser: parameters =>
    [...parameters].some(([key, value]) => isKey(key, 'authentication') && IDENTITY.test(value)),
}

const IDENTITY = /^(active ?directory ?default|azure-?active-?directory-?default)$/i
const PASSWORD = /^sql ?password$/i
const ON = /^(true|yes|mandatory)$/i
const OFF = /^(false|no|optional)$/i

/**
 * Read `mssql://user:password@host:port/database?encrypt=…&trustServerCertificate=…&applicationIntent=ReadOnly`. The port is
 * 1433 when left out. `authentication=ActiveDirectoryDefault` logs in by an identity of this process.
 *
 * @throws {CONNECTION_URL} with a reason that repeats nothing of the text
 */
export function parseSqlServerUrl(text: string): SqlServerUrl {
  const { parameters, ...parts } = parseUrlParts(text, FORM)
  let encrypt: boolean | undefined
  let trusting = false
  let readOnlyIntent = false
  let byIdentity = false
  for (const [key, value] of parameters) {
    if (isKey(key, 'encrypt')) encrypt = readSwitch(value, 'an encrypt')
    else if (isKey(key, 'trustServerCertificate')) trusting = readSwitch(value, 'a trustServerCertificate')
    else if (isKey(key, 'applicationIntent')) readOnlyIntent = readIntent(value)
    else if (isKey(key, 'authentication')) byIdentity = readAuthentication(value)
    else
      throw refuseUrl(
        'has a parameter other than encrypt, trustServerCertificate, applicationIntent and authentication',
      )
  }
  if (byIdentity && parts.password !== undefined) throw refuseUrl('gives a password to an identity')
  if (encrypt === false && trusting) throw refuseUrl('trusts a certificate that encrypt=false does not ask for')
  const tls = encrypt === false ? 'off' : trusting ? 'insecure' : encrypt === true ? 'verify' : undefined
  return { ...parts, readOnlyIntent, byIdentity, ...(tls === undefined ? {} : { tls }) }
}

/** True for a text that begins like such a URL. */
export function isSqlServerUrl(text: string): boolean {
  return FORM.scheme.test(text.trim())
}

function isKey(written: string, key: string): boolean {
  return written.toLowerCase().replaceAll(' ', '') === key.toLowerCase()
}

function readSwitch(value: string, what: string): boolean {
  if (ON.test(value)) return true
  if (OFF.test(value)) return false
  throw refuseUrl(`has ${what} other than true and false`)
}

function readIntent(value: string): boolean {
  if (/^read ?only$/i.test(value)) return true
  if (/^read ?write$/i.test(value)) return false
  throw refuseUrl('has an applicationIntent other than ReadOnly and ReadWrite')
}

function readAuthentication(value: string): boolean {
  if (IDENTITY.test(value)) return true
  if (PASSWORD.test(value)) return false
  throw refuseUrl(
    'has an authentication other than SqlPassword and ActiveDirectoryDefault; Windows logins are not offered',
  )
}
