/**
 * COPY … TO STDOUT as chunks of whole rows. The server sends one message a row, so rows are counted and cut exactly,
 * whatever they hold; a slow reader stops the socket, so memory is bounded. A row that is
 * too long to be carried comes as a chunk without rows that tells its length, and is the last.
 */
import type pg from 'pg'
import { MAX_ROW_BYTES } from '../read-csv.ts'
import type { CopyChunk } from '../segments.ts'
import { CopyFrames } from './copy-frames.ts'

/** Chunks that may wait for the reader before the socket is paused. */
const MAX_WAITING = 4

type OnData = (bytes: Buffer) => void

/** What pg hands a query object while it runs, as far as we use it. */
interface CopyConnection {
  stream: {
    pause(): unknown
    resume(): unknown
    listeners(event: 'data'): unknown[]
    on(event: 'data', listener: OnData): unknown
    off(event: 'data', listener: OnData): unknown
    /** Of a socket that can lend what it receives. */
    lend?(): void
    keep?(): void
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
  /** True while rows are ours to take from the socket. */
  #isOurs = false
  #state: 'running' | 'ended' | 'failed' = 'running'
  #error: unknown
  #wake: (() => void) | undefined
  /** Listeners of the driver, which get what is no row. */
  #driver: readonly OnData[] = []
  readonly #frames = new CopyFrames({
    beginRow: bytes => this.#beginRow(bytes),
    rowBytes: (bytes, start, end) => this.#keep(bytes, start, end),
    pass: bytes => this.#pass(bytes),
  })
  readonly #take = (bytes: Buffer): void => this.#frames.take(bytes)

  constructor(statement: string, chunkBytes: number) {
    this.#statement = statement
    this.#chunkBytes = chunkBytes
    this.#buffer = Buffer.allocUnsafe(chunkBytes)
  }

  /** True when the server has ended the statement, well or badly: the connection is free again. */
  get finished(): boolean {
    return this.#state !== 'running'
  }

  /** The driver makes an object of each row; as long as rows come, their bytes do not pass through it. */
  submit(connection: pg.Connection): void {
    this.#connection = connection as unknown as CopyConnection
    const { stream } = this.#connection
    this.#driver = stream.listeners('data') as OnData[]
    stream.on('data', this.#take)
    for (const listener of this.#driver) stream.off('data', listener)
    this.#isOurs = true
    stream.lend?.()
    this.#connection.query(this.#statement)
  }

  handleCommandComplete(message: { text: string }): void {
    const tag = /^COPY (\d+)$/.exec(message.text)
    if (tag?.[1] !== undefined) this.#sent = BigInt(tag[1])
  }

  handleReadyForQuery(): void {
    this.#giveBack()
    if (this.#state === 'failed') return
    this.#cut(0)
    this.#state = 'ended'
    this.#wake?.()
  }

  handleError(error: unknown): void {
    this.#giveBack()
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

  /** The driver may keep what it gets, and the memory is the socket's. */
  #pass(bytes: Buffer): void {
    const kept = Buffer.from(bytes)
    for (const listener of this.#driver) listener(kept)
  }

  #giveBack(): void {
    const stream = this.#connection?.stream
    if (this.#isOurs) for (const listener of this.#driver) stream?.on('data', listener)
    this.#isOurs = false
    stream?.off('data', this.#take)
    stream?.keep?.()
  }

  #beginRow(bytes: number): void {
    if (bytes > MAX_ROW_BYTES) this.#refuse(bytes)
    if (this.#isRefused) return
    if (this.#filled + bytes > this.#chunkBytes) this.#cut(bytes)
    this.#rows += 1
    if (bytes > this.#longestRow) this.#longestRow = bytes
  }

  #keep(bytes: Buffer, start: number, end: number): void {
    if (this.#isRefused) return
    bytes.copy(this.#buffer, this.#filled, start, end)
    this.#filled += end - start
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
