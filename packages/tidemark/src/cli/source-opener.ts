/** Sources of a project, ready to be opened: connection settings resolved, secrets revealed at the last moment. */
import { readFileSync } from 'node:fs'
import type { LoadedProject } from '../config/load-project.ts'
import { parsePostgresUrl } from '../config/postgres-url.ts'
import { openText } from '../config/secret.ts'
import type { SourceConfig } from '../model/project.ts'
import type { SourceOpener } from '../run/prepare.ts'
import type { PostgresConnection } from '../sources/postgres/address.ts'
import { createPostgresSource } from '../sources/postgres/postgres.ts'
import type { Source } from '../sources/source.ts'
import type { CliPorts } from './ports.ts'

export function createSourceOpener(ports: Pick<CliPorts, 'clock'>, loaded: LoadedProject): SourceOpener {
  const { project, env } = loaded
  const secrets = { env, root: project.root }
  return {
    open: config =>
      createPostgresSource({
        name: config.name,
        connection: connectionOf(config, secrets),
        timezone: config.timezone,
        clock: ports.clock,
      }),
  }
}

/** A source at an address, for commands that need no project. */
export function openSourceUrl(
  ports: Pick<CliPorts, 'clock'>,
  { name, url, timezone }: { name: string; url: string; timezone: string },
): Source {
  const { host, port, database, user, password, sslmode } = parsePostgresUrl(url)
  const tls = sslmode === 'disable' ? ('off' as const) : sslmode === undefined ? undefined : ('verify' as const)
  const connection = { host, port, database, user, password: () => password?.reveal() ?? '', tls }
  return createPostgresSource({ name, connection, timezone, clock: ports.clock })
}

function connectionOf(config: SourceConfig, secrets: Parameters<typeof openText>[1]): PostgresConnection {
  const { connection } = config
  const ca = config.ca === undefined ? undefined : readFileSync(config.ca, 'utf8')
  if ('url' in connection) {
    const { host, port, database, user, password, sslmode } = parsePostgresUrl(
      openText(connection.url, secrets).reveal(),
    )
    const tls = config.tls ?? (sslmode === 'disable' ? 'off' : sslmode === undefined ? undefined : 'verify')
    return { host, port, database, user, password: () => password?.reveal() ?? '', tls, ca }
  }
  const { host, port, database, user, password } = connection
  const reveal = (): string => (password === undefined ? '' : openText(password, secrets).reveal())
  return { host, port, database, user, password: reveal, tls: config.tls, ca }
}
