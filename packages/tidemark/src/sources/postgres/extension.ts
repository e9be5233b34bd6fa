/**
 * DuckDB's extension for PostgreSQL beside our own sessions: the same server, login and encryption, and never more
 * connections than the source may have. Whoever is refused is told why once, and reads by COPY.
 */
import type { AttachedDatabase } from '../../engine/engine.ts'
import { firstLine } from '../../errors/first-line.ts'
import { type ServerConnection, tlsMode } from '../server-address.ts'
import type { DirectRead, DirectRequest } from '../direct-read.ts'
import { type SourceSnapshot, tableKey } from '../source.ts'
import { CONNECT_TIMEOUT_MS, passwordOf } from './connection.ts'
import { beginDirect } from './direct.ts'
import { readLock } from './lock.ts'
import type { Readers } from './readers.ts'

export interface PostgresExtension {
  /** Name of the source. */
  source: string
  connection: ServerConnection
  /** Absolute path of the extension's file; undefined for the one that is installed. */
  file: string | undefined
  /** Stop what a server process does. */
  cancel: (pid: number) => Promise<void>
}

/** The reads of one snapshot. */
export function directReads(
  extension: PostgresExtension,
  readers: Readers,
  snapshot: string,
): NonNullable<SourceSnapshot['openDirect']> {
  const told = new Set<string>()
  const refuse = (request: DirectRequest, reason: string): string | undefined => {
    const key = tableKey(request.table)
    if (told.has(key)) return undefined
    told.add(key)
    return reason
  }
  return async request => {
    const unable = whyUnable(extension.connection)
    if (unable !== undefined) return refuse(request, unable)
    const place = await readers.takePlace(request.signal)
    try {
      // Without a password of our own libpq would look for one where nobody has told us to look.
      const database = attachedDatabase(extension)
      const lock = readLock(request.table)
      return leaving(await beginDirect({ database, snapshot, lock, cancel: extension.cancel }, request), place)
    } catch (error) {
      place.leave()
      request.signal.throwIfAborted()
      return refuse(request, firstLine(error))
    }
  }
}

function leaving(read: DirectRead, place: { leave: () => void }): DirectRead {
  const dispose = async (): Promise<void> => {
    try {
      await read[Symbol.asyncDispose]()
    } finally {
      place.leave()
    }
  }
  return { ...read, [Symbol.asyncDispose]: dispose }
}

/** The system's authorities are not those of Node, so a server is only checked against one that is named. */
function whyUnable(connection: ServerConnection): string | undefined {
  if (connection.caFile !== undefined || tlsMode(connection) !== 'verify') return undefined
  return 'its certificate is to be verified, and no `ca` is named that the extension could be given'
}

/** What decides about the server and the session is said, so that the machine's environment does not. */
function attachedDatabase({ source, connection, file }: PostgresExtension): AttachedDatabase {
  const { host, port, database, user, caFile } = connection
  const mode = { off: 'disable', insecure: 'require', verify: 'verify-full' }[tlsMode(connection)]
  return {
    name: `source ${source}`,
    file,
    options: {
      sslmode: mode,
      ...(caFile === undefined ? {} : { sslrootcert: caFile }),
      client_encoding: 'UTF8',
      application_name: 'tidemark',
      // Given though empty, so that the environment's does not count.
      hostaddr: '',
      options: '',
      target_session_attrs: 'any',
      gssencmode: 'disable',
      connect_timeout: String(CONNECT_TIMEOUT_MS / 1000),
    },
    login: { host, port: String(port), database, user, password: passwordOf(connection) },
  }
}
