/**
 * Connection URLs of Postgres. Only parameters that mean something here are accepted, since a parameter can change what a
 * connection trusts.
 */
import { parseUrlParts, refuseUrl } from './connection-url.ts'
import type { Secret } from './secret.ts'

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

const FORM = { scheme: /^postgres(?:ql)?:\/\//, shown: 'postgres://', port: 5432 }

export function isPostgresUrl(text: string): boolean {
  return FORM.scheme.test(text.trim())
}

/**
 * Read `postgres://user:password@host:port/database?sslmode=…`. The port is 5432 when left out; user, host and database
 * are required. @throws {CONNECTION_URL} with a reason that repeats nothing of the text.
 */
export function parsePostgresUrl(text: string): PostgresUrl {
  const { parameters, ...parts } = parseUrlParts(text, FORM)
  return { ...parts, ...readParameters(parameters) }
}

function readParameters(parameters: ReadonlyMap<string, string>): Partial<PostgresUrl> {
  const result: Partial<PostgresUrl> = {}
  for (const [key, value] of parameters) {
    switch (key) {
      case 'sslmode':
        if (!sslModes.includes(value)) throw refuseUrl(`has an sslmode other than ${sslModes.join(', ')}`)
        result.sslmode = value as SslMode
        break
      case 'sslrootcert':
        if (value === '') throw refuseUrl('has an empty sslrootcert')
        result.sslrootcert = value
        break
      case 'application_name':
        result.applicationName = value
        break
      case 'connect_timeout':
        if (!/^[1-9]\d{0,3}$/.test(value)) throw refuseUrl('has a connect_timeout that is not a number of seconds')
        result.connectTimeoutSeconds = Number(value)
        break
      case 'uselibpqcompat':
        throw refuseUrl(
          'sets uselibpqcompat, which would turn certificate checks off; set `tls:` on the source instead',
        )
      default:
        throw refuseUrl('has a parameter other than sslmode, sslrootcert, application_name and connect_timeout')
    }
  }
  return result
}
