/**
 * One connection to MySQL or MariaDB. Values are text or bytes that pass through, driver errors leave as Problems, and an
 * abort stops the query on the server as well as here.
 */
import type { Connection, QueryError, RowDataPacket } from 'mysql2'
import { type Sql, sql } from '../../engine/sql.ts'
import type { CopyChunk } from '../segments.ts'
import { runRows } from './running-rows.ts'

/** A row of a catalog query: the server's text, by column name in lower case. */
export type TextRow = Readonly<Record<string, string | null>>

interface SessionEdges {
  translate: (error: unknown) => unknown
  /** Ask the server, over a second connection, to stop what this one runs. */
  killQuery: (threadId: number) => Promise<void>
}

export class MysqlSession implements AsyncDisposable {
  readonly #connection: Connection
  readonly #edges: SessionEdges
  /** What waits for an answer; the driver forgets it when we close the connection ourselves. */
  readonly #waiting = new Set<(error: Error) => void>()
  #killing: Promise<void> | undefined
  #abandoning: Promise<void> | undefined
  /** While rows are streamed, and there is a query that can be stopped. */
  #isStreaming = false
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
   * Stream a statement's rows as chunks of whole rows, as the server sends them; gives the number of rows that it says it sent. A
   * reader that leaves early has the query stopped on the server; the transaction around it goes on.
   */
  async *copyOut(
    statement: Sql,
    options: { chunkBytes: number; signal: AbortSignal },
  ): AsyncGenerator<CopyChunk, bigint, undefined> {
    const { chunkBytes, signal } = options
    signal.throwIfAborted()
    const rows = runRows(this.#connection, statement, chunkBytes)
    this.#isStreaming = true
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
      this.#isStreaming = false
      this.#waiting.delete(fail)
      await this.#forgetKill()
    }
  }

  /**
   * Stop the query whose rows are streamed, on the server; the transaction around it goes on. Where it has ended nothing is
   * stopped: a kill that comes late meets the statement of another table.
   */
  abandon(): void {
    if (this.#closed || !this.#isStreaming) return
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

function lowerKeys(row: Readonly<Record<string, unknown>>): TextRow {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name.toLowerCase(), typeof value === 'string' ? value : null]),
  )
}

function destroySocket(connection: Connection): void {
  ;(connection as unknown as { stream: { destroy(): void } }).stream.destroy()
}
