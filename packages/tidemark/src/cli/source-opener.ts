/**
 * Sources of a project, ready to be opened: connection settings resolved, secrets revealed at the last moment. A kind of
 * database is loaded with the first source of it.
 */
import { readFileSync } from 'node:fs'
import type { LoadedProject } from '../config/load-project.ts'
import { parseMysqlUrl } from '../config/mysql-url.ts'
import { parsePostgresUrl } from '../config/postgres-url.ts'
import { openSecret, openText, type Secret, type SecretContext } from '../config/secret.ts'
import { parseSqliteUrl } from '../config/sqlite-url.ts'
import { parseSqlServerUrl } from '../config/sqlserver-url.ts'
import { typeOfUrl } from '../config/url-type.ts'
import type { SourceConfig } from '../model/project.ts'
import type { SourceOpener } from '../run/prepare.ts'
import type { Source } from '../sources/source.ts'
import { loginByIdentity, type SqlServerConnection } from '../sources/sqlserver/address.ts'
import type { CliPorts } from './ports.ts'

/** @param limits what the command line says of every source, in place of the project */
export function createSourceOpener(
  ports: Pick<CliPorts, 'clock'>,
  loaded: LoadedProject,
  limits: { maxConnections?: number | undefined } = {},
): SourceOpener {
  const { project, env } = loaded
  const secrets = { env, root: project.root, vault: loaded.vault }
  return {
    salt: ({ salt }) => (salt === undefined ? undefined : openSecret(salt, secrets).reveal()),
    open: async config => {
      if (isServer(config)) {
        const maxConnections = limits.maxConnections ?? config.maxConnections
        const opening = { secrets, clock: ports.clock }
        return await openServer(ports, { ...config, maxConnections }, connectionOf(config, opening))
      }
      const { connection } = config
      const url = 'url' in connection ? openText(connection.url, secrets).reveal() : ''
      return await openFile(ports, config, parseSqliteUrl(url, project.root))
    },
  }
}

/** The kinds that are reached over a connection; the others are files. */
type ServerType = Exclude<SourceConfig['type'], 'sqlite'>
type ServerConfig = SourceConfig & { type: ServerType }

function isServer(config: SourceConfig): config is ServerConfig {
  return config.type !== 'sqlite'
}

/** A source of a server's kind. */
async function openServer(
  { clock }: Pick<CliPorts, 'clock'>,
  config: Pick<ServerConfig, 'type' | 'name' | 'timezone' | 'slot' | 'busyAbove' | 'extension'> & {
    maxConnections?: number | undefined
  },
  connection: SqlServerConnection,
): Promise<Source> {
  const { type, name, timezone, slot, busyAbove, maxConnections, extension } = config
  const options = { name, connection, timezone, clock }
  switch (type) {
    case 'postgres': {
      const { createPostgresSource } = await import('../sources/postgres/postgres.ts')
      return createPostgresSource({ ...options, slot, busyAbove, maxConnections, extension })
    }
    case 'mysql': {
      const { createMysqlSource } = await import('../sources/mysql/mysql.ts')
      return createMysqlSource({ ...options, busyAbove })
    }
    case 'sqlserver': {
      const { createSqlServerSource } = await import('../sources/sqlserver/sqlserver.ts')
      return createSqlServerSource(options)
    }
  }
}

async function openFile(
  { clock }: Pick<CliPorts, 'clock'>,
  { name, timezone }: Pick<SourceConfig, 'name' | 'timezone'>,
  path: string,
): Promise<Source> {
  const { createSqliteSource } = await import('../sources/sqlite/sqlite.ts')
  return createSqliteSource({ name, path, timezone, clock })
}

/** A source at an address, for commands that need no project. */
export async function openSourceUrl(
  ports: Pick<CliPorts, 'clock' | 'cwd'>,
  { name, url, timezone }: { name: string; url: string; timezone: string },
): Promise<Source> {
  const type = typeOfUrl(url)
  if (type === 'sqlite') return await openFile(ports, { name, timezone }, parseSqliteUrl(url, ports.cwd))
  return await openServer(ports, { type, name, timezone }, readUrl(type, { name, url, clock: ports.clock }))
}

interface Opening {
  secrets: SecretContext
  clock: CliPorts['clock']
}

function connectionOf(config: ServerConfig, { secrets, clock }: Opening): SqlServerConnection {
  const { connection } = config
  const ca = config.ca === undefined ? undefined : readFileSync(config.ca, 'utf8')
  if ('url' in connection) {
    const read = readUrl(config.type, { name: config.name, url: openText(connection.url, secrets).reveal(), clock })
    return { ...read, tls: config.tls ?? read.tls, ca, caFile: config.ca }
  }
  const { host, port, database, user, password } = connection
  const reveal = (): string => (password === undefined ? '' : openText(password, secrets).reveal())
  return { host, port, database, user, password: reveal, tls: config.tls, ca, caFile: config.ca }
}

function readUrl(
  type: ServerType,
  { name, url, clock }: { name: string; url: string; clock: CliPorts['clock'] },
): SqlServerConnection {
  if (type === 'mysql') {
    const { password, tls, ...server } = parseMysqlUrl(url)
    return { ...server, password: revealing(password), tls }
  }
  if (type === 'sqlserver') {
    const { password, tls, byIdentity, ...server } = parseSqlServerUrl(url)
    const login = byIdentity ? loginByIdentity(name, { clock, clientId: server.user }) : undefined
    return { ...server, ...login, password: revealing(password), tls }
  }
  const { host, port, database, user, password, sslmode } = parsePostgresUrl(url)
  const tls = sslmode === 'disable' ? 'off' : sslmode === undefined ? undefined : 'verify'
  return { host, port, database, user, password: revealing(password), tls }
}

function revealing(password: Secret | undefined): () => string {
  return () => password?.reveal() ?? ''
}
