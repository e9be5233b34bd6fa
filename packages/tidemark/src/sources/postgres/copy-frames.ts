/**
 * Splits the bytes of a connection into messages while COPY runs: rows are handed on in the pieces they come in, without
 * being kept or becoming objects, and every other message goes to the driver as it is.
 */

/** `d`: a row of COPY. */
const COPY_DATA = 0x64
/** Kind and length; the length counts itself and not the kind. */
const HEADER = 5

export interface FrameSink {
  /** A row begins; `bytes` of it follow. */
  beginRow(bytes: number): void
  /** A piece of the row that has begun. */
  rowBytes(bytes: Buffer, start: number, end: number): void
  /** A piece of what else the server says. */
  pass(bytes: Buffer): void
}

export class CopyFrames {
  readonly #sink: FrameSink
  readonly #header = Buffer.alloc(HEADER)
  #inHeader = 0
  /** Bytes of the message under way that are still to come. */
  #left = 0
  #isRow = false

  constructor(sink: FrameSink) {
    this.#sink = sink
  }

  /** Bytes of the connection, in their order, from the beginning of a message on. */
  take(bytes: Buffer): void {
    let at = 0
    while (at < bytes.length) {
      if (this.#left > 0) at = this.#goOn(bytes, at)
      else if (this.#inHeader === 0 && bytes.length - at >= HEADER) {
        this.#begin(bytes, at)
        at += HEADER
      } else at = this.#collectHeader(bytes, at)
    }
  }

  #goOn(bytes: Buffer, at: number): number {
    const end = Math.min(at + this.#left, bytes.length)
    this.#left -= end - at
    if (this.#isRow) this.#sink.rowBytes(bytes, at, end)
    else this.#sink.pass(bytes.subarray(at, end))
    return end
  }

  #collectHeader(bytes: Buffer, at: number): number {
    this.#header[this.#inHeader] = bytes[at] ?? 0
    this.#inHeader += 1
    if (this.#inHeader === HEADER) {
      this.#inHeader = 0
      this.#begin(Buffer.from(this.#header), 0)
    }
    return at + 1
  }

  #begin(bytes: Buffer, at: number): void {
    this.#left = bytes.readUInt32BE(at + 1) - (HEADER - 1)
    this.#isRow = bytes[at] === COPY_DATA
    if (this.#isRow) this.#sink.beginRow(this.#left)
    else this.#sink.pass(bytes.subarray(at, at + HEADER))
  }
}
