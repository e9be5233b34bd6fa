/**
 * COPY … TO STDOUT as chunks of whole rows. The server sends one message a row, so rows are counted and cut exactly,
 * whatever quotes and line breaks they hold; a slow reader stops the socket, so memory is bounded. A row that is
 * too long to be carried comes as a chunk without rows that tells its length, and is the last.
 */
import type pg from 'pg'
import { MAX_ROW_BYTES } from '../read-csv.ts'
import type { CopyChunk } from '../segments.ts'
import { MessageLengths } from './long-message.ts'

/** Chunks that may wait for the reader before the socket is paused. */
const MAX_WAITING = 4

/** What pg hands a query object while it runs; the driver's types do not list the copy messages. */
interface CopyConnection {
  stream: {
    pause(): unknown
    resume(): unknown
    prependListener(event: 'data', listener: (bytes: Buffer) => void): unknown
    off(event: 'data', listener: (bytes: Buffer) => void): unknown
  }
  query(text: string): void
}

export class CopyOut implements pg.Submittable {
  readonly #statement: string
  readonly #chunkBytes: number
  readonly #waiting: CopyChunk[] = []
  /** Buffers that the reader has given back: without them each megabyte waits for the garbage collector. */
  readonly #free: Buffer[] = []
  #connection: CopyConnection | undefined
  #buffer: Buffer
  #filled = 0
  #rows = 0
  #longestRow = 0
  #sent = 0n
  #isRefused = false
  #state: 'running' | 'ended' | 'failed' = 'running'
  #error: unknown
  #wake: (() => void) | undefined
  readonly #lengths = new MessageLengths(MAX_ROW_BYTES, bytes => this.#refuse(bytes))
  readonly #look = (bytes: Buffer): void => this.#lengths.take(bytes)

  constructor(statement: string, chunkBytes: number) {
    this.#statement = statement
    this.#chunkBytes = chunkBytes
    this.#buffer = Buffer.allocUnsafe(chunkBytes)
  }

  /** True when the server has ended the statement, well or badly: the connection is free again. */
  get finished(): boolean {
    return this.#state !== 'running'
  }

  submit(connection: pg.Connection): void {
    this.#connection = connection as unknown as CopyConnection
    this.#connection.stream.prependListener('data', this.#look)
    this.#connection.query(this.#statement)
  }

  handleCopyData(message: { chunk: Buffer }): void {
    const row = message.chunk
    if (this.#filled + row.length > this.#chunkBytes) this.#cut(row.length)
    // Copied at once: the driver reuses the memory behind the message.
    row.copy(this.#buffer, this.#filled)
    this.#filled += row.length
    this.#rows += 1
    if (row.length > this.#longestRow) this.#longestRow = row.length
  }

  handleCommandComplete(message: { text: string }): void {
    const tag = /^COPY (\d+)$/.exec(message.text)
    if (tag?.[1] !== undefined) this.#sent = BigInt(tag[1])
  }

  handleReadyForQuery(): void {
    this.#connection?.stream.off('data', this.#look)
    if (this.#state === 'failed') return
    this.#cut(0)
    this.#state = 'ended'
    this.#wake?.()
  }

  handleError(error: unknown): void {
    this.#connection?.stream.off('data', this.#look)
    this.#state = 'failed'
    this.#error = error
    this.#wake?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<CopyChunk, bigint, undefined> {
    for (;;) {
      const chunk = this.#waiting.shift()
      if (chunk !== undefined) {
        if (this.#waiting.length < MAX_WAITING && !this.#isRefused) this.#connection?.stream.resume()
        yield chunk
      } else if (this.#state === 'failed') throw this.#error
      else if (this.#state === 'ended') return this.#sent
      else if (this.#isRefused)
        throw new TypeError('this is a bug in tidemark: a row that is too long was read on from')
      else await this.#change()
    }
  }

  /** Nobody carries this row: its length goes on instead of it, and nothing more is read, so that it never is in memory. */
  #refuse(bytes: number): void {
    if (this.#isRefused) return
    this.#isRefused = true
    this.#cut(0)
    this.#waiting.push({ bytes: Buffer.alloc(0), rows: 0, longestRow: bytes })
    this.#connection?.stream.pause()
    this.#wake?.()
  }

  #cut(nextRow: number): void {
    if (this.#rows > 0) {
      const bytes = this.#buffer.subarray(0, this.#filled)
      const buffer = this.#buffer
      const release = (): void => {
        if (buffer.length === this.#chunkBytes) this.#free.push(buffer)
      }
      this.#waiting.push({ bytes, rows: this.#rows, longestRow: this.#longestRow, release })
      if (this.#waiting.length >= MAX_WAITING) this.#connection?.stream.pause()
      this.#wake?.()
    }
    // The buffer just handed over belongs to the reader. A row longer than a chunk gets one of its own.
    const free = nextRow > this.#chunkBytes ? undefined : this.#free.pop()
    this.#buffer = free ?? Buffer.allocUnsafe(Math.max(this.#chunkBytes, nextRow))
    this.#filled = 0
    this.#rows = 0
    this.#longestRow = 0
  }

  async #change(): Promise<void> {
    await new Promise<void>(resolve => {
      this.#wake = resolve
    })
    this.#wake = undefined
  }
}
