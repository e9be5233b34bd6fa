/**
 * One connection to PostgreSQL. Values are text, driver errors leave as Problems, and an abort stops the query on the
 * server as well as here. Behind a pooler every statement is in a transaction with settings of its own: nothing of a session
 * holds there, and nothing stays with the next client.
 */
import type pg from 'pg'
import { ident, raw, type Sql, sql } from '../../engine/sql.ts'
import type { CopyChunk } from '../segments.ts'
import { CopyOut } from './copy-out.ts'
import { PROOF } from './pins.ts'

/** A row of a catalog query: the server's text, by column name. */
export type TextRow = Readonly<Record<string, string | null>>

interface QueryOptions {
  /** Sent apart from the text, as the server's own text form. */
  values?: readonly (string | readonly string[])[]
  signal?: AbortSignal | undefined
}

interface CopyOptions {
  chunkBytes: number
  signal: AbortSignal
}

interface SessionEdges {
  translate: (error: unknown) => unknown
  /** What is thrown for a pooler by which nothing can be read. */
  unfit: (reason: string) => Error
  /** What is thrown for a server that passes over what is damaged, by these settings. */
  salvage: (settings: string) => Error
  cancel: (pid: number) => Promise<void>
}

const ELSEWHERE = 'it leads from one server to another'

export class PostgresSession implements AsyncDisposable {
  readonly #client: pg.Client
  readonly #edges: SessionEdges
  #cancelling: Promise<void> | undefined
  #closed = false
  /** Settings of a transaction; undefined where those of the session hold. */
  #pins: Sql | undefined
  /** When the server was started that answers. */
  #server = ''
  #begun = false

  constructor(client: pg.Client, edges: SessionEdges) {
    this.#client = client
    this.#edges = edges
    // A connection that breaks while idle is reported by the next query; without a listener it would end the process.
    client.on('error', () => undefined)
  }

  /** Number of the process that was announced: the server's, as pg_locks and pg_stat_activity show it, or a pooler's own. */
  get pid(): number {
    return (this.#client as pg.Client & { processID: number | null }).processID ?? 0
  }

  /** True when the connection was given up in the middle of something, or is closed. */
  get interrupted(): boolean {
    return this.#closed
  }

  /** Another process answers than was announced. */
  get isPooled(): boolean {
    return this.#pins !== undefined
  }

  /** @throws {SOURCE_POOLER_UNFIT} the other is one with another server */
  assertBeside(other: PostgresSession): void {
    if (this.#server !== other.#server) throw this.#edges.unfit(ELSEWHERE)
  }

  /**
   * What the server said of itself in the first statement.
   *
   * @param pins statements that pin a transaction without a snapshot
   */
  answeredBy({ pid, server }: TextRow, pins: Sql): void {
    this.#server = server ?? ''
    if (pid !== String(this.pid)) this.#pins = pins
  }

  async connect(signal: AbortSignal): Promise<void> {
    await this.#abortable(signal, () => this.#client.connect())
  }

  /** Run one statement, or several without parameters when nothing is returned; the transaction is the caller's. */
  async query(statement: Sql, options: QueryOptions = {}): Promise<TextRow[]> {
    if (this.#isAlone()) return await this.#inOwn(() => this.#send(statement, options), options.signal)
    return await this.#send(statement, options)
  }

  /**
   * Start the only kind of transaction that rows are read in: one read-only snapshot, taken by the first query that needs one.
   */
  async begin(signal?: AbortSignal): Promise<void> {
    await this.#begin(sql`REPEATABLE READ`, signal)
    this.#begun = true
  }

  /**
   * Make sure that the transaction has the settings that values depend on, and is one of the server that has answered so far.
   * Takes the snapshot.
   *
   * @throws {SOURCE_POOLER_UNFIT}
   * @throws {SOURCE_PASSES_OVER_DAMAGE}
   */
  async prove(signal?: AbortSignal): Promise<void> {
    const [row] = await this.#send(PROOF, { signal })
    if (row?.['bent'] != null)
      throw this.#edges.unfit(`settings made in a transaction do not hold in it: ${row['bent']}`)
    const isSame = row?.['server'] === this.#server && (this.isPooled || row['pid'] === String(this.pid))
    if (!isSame) throw this.#edges.unfit(ELSEWHERE)
    if (row['salvage'] != null) throw this.#edges.salvage(row['salvage'])
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
  async *copyOut(statement: Sql, options: CopyOptions): AsyncGenerator<CopyChunk, bigint, undefined> {
    if (!this.#isAlone()) return yield* this.#copy(statement, options)
    const { signal } = options
    let hasEnded = false
    try {
      await this.#begin(sql`READ COMMITTED`, signal)
      await this.prove(signal)
      const rows = yield* this.#copy(statement, options)
      await this.#send(sql`ROLLBACK`, { signal })
      hasEnded = true
      return rows
    } finally {
      if (!hasEnded) this.interrupt()
    }
  }

  async *#copy(statement: Sql, options: CopyOptions): AsyncGenerator<CopyChunk, bigint, undefined> {
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
    // Cancelling is a kindness to the server; when it fails, the closed connection ends the query a little later. A pooler
    // ends its own connection, and the number that it has announced may be that of somebody else's process.
    this.#cancelling = this.isPooled || this.pid === 0 ? undefined : this.#edges.cancel(this.pid).catch(() => undefined)
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

  /** True where a statement needs a transaction, as nothing else has the settings. */
  #isAlone(): boolean {
    return this.isPooled && !this.#begun
  }

  /** In a transaction for this alone. */
  async #inOwn<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    await this.#begin(sql`READ COMMITTED`, signal)
    try {
      await this.prove(signal)
      return await work()
    } finally {
      // Not COMMIT, by which what was reset would stay so for others.
      if (!this.#closed) await this.#send(sql`ROLLBACK`, {}).catch(() => this.interrupt())
    }
  }

  async #begin(isolation: Sql, signal: AbortSignal | undefined): Promise<void> {
    const pins = this.#pins === undefined ? raw('') : sql`; ${this.#pins}`
    await this.#send(sql`BEGIN ISOLATION LEVEL ${isolation} READ ONLY${pins}`, { signal })
  }

  async #send(statement: Sql, { values, signal }: QueryOptions): Promise<TextRow[]> {
    const result = await this.#abortable(signal, () =>
      this.#client.query<TextRow>(statement.text, values === undefined ? undefined : [...values]),
    )
    return result.rows
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
