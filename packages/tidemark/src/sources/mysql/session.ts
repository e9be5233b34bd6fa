/**
 * One connection to MySQL or MariaDB. Values are text or bytes that pass through, driver errors leave as Problems, and an
 * abort stops the query on the server as well as here.
 */
import type { Connection, Query, QueryError, RowDataPacket } from 'mysql2'
import { type Sql, sql } from '../../engine/sql.ts'
import type { CopyChunk } from '../segments.ts'
import { CsvChunks, type CsvForm, type RowPacket } from './text-rows.ts'

/** A row of a catalog query: the server's text, by column name in lower case. */
export type TextRow = Readonly<Record<string, string | null>>

interface SessionEdges {
  translate: (error: unknown) => unknown
  /** Ask the server, over a second connection, to stop what this one runs. */
  killQuery: (threadId: number) => Promise<void>
}

/** Chunks that may wait for the reader before the socket is paused. */
const MAX_WAITING = 4

/** A running query of the driver, with the step that it takes for each row packet. */
interface RowQuery extends Query {
  row: (packet: RowPacket & { isEOF(): boolean }, connection: unknown) => unknown
}

export class MysqlSession implements AsyncDisposable {
  readonly #connection: Connection
  readonly #edges: SessionEdges
  /** What waits for an answer; the driver forgets it when we close the connection ourselves. */
  readonly #waiting = new Set<(error: Error) => void>()
  #killing: Promise<void> | undefined
  #abandoning: Promise<void> | undefined
  #closed = false

  constructor(connection: Connection, edges: SessionEdges) {
    this.#connection = connection
    this.#edges = edges
    // A connection that breaks while idle is reported by the next query; without a listener it would end the process.
    connection.on('error', () => undefined)
  }

  /** Number of the connection, as the process list shows it. */
  get threadId(): number {
    return this.#connection.threadId ?? 0
  }

  /** True when the connection is closed or was given up. */
  get interrupted(): boolean {
    return this.#closed
  }

