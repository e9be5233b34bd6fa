/**
 * A running query whose rows become chunks of CSV text as their packets come in; the socket is paused while enough of them
 * wait for the reader.
 */
import type { Connection, Query, QueryError } from 'mysql2'
import type { Sql } from '../../engine/sql.ts'
import type { CopyChunk } from '../segments.ts'
import { CsvChunks, type CsvForm, type RowPacket } from './text-rows.ts'

/** Chunks that may wait for the reader before the socket is paused. */
const MAX_WAITING = 4

/** A running query of the driver, with the step that it takes for each row packet. */
interface RowQuery extends Query {
  row: (packet: RowPacket & { isEOF(): boolean }, connection: unknown) => unknown
}

/** A query whose row packets go into chunks instead of into the driver's own rows. */
export class RunningRows {
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
