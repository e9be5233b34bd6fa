/**
 * One connection to SQL Server. The statements make every value a text, driver errors leave as Problems, and an abort
 * stops the statement on the server; the transaction around it goes on.
 */
import type { Connection, Request } from 'tedious'
import type { Sql } from '../../engine/sql.ts'
import type { CopyChunk } from '../segments.ts'
import type { CsvForm } from './column.ts'
import { CsvChunks } from './text-rows.ts'

/** A row of a catalog query: the server's text, by column name. */
export type TextRow = Readonly<Record<string, string | null>>

export interface CopyOptions {
  forms: readonly CsvForm[]
  chunkBytes: number
  signal: AbortSignal
}

/** All that the source asks of a connection: the boundary at which tests put a server of their own. */
export interface SqlServerSession extends AsyncDisposable {
  /** Run one batch; the rows it gives, as text. */
  query(statement: Sql, signal?: AbortSignal): Promise<TextRow[]>
  /** Stream a statement's rows as chunks of whole CSV lines; gives the number of rows that the server says it sent. */
  copyOut(statement: Sql, options: CopyOptions): AsyncGenerator<CopyChunk, bigint, undefined>
  /** Stop the statement that runs; the transaction around it goes on. */
  abandon(): void
  close(): Promise<void>
}

/** Chunks that may wait for the reader before the socket is paused. */
const MAX_WAITING = 4

interface Column {
  metadata: { colName: string }
  value: unknown
}

interface SessionEdges {
  newRequest: (statement: string, done: (error: Error | null | undefined, rows?: number) => void) => Request
  translate: (error: unknown) => unknown
}

export class TediousSession implements SqlServerSession {
  readonly #connection: Connection
  readonly #edges: SessionEdges
  #running: Request | undefined
  #ended = false

  constructor(connection: Connection, edges: SessionEdges) {
    this.#connection = connection
    this.#edges = edges
    // A connection that breaks while idle is reported by the next statement; without a listener it would end the process.
    connection.on('error', () => undefined)
    connection.on('end', () => {
      this.#ended = true
    })
  }

  async query(statement: Sql, signal?: AbortSignal): Promise<TextRow[]> {
    const rows: TextRow[] = []
    await this.#run(statement, signal, columns => {
      rows.push(Object.fromEntries(columns.map(({ metadata, value }) => [metadata.colName, textOf(value)])))
    })
    return rows
  }

  async *copyOut(statement: Sql, options: CopyOptions): AsyncGenerator<CopyChunk, bigint, undefined> {
    const { forms, chunkBytes, signal } = options
    const waiting: CopyChunk[] = []
    let wake: (() => void) | undefined
    let failure: Error | undefined
    let sent: bigint | undefined
    let isWanted = true
    const take = (chunk: CopyChunk): void => {
      waiting.push(chunk)
      if (waiting.length >= MAX_WAITING) this.#running?.pause()
      wake?.()
    }
    const lines = new CsvChunks(forms, chunkBytes, take)
    const addRow = (columns: readonly Column[]): void => {
      if (isWanted) lines.add(columns.map(({ value }) => textOf(value)))
    }
    const finished = this.#run(statement, signal, addRow)
      .then(rows => {
        lines.end()
        sent = BigInt(rows)
      })
      .catch((error: unknown) => {
        failure ??= asError(error)
      })
      .finally(() => wake?.())
    try {
      for (;;) {
        const chunk = waiting.shift()
        if (chunk !== undefined) {
          if (waiting.length < MAX_WAITING) this.#running?.resume()
          yield chunk
        } else if (failure !== undefined) throw failure
        else if (sent !== undefined) return sent
        else {
          await new Promise<void>(resolve => {
            wake = resolve
          })
          wake = undefined
        }
      }
    } finally {
      if (sent === undefined && failure === undefined) {
        isWanted = false
        this.abandon()
      }
      await finished
    }
  }

  abandon(): void {
    // The driver sends the attention signal; the server answers it when the statement has stopped.
    if (!this.#ended) this.#connection.cancel()
  }

  async close(): Promise<void> {
    if (this.#ended) return
    await new Promise<void>(resolve => {
      this.#connection.once('end', () => resolve())
      this.#connection.close()
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** Gives the number of rows by the server's count. A row that cannot be taken ends the statement. */
  async #run(
    statement: Sql,
    signal: AbortSignal | undefined,
    onRow: (columns: readonly Column[]) => void,
  ): Promise<number> {
    signal?.throwIfAborted()
    const stop = (): void => this.abandon()
    signal?.addEventListener('abort', stop, { once: true })
    try {
      return await new Promise<number>((resolve, reject) => {
        let refused: Error | undefined
        const request = this.#edges.newRequest(statement.text, (error, rows) => {
          const failed = refused ?? error ?? undefined
          if (failed === undefined) resolve(rows ?? 0)
          else reject(failed)
        })
        // What a listener throws would end the process: the driver calls it from its socket.
        request.on('row', (columns: readonly Column[]) => {
          if (refused !== undefined) return
          try {
            onRow(columns)
          } catch (error) {
            refused = asError(error)
            this.abandon()
          }
        })
        this.#running = request
        this.#connection.execSqlBatch(request)
      })
    } catch (error) {
      signal?.throwIfAborted()
      throw this.#edges.translate(error)
    } finally {
      this.#running = undefined
      signal?.removeEventListener('abort', stop)
    }
  }
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)))

/** Everything is selected as text; another type would be a statement of ours that forgot to. */
function textOf(value: unknown): string | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'string') return value
  throw new TypeError(`this is a bug in tidemark: a value arrived as ${typeof value}, not as text`)
}
