/**
 * Connection URLs of Postgres, read by our own parser: the platform's puts the whole text, password included, into its
 * errors. Only parameters that mean something here are accepted, since a parameter can change what a connection trusts.
 */
import { CONNECTION_URL } from '../errors/config.ts'
import type { Problem } from '../errors/problem.ts'
import { type Secret, secretOf } from './secret.ts'

export type SslMode = 'disable' | 'require' | 'verify-ca' | 'verify-full'

export interface PostgresUrl {
  host: string
  port: number
  database: string
  user: string
  password?: Secret
  sslmode?: SslMode
  /** Path of a PEM file. */
  sslrootcert?: string
  applicationName?: string
  connectTimeoutSeconds?: number
}

const sslModes: readonly string[] = ['disable', 'require', 'verify-ca', 'verify-full'] satisfies SslMode[]

/**
 * Read `postgres://user:password@host:port/database?sslmode=…`. The port is 5432 when left out; user, host and database
 * are required. @throws {CONNECTION_URL} with a reason that repeats nothing of the text.
 */
export function parsePostgresUrl(text: string): PostgresUrl {
  const rest = /^postgres(?:ql)?:\/\/(.*)$/s.exec(text.trim())?.[1]
  if (rest === undefined) throw refuse('does not begin with postgres://')
  if (/[\s\u0000-\u001f]/.test(rest)) throw refuse('holds a blank or a control character')
  const [, authority = '', path = '', query = ''] = /^([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?/.exec(rest) ?? []
  if (rest.includes('#')) throw refuse('holds a #, which must be written %23')
  const login = authority.lastIndexOf('@')
  if (login < 0 && rest.includes('@')) throw refuse('holds a / or ? before the @, which must be percent-encoded')
  const [user, password] = splitLogin(login < 0 ? '' : authority.slice(0, login))
  if (user === '') throw refuse('names no user')
  const { host, port } = splitHost(authority.slice(login + 1))
  const database = decode(path, 'database')
  if (database === '') throw refuse('names no database')
  if (database.includes('/')) throw refuse('names a database with a / in it')
  return {
    host,
    port,
    database,
    user,
    ...(password === undefined ? {} : { password: secretOf(password) }),
    ...readParameters(query),
  }
}

function splitLogin(login: string): [user: string, password: string | undefined] {
  const colon = login.indexOf(':')
  if (colon < 0) return [decode(login, 'user'), undefined]
  return [decode(login.slice(0, colon), 'user'), decode(login.slice(colon + 1), 'password')]
}

function splitHost(text: string): { host: string; port: number } {
  if (text.includes(',')) throw refuse('names several hosts; give one')
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*))(?::(\d*))?$/.exec(text) ?? []
  if (bracketed === undefined && plain === undefined) throw refuse('has a host or port that cannot be read')
  const host = bracketed ?? decode(plain ?? '', 'host')
  if (host === '') throw refuse('names no host')
  if (host.includes('/')) throw refuse('names a socket; give a host name')
  const port = digits === undefined || digits === '' ? 5432 : Number(digits)
  if (port < 1 || port > 65535) throw refuse('has a port that is not between 1 and 65535')
  return { host, port }
}

function readParameters(query: string): Partial<PostgresUrl> {
  const result: Partial<PostgresUrl> = {}
  const seen = new Set<string>()
  for (const part of query === '' ? [] : query.split('&')) {
    const equals = part.indexOf('=')
    const key = decode(equals < 0 ? part : part.slice(0, equals), 'parameter')
    const value = equals < 0 ? '' : decode(part.slice(equals + 1), 'parameter')
    if (seen.has(key)) throw refuse('gives a parameter twice')
    seen.add(key)
    switch (key) {
      case 'sslmode':
        if (!sslModes.includes(value)) throw refuse(`has an sslmode other than ${sslModes.join(', ')}`)
        result.sslmode = value as SslMode
        break
      case 'sslrootcert':
        if (value === '') throw refuse('has an empty sslrootcert')
        result.sslrootcert = value
        break
      case 'application_name':
        result.applicationName = value
        break
      case 'connect_timeout':
        if (!/^[1-9]\d{0,3}$/.test(value)) throw refuse('has a connect_timeout that is not a number of seconds')
        result.connectTimeoutSeconds = Number(value)
        break
      case 'uselibpqcompat':
        throw refuse('sets uselibpqcompat, which would turn certificate checks off; set `tls:` on the source instead')
      default:
        throw refuse('has a parameter other than sslmode, sslrootcert, application_name and connect_timeout')
    }
  }
  return result
}

function decode(text: string, part: string): string {
  let value: string
  try {
    value = decodeURIComponent(text)
  } catch {
    throw refuse(`has a % in the ${part} that is not followed by two hex digits; write it %25`)
  }
  if (value.includes('\0')) throw refuse(`has a NUL in the ${part}`)
  return value
}

/** No cause is attached: a platform error could carry the text. */
function refuse(reason: string): Problem {
  return CONNECTION_URL({ reason })
}
