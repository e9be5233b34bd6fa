/**
 * DuckDB's extension for PostgreSQL beside our own sessions: the same server, login and encryption, and never more
 * connections than the source may have. Whoever is refused is told why once, and reads by COPY.
 */
import type { AttachedDatabase, Engine, ExtensionOf } from '../../engine/engine.ts'
import { firstLine } from '../../errors/first-line.ts'
import { type ServerConnection, tlsMode } from '../server-address.ts'
import type { DirectRead, DirectRequest } from '../direct-read.ts'
import { type SourceSnapshot, type SourceTable, tableKey } from '../source.ts'
import { CONNECT_TIMEOUT_MS, passwordOf } from './connection.ts'
import { connectDirect, type DirectConnection } from './direct.ts'
import type { Half } from './halves.ts'
import { readLock } from './lock.ts'
import type { Place, Readers } from './readers.ts'

/** Below it a second connection takes about as long to open as it spares. */
const SPLIT_BYTES = 64n * 1024n * 1024n

/** What the extension asks outside of our transaction would meet the settings of others. */
const POOLED = 'a pooler lies between'

/** Which extension reads which source. */
export interface ExtensionPlace {
  /** Name of the source. */
  source: string
  connection: ServerConnection
  /** Absolute path of the extension's file; undefined for the one that is installed. */
  file: string | undefined
}

export interface PostgresExtension extends ExtensionPlace {
  /** Bytes from which a whole table is read by two connections; `SPLIT_BYTES` when left out. */
  splitBytes?: bigint | undefined
  /** Stop what a server process does. */
  cancel: (pid: number) => Promise<void>
}

/** Let an engine get ready for reads, where nothing that is known before the server is asked stands against them. */
export function prepareExtension(extension: ExtensionPlace, engine: Pick<Engine, 'prepareBeside'>): void {
  if (whyUnable(extension.connection) === undefined) engine.prepareBeside(extensionOf(extension))
}

interface DirectPorts {
  readers: Readers
  /** As `pg_export_snapshot` named it. */
  snapshot: string
  /** The halves of a table, where it can be cut. */
  halves: (table: SourceTable, signal: AbortSignal) => Promise<readonly [Half, Half] | undefined>
  /** A pooler lies between. */
  isPooled: boolean
}

/** The reads of one snapshot. */
export function directReads(
  extension: PostgresExtension,
  ports: DirectPorts,
): NonNullable<SourceSnapshot['openDirect']> {
  const told = new Set<string>()
  const refuse = (request: DirectRequest, reason: string): string | undefined => {
    const key = tableKey(request.table)
    if (told.has(key)) return undefined
    told.add(key)
    return reason
  }
  return async request => {
    const unable = ports.isPooled ? POOLED : whyUnable(extension.connection)
    if (unable !== undefined) return refuse(request, unable)
    try {
      return await openRead(extension, ports, request)
    } catch (error) {
      request.signal.throwIfAborted()
      return refuse(request, firstLine(error))
    }
  }
}

/** Two streams for a whole table that is big enough and can be cut, where two connections are to be had; one else. */
async function openRead(
  extension: PostgresExtension,
  { readers, snapshot, halves: halvesOf }: DirectPorts,
  request: DirectRequest,
): Promise<DirectRead> {
  const { table, slice, signal } = request
  const { cancel, splitBytes = SPLIT_BYTES } = extension
  const parts = { snapshot, lock: readLock(table), cancel }
  const connect = async (place: Place): Promise<DirectConnection> => {
    try {
      // Without a password of our own libpq would look for one where nobody has told us to look.
      const database = attachedDatabase(extension)
      return leaving(await connectDirect({ ...parts, database }, request), place)
    } catch (error) {
      place.leave()
      throw error
    }
  }
  const isBig = slice.kind === 'all' && table.sizeBytes >= splitBytes
  const halves = isBig ? await halvesOf(table, signal) : undefined
  const places = await readers.takePlaces(halves === undefined ? 1 : 2, signal)
  const connections = await anyOf(places.map(connect)).catch(async (error: unknown) => {
    signal.throwIfAborted()
    // A server that has room for one may refuse both where they come at once.
    if (places.length === 1) throw error
    return [await connect(await readers.takePlace(signal))]
  })
  const close = async (): Promise<void> => {
    await Promise.all(connections.map(connection => connection[Symbol.asyncDispose]()))
  }
  try {
    const shares = halves !== undefined && connections.length === halves.length ? halves : [[slice]]
    const streams = await Promise.all(connections.map((connection, n) => connection.stream(shares[n] ?? [])))
    return { streams, [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Those that succeed: a server may let one in and refuse the next. Where none does, the first one's reason. */
async function anyOf<T>(attempts: readonly Promise<T>[]): Promise<readonly T[]> {
  const outcomes = await Promise.allSettled(attempts)
  const results = outcomes.flatMap(outcome => (outcome.status === 'fulfilled' ? [outcome.value] : []))
  const failed = outcomes.find(outcome => outcome.status === 'rejected')
  if (results.length === 0 && failed !== undefined) throw failed.reason
  return results
}

function leaving(connection: DirectConnection, place: Place): DirectConnection {
  const dispose = async (): Promise<void> => {
    try {
      await connection[Symbol.asyncDispose]()
    } finally {
      place.leave()
    }
  }
  return { ...connection, [Symbol.asyncDispose]: dispose }
}

/** The system's authorities are not those of Node, so a server is only checked against one that is named. */
function whyUnable(connection: ServerConnection): string | undefined {
  if (connection.caFile !== undefined || tlsMode(connection) !== 'verify') return undefined
  return 'its certificate is to be verified, and no `ca` is named that the extension could be given'
}

function extensionOf({ source, file }: Pick<ExtensionPlace, 'source' | 'file'>): ExtensionOf {
  return { name: `source ${source}`, file }
}

/** What decides about the server and the session is said, so that the machine's environment does not. */
function attachedDatabase({ source, connection, file }: ExtensionPlace): AttachedDatabase {
  const { host, port, database, user, caFile } = connection
  const mode = { off: 'disable', insecure: 'require', verify: 'verify-full' }[tlsMode(connection)]
  return {
    ...extensionOf({ source, file }),
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
