/**
 * Looks at the lengths of a server's messages as their bytes come in, ahead of the driver, which keeps a message until all of
 * it is here: one that is too long is told by its first five bytes.
 */

/** `d`: a row of COPY. */
const COPY_DATA = 0x64
/** Kind and length; the length counts itself and not the kind. */
const HEADER = 5

export class MessageLengths {
  readonly #limit: number
  readonly #onLong: (bytes: number) => void
  readonly #header = Buffer.alloc(HEADER)
  #inHeader = 0
  #left = 0

  /** @param onLong called with the length of each row longer than the limit */
  constructor(limit: number, onLong: (bytes: number) => void) {
    this.#limit = limit
    this.#onLong = onLong
  }

  /** Bytes of the connection, in their order, from the beginning of a message on. */
  take(bytes: Buffer): void {
    let at = 0
    while (at < bytes.length) {
      if (this.#left > 0) {
        const passed = Math.min(this.#left, bytes.length - at)
        this.#left -= passed
        at += passed
      } else if (this.#inHeader === 0 && bytes.length - at >= HEADER) {
        this.#begin(bytes[at] ?? 0, bytes.readUInt32BE(at + 1))
        at += HEADER
      } else {
        this.#header[this.#inHeader] = bytes[at] ?? 0
        this.#inHeader += 1
        at += 1
        if (this.#inHeader < HEADER) continue
        this.#inHeader = 0
        this.#begin(this.#header[0] ?? 0, this.#header.readUInt32BE(1))
      }
    }
  }

  #begin(kind: number, length: number): void {
    this.#left = length - 4
    if (kind === COPY_DATA && this.#left > this.#limit) this.#onLong(this.#left)
  }
}
