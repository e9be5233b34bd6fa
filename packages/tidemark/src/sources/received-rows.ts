/**
 * Rows as they come over a line, past the driver, gathered into chunks of whole rows; a slow reader stops the line, so memory is
 * bounded. A row that is too long to be carried comes as a chunk without rows that tells its length, and is the last.
 */
import { MAX_ROW_BYTES } from './row-limit.ts'
import type { CopyChunk } from './segments.ts'

/** Chunks that may wait for the reader before the line is paused. */
const MAX_WAITING = 4

type OnData = (bytes: Buffer) => void

/** What a driver reads from: a socket, or what decrypts it. */
export interface Line {
  pause(): unknown
  resume(): unknown
  listeners(event: 'data'): unknown[]
  on(event: 'data', listener: OnData): unknown
  off(event: 'data', listener: OnData): unknown
  /** Of a socket that can lend what it receives. */
  lend?(): void
  keep?(): void
}

export class ReceivedRows {
  readonly #chunkBytes: number
  readonly #waiting: CopyChunk[] = []
  /** Buffers that the reader has given back: without them each megabyte waits for the garbage collector. */
  readonly #free: Buffer[] = []
  #buffer: Buffer
  #filled = 0
  #rows = 0
  #longestRow = 0
  #state: 'running' | 'ended' | 'failed' = 'running'
  #error: unknown
  #isWanted = true
  #isRefused = false
  #wake: (() => void) | undefined
  #line: Line | undefined
  /** While the line is ours: who gets its bytes instead of the driver, and the driver, which gets what is no row. */
  #taken: { by: OnData; from: readonly OnData[] } | undefined

  constructor(chunkBytes: number) {
    this.#chunkBytes = chunkBytes
    this.#buffer = Buffer.allocUnsafe(chunkBytes)
  }

  /** From now on until the end `take` gets the bytes of the line. Drivers make an object of each row. */
  takeOver(line: Line, take: OnData): void {
    const from = line.listeners('data') as OnData[]
    this.#line = line
    this.#taken = { by: take, from }
    line.on('data', take)
    for (const listener of from) line.off('data', listener)
    line.lend?.()
  }

  /** Bytes that are no row, for the driver: it may keep what it gets, and the memory is the line's. */
  pass(bytes: Buffer): void {
    const kept = Buffer.from(bytes)
    for (const listener of this.#taken?.from ?? []) listener(kept)
  }

  /** How many bytes of rows are wanted at once; one row more is taken when it alone is longer. */
  get room(): number {
    return this.#chunkBytes - this.#filled
  }

  /** Rows that are whole. */
  add(bytes: Buffer, start: number, end: number, { count, longestRow }: { count: number; longestRow: number }): void {
    if (!this.#isTaken) return
    this.#makeRoom(end - start)
    this.#count(count, longestRow)
    this.keep(bytes, start, end)
  }

  /** A row begins: its length, and how many bytes of it are to be kept. */
  begin(length: number, keptBytes: number = length): void {
    if (length > MAX_ROW_BYTES) this.#refuse(length)
    if (!this.#isTaken) return
    this.#makeRoom(keptBytes)
    this.#count(1, length)
  }

  /** The row that has begun is longer than it was said to be, and this much of it follows. */
  lengthen(length: number, following: number): void {
    if (length > MAX_ROW_BYTES) this.#refuse(length)
    if (!this.#isTaken) return
    this.#count(0, length)
    const needed = this.#filled + following
    if (needed <= this.#buffer.length) return
    const longer = Buffer.allocUnsafe(Math.max(needed, Math.min(2 * this.#buffer.length, MAX_ROW_BYTES)))
    this.#buffer.copy(longer, 0, 0, this.#filled)
    this.#buffer = longer
  }

  /** A piece of the row that has begun. */
  keep(bytes: Buffer, start: number, end: number): void {
    if (!this.#isTaken) return
    bytes.copy(this.#buffer, this.#filled, start, end)
    this.#filled += end - start
  }

  /** Every row has come: the line is the driver's again. */
  end(): void {
    this.#giveBack()
    if (this.#state !== 'running') return
    this.#cut(0)
    this.#state = 'ended'
    this.#wake?.()
  }

  fail(error: unknown): void {
    this.#giveBack()
    if (this.#state !== 'running') return
    this.#state = 'failed'
    this.#error = error
    this.#wake?.()
  }

  /** True when all has come, or nothing more will. */
  get finished(): boolean {
    return this.#state !== 'running'
  }

  async *chunks(): AsyncGenerator<CopyChunk, void, undefined> {
    for (;;) {
      const chunk = this.#waiting.shift()
      if (chunk !== undefined) {
        if (this.#waiting.length < MAX_WAITING && !this.#isRefused) this.#line?.resume()
        yield chunk
      } else if (this.#state === 'failed') throw this.#error
      else if (this.#state === 'ended') return
      else if (this.#isRefused)
        throw new TypeError('this is a bug in tidemark: a row that is too long was read on from')
      else await this.#change()
    }
  }

  /** Throw away what still comes, until the line is free. */
  async drain(): Promise<void> {
    this.#isWanted = false
    this.#line?.resume()
    while (!this.finished) await this.#change()
  }

  get #isTaken(): boolean {
    return this.#isWanted && !this.#isRefused
  }

  #giveBack(): void {
    if (this.#taken === undefined) return
    for (const listener of this.#taken.from) this.#line?.on('data', listener)
    this.#line?.off('data', this.#taken.by)
    this.#line?.keep?.()
    this.#taken = undefined
  }

  #count(rows: number, longestRow: number): void {
    this.#rows += rows
    if (longestRow > this.#longestRow) this.#longestRow = longestRow
  }

  /** A row that is longer than a chunk, or became so, stays alone: a buffer of its own may have room for others. */
  #makeRoom(bytes: number): void {
    const isLong = this.#filled + bytes > this.#chunkBytes
    if (isLong && (this.#filled > 0 || bytes > this.#buffer.length)) this.#cut(bytes)
  }

  /** Nobody carries this row: its length goes on instead of it, and nothing more is read, so that it never is in memory. */
  #refuse(bytes: number): void {
    if (!this.#isTaken) return
    this.#isRefused = true
    this.#push({ bytes: Buffer.alloc(0), rows: 0, longestRow: bytes })
    this.#line?.pause()
  }

  #push(chunk: CopyChunk): void {
    this.#waiting.push(chunk)
    if (this.#waiting.length >= MAX_WAITING) this.#line?.pause()
    this.#wake?.()
  }

  /** Hand over the rows so far, and go on with a buffer that has room for the next. A row longer than a chunk gets one of its own. */
  #cut(next: number): void {
    if (this.#rows > 0) {
      const buffer = this.#buffer
      const release = (): void => {
        if (buffer.length === this.#chunkBytes) this.#free.push(buffer)
      }
      this.#push({ bytes: buffer.subarray(0, this.#filled), rows: this.#rows, longestRow: this.#longestRow, release })
    }
    const free = next > this.#chunkBytes ? undefined : this.#free.pop()
    this.#buffer = free ?? Buffer.allocUnsafe(Math.max(this.#chunkBytes, next))
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
