/**
 * Rows of a text result as CSV chunks, from the packets of the protocol to bytes of a file: no value becomes a text or a
 * number of JavaScript. A slow reader stops the socket, so memory is bounded.
 */
import type { CopyChunk } from '../segments.ts'

/**
 * How the bytes of a value are written: `bare` for texts that never hold a quote, comma or line break, `quoted` for any
 * text, `hex` for bytes that are no text.
 */
export type CsvForm = 'bare' | 'quoted' | 'hex'

/** A packet of the protocol as mysql2 hands it out; its memory is reused after the call. */
export interface RowPacket {
  readonly buffer: Buffer
  readonly offset: number
  readonly end: number
}

const QUOTE = 0x22
const COMMA = 0x2c
const LINE_FEED = 0x0a
const NULL_VALUE = 0xfb
/** Shorter values are looked at byte by byte, which is faster than a call. */
const SHORT = 48
const HEX = Buffer.from('0123456789abcdef')

/** Gathers rows into chunks of whole lines. */
export class CsvChunks {
  readonly #forms: readonly CsvForm[]
  readonly #chunkBytes: number
  readonly #take: (chunk: CopyChunk) => void
  #buffer: Buffer
  #filled = 0
  #rows = 0
  #longestRow = 0

  /** @param forms of all columns of the result, in order */
  constructor(forms: readonly CsvForm[], chunkBytes: number, take: (chunk: CopyChunk) => void) {
    this.#forms = forms
    this.#chunkBytes = chunkBytes
    this.#take = take
    this.#buffer = Buffer.allocUnsafe(chunkBytes)
  }

  /** Append one row packet as a line. */
  add({ buffer: from, offset, end }: RowPacket): void {
    // The flag in front is one digit, and in its place stands how long a row is that is too long.
    const digits = from[offset] ?? 0
    if (digits > 1 && digits < NULL_VALUE) {
      return this.#refuse(Number(from.toString('latin1', offset + 1, offset + 1 + digits)))
    }
    // Each byte becomes at most two, each value gains a comma and two quotes.
    const most = 2 * (end - offset) + 3 * this.#forms.length + 1
    if (this.#filled + most > this.#buffer.length) this.#cut(most)
    const into = this.#buffer
    const start = this.#filled
    let at = offset
    let out = start
    for (let i = 0; i < this.#forms.length; i += 1) {
      if (i > 0) into[out++] = COMMA
      const first = from[at++] ?? 0
      if (first === NULL_VALUE) continue
      let length = first
      if (first === 0xfc) {
        length = from.readUInt16LE(at)
        at += 2
      } else if (first === 0xfd) {
        length = from.readUIntLE(at, 3)
        at += 3
      } else if (first === 0xfe) {
        length = from.readUIntLE(at, 6)
        at += 8
      }
      const form = this.#forms[i]
      if (form === 'quoted') out = putQuoted(from, at, length, into, out)
      else if (form === 'hex') out = putHex(from, at, length, into, out)
      else out = putBare(from, at, length, into, out)
      at += length
    }
    into[out++] = LINE_FEED
    this.#filled = out
    this.#rows += 1
    if (out - start > this.#longestRow) this.#longestRow = out - start
    if (out >= this.#chunkBytes) this.#cut(0)
  }

  #refuse(bytes: number): void {
    this.#longestRow = bytes
    this.#take({ bytes: this.#buffer.subarray(0, this.#filled), rows: this.#rows, longestRow: bytes })
    this.#rows = 0
    this.#cut(0)
  }

  /** Hand over what is left. */
  end(): void {
    this.#cut(0)
  }

  #cut(next: number): void {
    if (this.#rows > 0) {
      const bytes = this.#buffer.subarray(0, this.#filled)
      this.#take({ bytes, rows: this.#rows, longestRow: this.#longestRow })
    }
    // The buffer just handed over belongs to the reader. A row longer than a chunk gets one of its own.
    this.#buffer = Buffer.allocUnsafe(Math.max(this.#chunkBytes, next))
    this.#filled = 0
    this.#rows = 0
    this.#longestRow = 0
  }
}

function putBare(from: Buffer, at: number, length: number, into: Buffer, out: number): number {
  if (length > SHORT) {
    from.copy(into, out, at, at + length)
    return out + length
  }
  let to = out
  for (let i = at; i < at + length; i += 1) into[to++] = from[i] ?? 0
  return to
}

function putQuoted(from: Buffer, at: number, length: number, into: Buffer, out: number): number {
  let to = out
  into[to++] = QUOTE
  if (length > SHORT && !from.subarray(at, at + length).includes(QUOTE)) {
    from.copy(into, to, at, at + length)
    to += length
  } else {
    for (let i = at; i < at + length; i += 1) {
      const byte = from[i] ?? 0
      if (byte === QUOTE) into[to++] = QUOTE
      into[to++] = byte
    }
  }
  into[to++] = QUOTE
  return to
}

/** Quoted, because no bytes at all are not NULL. */
function putHex(from: Buffer, at: number, length: number, into: Buffer, out: number): number {
  let to = out
  into[to++] = QUOTE
  for (let i = at; i < at + length; i += 1) {
    const byte = from[i] ?? 0
    into[to++] = HEX[byte >> 4] ?? 0
    into[to++] = HEX[byte & 15] ?? 0
  }
  into[to++] = QUOTE
  return to
}