  /** Run one statement; its rows as text. */
  async query(statement: Sql, signal?: AbortSignal): Promise<TextRow[]> {
    signal?.throwIfAborted()
    const stop = (): void => this.interrupt()
    signal?.addEventListener('abort', stop, { once: true })
    try {
      return await this.#answered<TextRow[]>((resolve, reject) => {
        const options = { sql: statement.text, typeCast: (field: { string(): string | null }) => field.string() }
        const done = (error: QueryError | null, rows: RowDataPacket[] | undefined): void =>
          error === null ? resolve((Array.isArray(rows) ? rows : []).map(lowerKeys)) : reject(error)
        this.#connection.query<RowDataPacket[]>(options, done)
      })
    } catch (error) {
      signal?.throwIfAborted()
      throw this.#edges.translate(error)
    } finally {
      signal?.removeEventListener('abort', stop)
    }
  }

  /**
   * Stream a statement's rows as chunks of whole CSV lines; gives the number of rows that the server says it sent. A reader that leaves early has the query stopped on the
   * server; the transaction around it goes on.
   */
  async *copyOut(
    statement: Sql,
    options: { forms: readonly CsvForm[]; chunkBytes: number; signal: AbortSignal },
  ): AsyncGenerator<CopyChunk, bigint, undefined> {
    const { forms, chunkBytes, signal } = options
    signal.throwIfAborted()
    const rows = new RunningRows(this.#connection, statement, forms, chunkBytes)
    const stop = (): void => this.interrupt()
    const fail = (error: Error): void => rows.fail(error)
    this.#waiting.add(fail)
    signal.addEventListener('abort', stop, { once: true })
    try {
      yield* rows.chunks()
      const [row] = await this.query(sql`SELECT FOUND_ROWS() AS n`, signal)
      return BigInt(row?.['n'] ?? '0')
    } catch (error) {
      signal.throwIfAborted()
      throw this.#edges.translate(error)
    } finally {
      signal.removeEventListener('abort', stop)
      if (!rows.finished && !this.#closed) {
        this.abandon()
        await rows.drain()
      }
      this.#waiting.delete(fail)
      await this.#forgetKill()
    }
  }

  /** Stop the query that runs, on the server; the transaction around it goes on. */
  abandon(): void {
    if (this.#closed) return
    this.#abandoning ??= this.#edges.killQuery(this.threadId).catch(() => this.interrupt())
  }

  /** Stop whatever runs, on the server too. The session is of no further use. */
  interrupt(): void {
    if (this.#closed) return
    this.#closed = true
    const { threadId } = this
    // Killing is a kindness to the server; when it fails, the closed connection ends the query a little later.
    this.#killing = threadId === 0 ? undefined : this.#edges.killQuery(threadId).catch(() => undefined)
    destroySocket(this.#connection)
    for (const fail of this.#waiting) fail(new Error('the connection was given up'))
  }

  /** Close the connection; an open transaction is rolled back by the server. */
  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true
      await new Promise<void>(resolve => {
        this.#connection.end(() => resolve())
        this.#connection.once('error', () => resolve())
        this.#connection.once('end', () => resolve())
      })
      destroySocket(this.#connection)
    }
    await this.#killing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** A kill that came when its query had just ended meets the next statement: let it meet one of no use. */
  async #forgetKill(): Promise<void> {
    if (this.#abandoning === undefined) return
    await this.#abandoning
    this.#abandoning = undefined
    if (!this.#closed) await this.query(sql`DO 0`).catch(() => undefined)
  }

  async #answered<T>(ask: (resolve: (value: T) => void, reject: (error: Error) => void) => void): Promise<T> {
    let waiting: ((error: Error) => void) | undefined
    try {
      return await new Promise<T>((resolve, reject) => {
        waiting = reject
        this.#waiting.add(reject)
        ask(resolve, reject)
      })
    } finally {
      if (waiting !== undefined) this.#waiting.delete(waiting)
    }
  }
}

/** A query whose row packets go into chunks instead of into the driver's own rows. */
class RunningRows {
  readonly #connection: Connection
  readonly #waiting: CopyChunk[] = []
  #state: 'running' | 'ended' | 'failed' = 'running'
  #isWanted = true
  #error: unknown
  #wake: (() => void) | undefined

  constructor(connection: Connection, statement: Sql, forms: readonly CsvForm[], chunkBytes: number) {
    this.#connection = connection
    const lines = new CsvChunks(forms, chunkBytes, chunk => this.#push(chunk))
    const done = (error: QueryError | null): void => (error === null ? this.#settle('ended') : this.fail(error))
    const query = connection.query({ sql: statement.text }, done) as unknown as RowQuery
    const driverRow = query.row
    query.row = (packet, driver) => {
      if (packet.isEOF()) {
        if (this.#isWanted) lines.end()
        return driverRow.call(query, packet, driver)
      }
      if (this.#isWanted) lines.add(packet)
      return query.row
    }
  }

  get finished(): boolean {
    return this.#state !== 'running'
  }

  async *chunks(): AsyncGenerator<CopyChunk, void, undefined> {
    for (;;) {
      const chunk = this.#waiting.shift()
      if (chunk !== undefined) {
        if (this.#waiting.length < MAX_WAITING) this.#connection.resume()
        yield chunk
      } else if (this.#state === 'failed') throw this.#error
      else if (this.#state === 'ended') return
      else await this.#change()
    }
  }

  /** Throw away what still comes, until the connection is free. */
  async drain(): Promise<void> {
    this.#isWanted = false
    this.#connection.resume()
    while (!this.finished) await this.#change()
  }

  #push(chunk: CopyChunk): void {
    this.#waiting.push(chunk)
    if (this.#waiting.length >= MAX_WAITING) this.#connection.pause()
    this.#wake?.()
  }

  fail(error: unknown): void {
    this.#error ??= error
    this.#settle('failed')
  }

  #settle(state: 'ended' | 'failed'): void {
    if (this.#state === 'running') this.#state = state
    this.#wake?.()
  }

  async #change(): Promise<void> {
    await new Promise<void>(resolve => {
      this.#wake = resolve
    })
    this.#wake = undefined
  }
}

function lowerKeys(row: Readonly<Record<string, unknown>>): TextRow {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name.toLowerCase(), typeof value === 'string' ? value : null]),
  )
}

function destroySocket(connection: Connection): void {
  ;(connection as unknown as { stream: { destroy(): void } }).stream.destroy()
}
