/**
 * One connection to a SQLite database, read-only and in a thread of its own. Aborts are answered at once; what SQLite is
 * doing at that moment ends by itself, and later questions wait for it.
 */
import { Worker } from 'node:worker_threads'
import type { Sql } from '../../engine/sql.ts'
import { loadDriver } from '../load-driver.ts'
import { SqliteError, translateSqliteError } from './driver-error.ts'
import { type DatabaseFile, holdFile } from './file.ts'
import type { Answer, Chunk, Question, ThreadSettings } from './messages.ts'

export interface SqlitePlace {
  /** Name of the source, for messages. */
  source: string
  /** Absolute. */
  path: string
  /** How long a database that is being written exclusively is waited for. */
  busyTimeoutMs: number
}

/** Beside this module, in the language that it is itself in. */
const THREAD = new URL(`./thread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)

/** What every connection is pinned to: nothing is written, and views call no function with side effects. */
const PINNED = 'PRAGMA query_only = ON; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON'

/**
 * Open a connection.
 *
 * @throws {SOURCE_DRIVER_MISSING} this Node has no node:sqlite
 * @throws {SOURCE_UNREACHABLE, SOURCE_DATABASE_LOCKED, SOURCE_FILE_UNREADABLE}
 */
export async function openSqlite(place: SqlitePlace, signal: AbortSignal): Promise<SqliteSession> {
  signal.throwIfAborted()
  await loadDriver('node:sqlite', place.source, () => import('node:sqlite'))
  const named = { source: place.source, server: place.path }
  let file: DatabaseFile
  try {
    file = holdFile(place.path)
  } catch (error) {
    throw translateSqliteError(error, named)
  }
  const session = new SqliteSession(place, file)
  try {
    await session.execute(PINNED, signal)
    return session
  } catch (error) {
    await session.close()
    throw error
  }
}

interface Waiting {
  resolve: (answer: Answer) => void
  reject: (error: Error) => void
}

export class SqliteSession {
  readonly file: DatabaseFile
  readonly #named: { source: string; server: string }
  readonly #worker: Worker
  readonly #waiting = new Map<number, Waiting>()
  readonly #ended: Promise<void>
  #asked = 0
  #isClosed = false

  constructor({ source, path, busyTimeoutMs }: SqlitePlace, file: DatabaseFile) {
    this.file = file
    this.#named = { source, server: path }
    const settings: ThreadSettings = { path, busyTimeoutMs }
    this.#worker = new Worker(THREAD, { workerData: settings, name: 'tidemark sqlite', stdin: false })
    this.#worker.on('message', ({ id, answer }: { id: number; answer: Answer }) => {
      this.#waiting.get(id)?.resolve(answer)
      this.#waiting.delete(id)
    })
    this.#worker.on('error', (error: Error & { errcode?: number }) => this.#fail(asSqliteError(error)))
    this.#ended = new Promise(resolve => {
      this.#worker.once('exit', () => {
        this.#fail(new Error('the connection was closed'))
        file.release()
        resolve()
      })
    })
  }

  /** Rows of a small answer, every value as SQLite's own text. */
  async query(statement: Sql, signal: AbortSignal): Promise<(string | null)[][]> {
    const answer = await this.#ask({ kind: 'query', statement: statement.text }, signal)
    return answer.kind === 'rows' ? answer.rows : []
  }

  /** Statements of our own text without an answer. */
  async execute(statement: string, signal: AbortSignal): Promise<void> {
    await this.#ask({ kind: 'execute', statement }, signal)
  }

  /**
   * Rows as lines of JSON. While one chunk is worked on, the next is read. The result is the number of rows; a reader that
   * leaves early ends the reading.
   */
  async *copyOut(
    start: Question & { kind: 'copy' | 'pages' },
    { chunkBytes, signal }: { chunkBytes: number; signal: AbortSignal },
  ): AsyncGenerator<Chunk, bigint, undefined> {
    let sent = 0n
    await this.#ask(start, signal)
    try {
      const next = (): Promise<Answer> => {
        const asked = this.#ask({ kind: 'next', chunkBytes }, signal)
        // It is waited for below, or not at all when the reader leaves.
        asked.catch(() => undefined)
        return asked
      }
      let coming = next()
      for (;;) {
        const answer = await coming
        if (answer.kind !== 'chunk' || (answer.rows === 0 && answer.longestRow === 0)) return sent
        coming = next()
        sent += BigInt(answer.rows)
        yield answer
      }
    } finally {
      // Not waited for: questions are answered in their order, and an abort must not wait for SQLite.
      void this.#send({ kind: 'stop' }).catch(() => undefined)
    }
  }

  /** End the connection and its transaction. A thread that is at work is stopped as soon as SQLite returns. */
  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true
      if (this.#waiting.size > 0) void this.#worker.terminate()
      else this.#post({ kind: 'close' })
    }
    await this.#ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #ask(question: Question, signal: AbortSignal): Promise<Answer> {
    signal.throwIfAborted()
    let abandon: (() => void) | undefined
    try {
      const aborted = new Promise<never>((_, reject) => {
        abandon = () => reject(signal.reason)
        signal.addEventListener('abort', abandon, { once: true })
      })
      const answer = await Promise.race([this.#send(question), aborted])
      if (answer.kind === 'failed') throw new SqliteError(answer.message, answer.errcode)
      return answer
    } catch (error) {
      signal.throwIfAborted()
      throw translateSqliteError(error, this.#named)
    } finally {
      if (abandon !== undefined) signal.removeEventListener('abort', abandon)
    }
  }

  async #send(question: Question): Promise<Answer> {
    if (this.#isClosed) throw new Error('the connection was closed')
    const answer = new Promise<Answer>((resolve, reject) => {
      this.#waiting.set(this.#asked + 1, { resolve, reject })
    })
    // An abort leaves it to itself.
    answer.catch(() => undefined)
    this.#post(question)
    return await answer
  }

  #post(question: Question): void {
    this.#asked += 1
    this.#worker.postMessage({ id: this.#asked, question })
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
  }
}

function asSqliteError(error: Error & { errcode?: number }): Error {
  return error.errcode === undefined ? error : new SqliteError(error.message, error.errcode)
}
