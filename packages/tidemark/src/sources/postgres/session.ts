/**
 * One connection to PostgreSQL. Values are text, driver errors leave as Problems, and an abort stops the query on the
 * server as well as here.
 */
import type pg from 'pg'
import { ident, type Sql, sql } from '../../engine/sql.ts'
import type { CopyChunk } from '../segments.ts'
import { CopyOut } from './copy-out.ts'

/** A row of a catalog query: the server's text, by column name. */
export type TextRow = Readonly<Record<string, string | null>>

interface SessionEdges {
  translate: (error: unknown) => unknown
  cancel: (pid: number) => Promise<void>
}

export class PostgresSession implements AsyncDisposable {
  readonly #client: pg.Client
  readonly #edges: SessionEdges
  #cancelling: Promise<void> | undefined
  #closed = false

  constructor(client: pg.Client, edges: SessionEdges) {
    this.#client = client
    this.#edges = edges
    // A connection that breaks while idle is reported by the next query; without a listener it would end the process.
    client.on('error', () => undefined)
  }

  /** Number of the server process, as pg_locks and pg_stat_activity show it. */
  get pid(): number {
    return (this.#client as pg.Client & { processID: number | null }).processID ?? 0
  }

  /** True when the connection was given up in the middle of something, or is closed. */
  get interrupted(): boolean {
    return this.#closed
  }

  async connect(signal: AbortSignal): Promise<void> {
    await this.#abortable(signal, () => this.#client.connect())
  }

  /**
   * Run one statement, or several without parameters when nothing is returned; the transaction is the caller's.
   *
   * @param options.values sent apart from the text, as the server's own text form
   */
  async query(
    statement: Sql,
    options: { values?: readonly (string | readonly string[])[]; signal?: AbortSignal | undefined } = {},
  ): Promise<TextRow[]> {
    const { values, signal } = options
    const result = await this.#abortable(signal, () =>
      this.#client.query<TextRow>(statement.text, values === undefined ? undefined : [...values]),
    )
    return result.rows
  }

  /** Start the only kind of transaction we use: one read-only snapshot, taken by the first query that needs one. */
  async begin(signal?: AbortSignal): Promise<void> {
    await this.query(sql`BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`, { signal })
  }

  async rollback(signal?: AbortSignal): Promise<void> {
    await this.query(sql`ROLLBACK`, { signal })
  }

  async savepoint(name: string, signal?: AbortSignal): Promise<void> {
    await this.query(sql`SAVEPOINT ${ident(name)}`, { signal })
  }

  async release(name: string, signal?: AbortSignal): Promise<void> {
    await this.query(sql`RELEASE SAVEPOINT ${ident(name)}`, { signal })
  }

  /** Undo locks and settings made since the savepoint, and an error with them. */
  async rollbackTo(name: string, signal?: AbortSignal): Promise<void> {
    await this.query(sql`ROLLBACK TO SAVEPOINT ${ident(name)}; RELEASE SAVEPOINT ${ident(name)}`, { signal })
  }

  /** Stream a COPY … TO STDOUT in chunks of whole rows; gives the number of rows that the server says it sent. */
  async *copyOut(
    statement: Sql,
    options: { chunkBytes: number; signal: AbortSignal },
  ): AsyncGenerator<CopyChunk, bigint, undefined> {
    const { signal } = options
    signal.throwIfAborted()
    const copy = new CopyOut(statement.text, options.chunkBytes)
    const stop = (): void => this.interrupt()
    signal.addEventListener('abort', stop, { once: true })
    try {
      this.#client.query(copy)
      return yield* copy
    } catch (error) {
      signal.throwIfAborted()
      throw this.#edges.translate(error)
    } finally {
      signal.removeEventListener('abort', stop)
      if (!copy.finished) this.interrupt()
    }
  }

  /** Stop whatever runs, on the server too. The session is of no further use. */
  interrupt(): void {
    if (this.#closed) return
    this.#closed = true
    // Cancelling is a kindness to the server; when it fails, the closed connection ends the query a little later.
    this.#cancelling = this.pid === 0 ? undefined : this.#edges.cancel(this.pid).catch(() => undefined)
    this.#destroySocket()
  }

  /** Close the connection; an open transaction is rolled back by the server. */
  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true
      await this.#client.end().catch(() => this.#destroySocket())
    }
    await this.#cancelling
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #destroySocket(): void {
    this.#client.connection.stream.destroy()
  }

  async #abortable<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    signal?.throwIfAborted()
    const stop = (): void => this.interrupt()
    signal?.addEventListener('abort', stop, { once: true })
    try {
      return await work()
    } catch (error) {
      signal?.throwIfAborted()
      throw this.#edges.translate(error)
    } finally {
      signal?.removeEventListener('abort', stop)
    }
  }
}
