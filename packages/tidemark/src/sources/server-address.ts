/**
 * Where the server of a source is, and when the line to it must be encrypted. Nothing of the machine's environment
 * (PGHOST, PGSSLMODE, .pgpass, .my.cnf) decides anything here.
 */
export interface ServerConnection {
  host: string
  port: number
  database: string
  user: string
  /** Asked for only when the server wants one. */
  password?: string | (() => string) | undefined
  /** `verify` is the default for every host but loopback, `off` for loopback. */
  tls?: 'verify' | 'insecure' | 'off' | undefined
  /** PEM text of the authority to trust instead of the system's. */
  ca?: string | undefined
  /** The file it was read from. */
  caFile?: string | undefined
}

/**
 * A line that has been silent for so long is asked whether it still stands. A gateway between may have forgotten it, or the other
 * machine be gone: by the systems' own two hours a run would wait all that time.
 */
export const KEEP_ALIVE_MS = 60_000

/** Host, port and database, for messages. */
export function serverName({ host, port, database }: ServerConnection): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}/${database}`
}

/** True for addresses that do not leave the machine. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('/') || /^127(\.\d{1,3}){3}$/.test(host)
}

/** How the line is encrypted where nothing else was asked for. */
export function tlsMode({ tls, host, ca }: ServerConnection): 'verify' | 'insecure' | 'off' {
  return tls ?? (isLoopback(host) && ca === undefined ? 'off' : 'verify')
}

/** What the driver is told about encryption. An authority that is named is meant to be checked, on loopback too. */
export function tlsOptions(connection: ServerConnection): false | { rejectUnauthorized: boolean; ca?: string } {
  const mode = tlsMode(connection)
  if (mode === 'off') return false
  if (mode === 'insecure') return { rejectUnauthorized: false }
  return connection.ca === undefined ? { rejectUnauthorized: true } : { rejectUnauthorized: true, ca: connection.ca }
}
