/**
 * Lines of JSON taken apart: where each value begins and ends, and what it is. Escapes are undone where they stand, since
 * nothing gets longer by that. What SQLite's `json_array` never writes ends the reading.
 */

export const NULL = 0
export const INTEGER = 1
export const REAL = 2
export const TEXT = 3

const QUOTE = 0x22
const COMMA = 0x2c
const BACKSLASH = 0x5c
const OPEN = 0x5b
const CLOSE = 0x5d
const LINE_FEED = 0x0a
const POINT = 0x2e
const LETTER_E = 0x65
const LETTER_N = 0x6e
const LETTER_U = 0x75
/** What single letters stand for behind a backslash; anything else is itself. */
const ESCAPES: ReadonlyMap<number, number> = new Map(
  Object.entries({ b: 8, f: 12, n: 10, r: 13, t: 9 }).map(([letter, byte]) => [letter.charCodeAt(0), byte]),
)

export class Lines {
  readonly width: number
  rows = 0
  bytes: Uint8Array = new Uint8Array(0)
  /** For each value of each row, one row behind the other. */
  starts: Int32Array = new Int32Array(0)
  ends: Int32Array = new Int32Array(0)
  kinds: Uint8Array = new Uint8Array(0)

  constructor(width: number) {
    this.width = width
  }

  /** Take apart lines, each with its end but maybe the last. The bytes are changed. */
  read(bytes: Uint8Array, rows: number): void {
    this.#room(rows * this.width)
    this.bytes = bytes
    this.rows = rows
    let at = 0
    for (let row = 0; row < rows; row++) {
      at = this.#readRow(at, row * this.width)
      if (bytes[at] === LINE_FEED) at += 1
      else if (at !== bytes.length) throw malformed('goes on behind a row')
    }
    if (at !== bytes.length) throw malformed('has more rows than were counted')
  }

  #readRow(start: number, first: number): number {
    const { bytes, starts, ends, kinds } = this
    const end = first + this.width
    let at = start
    if (bytes[at++] !== OPEN) throw malformed('has a row that is no array')
    for (let n = first; n < end; n++) {
      const head = bytes[at]
      if (head === QUOTE) {
        starts[n] = ++at
        kinds[n] = TEXT
        let byte = bytes[at]
        while (byte !== QUOTE && byte !== BACKSLASH && byte !== undefined) byte = bytes[++at]
        if (byte === QUOTE) ends[n] = at++
        else at = this.#readEscaped(at, n)
      } else if (head === LETTER_N) {
        kinds[n] = NULL
        at += 4
      } else {
        starts[n] = at
        let kind = INTEGER
        let byte = head
        while (byte !== COMMA && byte !== CLOSE && byte !== undefined) {
          if (byte === POINT || byte === LETTER_E) kind = REAL
          byte = bytes[++at]
        }
        kinds[n] = kind
        ends[n] = at
      }
      const behind = bytes[at++]
      if (behind === COMMA) {
        if (n === end - 1) throw malformed('has a row of more values than columns')
      } else if (behind !== CLOSE) throw malformed('breaks off in a row')
      else if (n < end - 1 && bytes[at++] !== OPEN) throw malformed('has a row of fewer values than columns')
    }
    return at
  }

  /** From the first backslash on. Gives where the text has ended. */
  #readEscaped(start: number, n: number): number {
    const { bytes } = this
    let at = start
    let out = start
    for (;;) {
      const byte = bytes[at++]
      if (byte === QUOTE) break
      if (byte === undefined) throw malformed('breaks off in a text')
      if (byte !== BACKSLASH) {
        bytes[out++] = byte
        continue
      }
      const letter = bytes[at++] ?? 0
      if (letter === LETTER_U) {
        bytes[out++] = this.#readCode(at)
        at += 4
      } else bytes[out++] = ESCAPES.get(letter) ?? letter
    }
    this.ends[n] = out
    return at
  }

  /** Control characters alone are written by their number. */
  #readCode(at: number): number {
    const code = Number.parseInt(String.fromCharCode(...this.bytes.subarray(at, at + 4)), 16)
    if (!(code < 0x80)) throw malformed('has a character by its number')
    return code
  }

  #room(values: number): void {
    if (values <= this.starts.length) return
    this.starts = new Int32Array(values)
    this.ends = new Int32Array(values)
    this.kinds = new Uint8Array(values)
  }
}

function malformed(what: string): TypeError {
  return new TypeError(`this is a bug in tidemark: JSON of SQLite ${what}`)
}
