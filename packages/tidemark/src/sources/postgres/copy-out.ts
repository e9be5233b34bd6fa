/**
 * COPY … TO STDOUT as chunks of whole rows. The server sends one message a row, so rows are counted and cut exactly,
 * whatever they hold.
 */
import type pg from 'pg'
import { type Line, ReceivedRows } from '../received-rows.ts'
import type { CopyChunk } from '../segments.ts'
import { CopyFrames } from './copy-frames.ts'

/** What pg hands a query object while it runs, as far as we use it. */
interface CopyConnection {
  stream: Line
  query(text: string): void
}

export class CopyOut implements pg.Submittable {
  readonly #statement: string
  readonly #received: ReceivedRows
  readonly #frames: CopyFrames
  #sent = 0n

  constructor(statement: string, chunkBytes: number) {
    this.#statement = statement
    const received = new ReceivedRows(chunkBytes)
    this.#received = received
    this.#frames = new CopyFrames({
      beginRow: bytes => received.begin(bytes),
      rowBytes: (bytes, start, end) => received.keep(bytes, start, end),
      pass: bytes => received.pass(bytes),
    })
  }

  /** True when the server has ended the statement, well or badly: the connection is free again. */
  get finished(): boolean {
    return this.#received.finished
  }

  submit(connection: pg.Connection): void {
    const copied = connection as unknown as CopyConnection
    this.#received.takeOver(copied.stream, bytes => this.#frames.take(bytes))
    copied.query(this.#statement)
  }

  handleCommandComplete(message: { text: string }): void {
    const tag = /^COPY (\d+)$/.exec(message.text)
    if (tag?.[1] !== undefined) this.#sent = BigInt(tag[1])
  }

  handleReadyForQuery(): void {
    this.#received.end()
  }

  handleError(error: unknown): void {
    this.#received.fail(error)
  }

  /** The chunks, then the number of rows that the server counted. */
  async *[Symbol.asyncIterator](): AsyncGenerator<CopyChunk, bigint, undefined> {
    yield* this.#received.chunks()
    return this.#sent
  }
}
