/**
 * Goes through rows as the server sends them, says where their values begin and end, and writes the text that the version of each
 * row is a hash of, as `readHashed` describes it: both in one loop, because each has to look at every length.
 */
import type { ColumnValues } from '../parquet/column-values.ts'
import { NO_VALUE, type Places } from './places.ts'
import { putBytes, putHex } from './text-bytes.ts'

/** What a value adds to the text: nothing, itself, its bytes as hexadecimal digits, or the end of the text and another. */
export const PART = { none: 0, text: 1, hex: 2, end: 3 } as const
export type Part = (typeof PART)[keyof typeof PART]

/** Rows of one chunk, from `at` on. */
export interface RowsAt {
  view: DataView
  at: number
}

/** For each value of a row, in the order of the result. */
export interface ValuePlan {
  parts: readonly Part[]
  /** The texts of a row. */
  texts: readonly ColumnValues[]
  /** Rows of a batch: the places of a column stand together, those of the next behind them. */
  batch: number
}

const [NULL_VALUE, TWO_BYTES, THREE_BYTES] = [0xfb, 0xfc, 0xfd]
const HEADER = 4
/** Of a row in several packets nobody knows the length before its end. */
const UNKNOWN = 0xff_ff_ff
const [DASH, COLON, ZERO] = [0x2d, 0x3a, 0x30]
/** Shorter texts, whose length has up to two digits, are copied without a call. */
const SHORT = 65
/** A length in front of a value, and the colon. */
const MOST_LEAD = 11

/** Find the values of up to a batch of rows. */
export function findValues(
  { view, at: start }: RowsAt,
  { starts, ends }: Places,
  { parts, texts, batch }: ValuePlan,
): { rows: number; at: number; longestText: number } {
  const width = parts.length
  const end = view.byteLength
  const factor = parts.includes(PART.hex) ? 2 : 1
  const [first] = texts
  let longestText = 0
  let at = start
  let rows = 0
  for (; at < end && rows < batch; rows++) {
    const length = view.getUint32(at, true) & UNKNOWN
    at += HEADER
    const rowEnd = length === UNKNOWN ? end : at + length
    if (rowEnd > end) throw malformed('breaks off in a row')
    const most = (rowEnd - at) * factor + width * MOST_LEAD + 2 * HEADER
    let text = first
    let next = 1
    let begin = text === undefined ? 0 : openText(text, most)
    let out = begin
    let into = text?.view ?? view
    for (let n = 0, place = rows; n < width; n++, place += batch) {
      if (at >= rowEnd) throw malformed('has a row with too few values')
      const lead = view.getUint8(at)
      at += 1
      let bytes = lead
      if (lead >= NULL_VALUE) {
        bytes = lead === NULL_VALUE ? 0 : longLength(view, at, lead)
        if (lead !== NULL_VALUE) at += lead === TWO_BYTES ? 2 : lead === THREE_BYTES ? 3 : 8
      }
      starts[place] = lead === NULL_VALUE ? NO_VALUE : at
      ends[place] = at + bytes
      const part = parts[n]
      if (part === PART.text && lead < SHORT && at + bytes + HEADER <= end) {
        if (bytes < 10) into.setUint8(out, ZERO + bytes)
        else {
          const tens = (bytes / 10) | 0
          into.setUint8(out++, ZERO + tens)
          into.setUint8(out, ZERO + bytes - tens * 10)
        }
        into.setUint8(out + 1, COLON)
        out += 2
        // Up to three bytes more than there are: the next value is written over them.
        for (let i = 0; i < bytes; i += 4) into.setInt32(out + i, view.getInt32(at + i))
        out += bytes
      } else if (part !== PART.none && text !== undefined) {
        if (part === PART.end) {
          longestText = Math.max(longestText, closeText(text, begin, out))
          text = texts[next++]
          begin = text === undefined ? 0 : openText(text, most)
          out = begin
          into = text?.view ?? view
        } else if (lead === NULL_VALUE) {
          into.setUint8(out, DASH)
          out += 1
        } else {
          out = putLength(into, out, part === PART.hex ? 2 * bytes : bytes)
          out = part === PART.hex ? putHex(view, at, bytes, text, out) : putBytes(view, at, bytes, text, out)
        }
      }
      at += bytes
    }
    if (at !== rowEnd) throw malformed('has a row that ends elsewhere than its packet')
    if (text !== undefined) longestText = Math.max(longestText, closeText(text, begin, out))
  }
  return { rows, at, longestText }
}

/** Begin a text behind its own length; gives where. */
function openText(text: ColumnValues, most: number): number {
  text.reserve(most)
  return text.filled + HEADER
}

function closeText(text: ColumnValues, begin: number, end: number): number {
  text.view.setUint32(begin - HEADER, end - begin, true)
  text.filled = end
  text.rows += 1
  return end - begin
}

/** The length of a value, and a colon. */
function putLength(view: DataView, at: number, length: number): number {
  let digits = 1
  for (let more = length; more >= 10; more = (more / 10) | 0) digits += 1
  let left = length
  for (let n = at + digits - 1; n >= at; n--) {
    const less = (left / 10) | 0
    view.setUint8(n, ZERO + left - less * 10)
    left = less
  }
  view.setUint8(at + digits, COLON)
  return at + digits + 1
}

function longLength(view: DataView, at: number, lead: number): number {
  if (lead === TWO_BYTES) return view.getUint16(at, true)
  if (lead === THREE_BYTES) return view.getUint16(at, true) + view.getUint8(at + 2) * 0x1_00_00
  const length = view.getUint32(at, true)
  if (lead > 0xfe || view.getUint32(at + 4, true) !== 0) throw malformed('has a value without a length')
  return length
}

function malformed(what: string): TypeError {
  return new TypeError(`this is a bug in tidemark: a text result ${what}`)
}
