/**
 * The parts of a database's connection URL, read by our own parser: the platform's puts the whole text, password included,
 * into its errors. What a parameter means, and whether it is allowed, is the database's own business.
 */
import { CONNECTION_URL } from '../errors/reference.ts'
import type { Problem } from '../errors/problem.ts'
import { type Secret, secretOf } from './secret.ts'

export interface UrlParts {
  host: string
  port: number
  database: string
  user: string
  password?: Secret
  /** Decoded, each once, in the order written. */
  parameters: ReadonlyMap<string, string>
}

export interface UrlForm {
  /** Matches the scheme with its slashes, at the start. */
  scheme: RegExp
  /** The scheme as the message shows it. */
  shown: string
  /** Port when none is written. */
  port: number
  /** True when the parameters say that no user is needed. */
  needsNoUser?: (parameters: ReadonlyMap<string, string>) => boolean
}

/**
 * Read `scheme://user:password@host:port/database?key=value`; user, host and database are required; the user only
 * where `form` does not say otherwise.
 *
 * @throws {CONNECTION_URL} with a reason that repeats nothing of the text
 */
export function parseUrlParts(text: string, form: UrlForm): UrlParts {
  const trimmed = text.trim()
  const scheme = form.scheme.exec(trimmed)?.[0]
  if (scheme === undefined) throw refuseUrl(`does not begin with ${form.shown}`)
  const rest = trimmed.slice(scheme.length)
  if (/[\s\u0000-\u001f]/.test(rest)) throw refuseUrl('holds a blank or a control character')
  const [, authority = '', path = '', query = ''] = /^([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?/.exec(rest) ?? []
  if (rest.includes('#')) throw refuseUrl('holds a #, which must be written %23')
  const login = authority.lastIndexOf('@')
  if (login < 0 && rest.includes('@')) throw refuseUrl('holds a / or ? before the @, which must be percent-encoded')
  const [user, password] = splitLogin(login < 0 ? '' : authority.slice(0, login))
  const parameters = readParameters(query)
  if (user === '' && form.needsNoUser?.(parameters) !== true) throw refuseUrl('names no user')
  const { host, port } = splitHost(authority.slice(login + 1), form.port)
  const database = decode(path, 'database')
  if (database === '') throw refuseUrl('names no database')
  if (database.includes('/')) throw refuseUrl('names a database with a / in it')
  const secret = password === undefined ? {} : { password: secretOf(password) }
  return { host, port, database, user, ...secret, parameters }
}

function readParameters(query: string): ReadonlyMap<string, string> {
  const result = new Map<string, string>()
  for (const part of query === '' ? [] : query.split('&')) {
    const equals = part.indexOf('=')
    const key = decode(equals < 0 ? part : part.slice(0, equals), 'parameter')
    if (result.has(key)) throw refuseUrl('gives a parameter twice')
    result.set(key, equals < 0 ? '' : decode(part.slice(equals + 1), 'parameter'))
  }
  return result
}

function splitLogin(login: string): [user: string, password: string | undefined] {
  const colon = login.indexOf(':')
  if (colon < 0) return [decode(login, 'user'), undefined]
  return [decode(login.slice(0, colon), 'user'), decode(login.slice(colon + 1), 'password')]
}

function splitHost(text: string, usual: number): { host: string; port: number } {
  if (text.includes(',')) throw refuseUrl('names several hosts; give one')
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*))(?::(\d*))?$/.exec(text) ?? []
  if (bracketed === undefined && plain === undefined) throw refuseUrl('has a host or port that cannot be read')
  const host = bracketed ?? decode(plain ?? '', 'host')
  if (host === '') throw refuseUrl('names no host')
  if (host.includes('/')) throw refuseUrl('names a socket; give a host name')
  const port = digits === undefined || digits === '' ? usual : Number(digits)
  if (port < 1 || port > 65535) throw refuseUrl('has a port that is not between 1 and 65535')
  return { host, port }
}

function decode(text: string, part: string): string {
  let value: string
  try {
    value = decodeURIComponent(text)
  } catch {
    throw refuseUrl(`has a % in the ${part} that is not followed by two hex digits; write it %25`)
  }
  if (value.includes('\0')) throw refuseUrl(`has a NUL in the ${part}`)
  return value
}

/** No cause is attached: a platform error could carry the text. */
export function refuseUrl(reason: string): Problem {
  return CONNECTION_URL({ reason })
}
