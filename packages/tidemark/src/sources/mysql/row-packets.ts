/**
 * Splits the bytes of a connection into packets while a query runs: rows are handed on as they lie there, many at once, without
 * becoming objects, and every other packet goes to the driver.
 */

/** Length of three bytes, and a number. */
export const PACKET_HEADER = 4
/** A packet as long as a packet can be: what it holds goes on in the next. */
const FULL = 0xff_ff_ff
const [OK, LOCAL_FILE, END, FAILURE] = [0x00, 0xfb, 0xfe, 0xff]
/** What ends columns or rows is shorter than a row that begins with the same byte. */
const END_BYTES = 9

export interface PacketSink {
  /** How many bytes of whole rows are wanted at once; one row more is taken when it alone is longer. */
  readonly room: number
  /** Rows of one packet each, with their headers. */
  rows(bytes: Buffer, start: number, end: number, found: { count: number; longestRow: number }): void
  /** A packet of a row begins that comes in pieces, and `bytes` of it follow; `isFirst` of the row. */
  beginPacket(bytes: number, isFirst: boolean): void
  /** A piece of it. In front of the first of a row stands its header. */
  rowBytes(bytes: Buffer, start: number, end: number): void
  /** A piece of what else the server says. */
  pass(bytes: Buffer): void
}

export class RowPackets {
  readonly #sink: PacketSink
  /** A header and the byte behind it, which tells rows from others, when they come apart. */
  readonly #header = Buffer.alloc(PACKET_HEADER + 1)
  #inHeader = 0
  /** Bytes of the packet under way that are still to come. */
  #left = 0
  #part: 'head' | 'columns' | 'rows' | 'rest' = 'head'
  #isRow = false
  /** True when the next packet goes on with the row of the last. */
  #goesOn = false
  #isFull = false
  /** Packets that the driver has got: it numbers them, and knows of no rows between. */
  #passed = 0

  constructor(sink: PacketSink) {
    this.#sink = sink
  }

  /** Bytes of the connection, in their order, from the answer to a query on. */
  take(bytes: Buffer): void {
    let at = 0
    while (at < bytes.length) {
      const needed = this.#goesOn ? PACKET_HEADER : PACKET_HEADER + 1
      if (this.#left > 0) at = this.#goOn(bytes, at)
      else if (this.#part === 'rest') {
        this.#sink.pass(bytes.subarray(at))
        return
      } else if (this.#inHeader > 0 || bytes.length - at < needed) at = this.#collectHeader(bytes, at, needed)
      else {
        const end = this.#part === 'rows' && !this.#goesOn ? this.#takeRows(bytes, at) : at
        if (end === at) this.#begin(bytes.subarray(at, at + needed))
        at = end === at ? at + needed : end
      }
    }
  }

  /** Hand on what is there of whole rows; gives where they end. */
  #takeRows(bytes: Buffer, start: number): number {
    const limit = Math.min(bytes.length, start + this.#sink.room)
    let longestRow = 0
    let count = 0
    let end = start
    while (end + PACKET_HEADER < bytes.length) {
      const length = lengthAt(bytes, end)
      const next = end + PACKET_HEADER + length
      if (next > bytes.length || (next > limit && count > 0) || length === FULL || isEnd(bytes, end, length)) break
      if (length > longestRow) longestRow = length
      end = next
      count += 1
    }
    if (count > 0) this.#sink.rows(bytes, start, end, { count, longestRow })
    return end
  }

  #goOn(bytes: Buffer, at: number): number {
    const end = Math.min(at + this.#left, bytes.length)
    this.#left -= end - at
    if (this.#isRow) this.#sink.rowBytes(bytes, at, end)
    else this.#sink.pass(bytes.subarray(at, end))
    if (this.#left === 0) this.#endPacket()
    return end
  }

  #collectHeader(bytes: Buffer, at: number, needed: number): number {
    this.#header[this.#inHeader] = bytes[at] ?? 0
    this.#inHeader += 1
    if (this.#inHeader === needed) {
      this.#inHeader = 0
      this.#begin(Buffer.from(this.#header.subarray(0, needed)))
    }
    return at + 1
  }

  #begin(header: Buffer): void {
    const length = lengthAt(header, 0)
    const first = header[PACKET_HEADER]
    this.#left = length - (header.length - PACKET_HEADER)
    this.#isFull = length === FULL
    this.#isRow = this.#goesOn || (this.#part === 'rows' && !isEnd(header, 0, length))
    if (this.#isRow) {
      this.#sink.beginPacket(length, !this.#goesOn)
      if (!this.#goesOn) this.#sink.rowBytes(header, 0, header.length)
    } else {
      const isAnswered = this.#part === 'head' && (first === OK || first === LOCAL_FILE)
      const isLast = this.#part === 'rows' || first === FAILURE || isAnswered
      const areNamed = this.#part === 'columns' && first === END && length < END_BYTES
      if (isLast) this.#part = 'rest'
      else if (this.#part === 'head') this.#part = 'columns'
      else if (areNamed) this.#part = 'rows'
      this.#passed += 1
      const numbered = Buffer.from(header)
      numbered[PACKET_HEADER - 1] = this.#passed & 0xff
      this.#sink.pass(numbered)
    }
    if (this.#left === 0) this.#endPacket()
  }

  #endPacket(): void {
    this.#goesOn = this.#isRow && this.#isFull
  }
}

function lengthAt(bytes: Buffer, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16)
}

/** True for the packet behind the last row, and for an error in place of it. */
function isEnd(bytes: Buffer, at: number, length: number): boolean {
  const first = bytes[at + PACKET_HEADER]
  return (first === END && length < END_BYTES) || first === FAILURE
}
