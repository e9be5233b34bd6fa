/**
 * Printed dates and moments as days and microseconds from 1970, by whole numbers that are exact. What is no day of the calendar,
 * as the zero date or the 31st of February that a server may hold, is told.
 */
import type { ColumnValues } from '../parquet/column-values.ts'
import { NO_VALUE, type Places } from './places.ts'

const [DASH, POINT, COLON, SPACE, ZERO] = [0x2d, 0x2e, 0x3a, 0x20, 0x30]
/** `2026-01-31`, and `2026-01-31 23:59:59`, behind which up to six digits of a second may stand. */
const [DATE_BYTES, MOMENT_BYTES] = [10, 19]
const NO_DAY = -1_000_000
/** What is no number of two digits, which is out of the range of everything that is written with two. */
const NO_PAIR = 10_000
/** The days that the lake has, from 1970: the first of the year 1, and that of the year 10000. */
const [FIRST_DAY, END_DAY] = [-719_162, 2_932_897]
const MONTH_DAYS = [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
const WORD = 0x1_0000_0000
const HALF = 0x1_0000

export function takeDates(from: DataView, { starts, ends }: Places, to: ColumnValues): number {
  to.reserve(starts.length * 4)
  const { view, rows } = to
  let out = to.filled
  let unfit = 0
  for (let i = 0; i < starts.length; i++) {
    const start = starts[i] ?? NO_VALUE
    if (start === NO_VALUE) {
      to.setNull(rows + i)
      continue
    }
    const day = (ends[i] ?? 0) - start === DATE_BYTES ? dayAt(from, start) : NO_DAY
    if (day === NO_DAY) unfit += 1
    view.setInt32(out, day, true)
    out += 4
  }
  to.filled = out
  return unfit
}

/** @param edge how many days at either end of the years are refused */
export function takeMoments(from: DataView, { starts, ends }: Places, to: ColumnValues, edge: number): number {
  to.reserve(starts.length * 8)
  const { view, rows } = to
  let out = to.filled
  let unfit = 0
  for (let i = 0; i < starts.length; i++) {
    const start = starts[i] ?? NO_VALUE
    if (start === NO_VALUE) {
      to.setNull(rows + i)
      continue
    }
    const length = (ends[i] ?? 0) - start
    const day = length >= MOMENT_BYTES ? dayAt(from, start) : NO_DAY
    const second = day === NO_DAY ? -1 : secondAt(from, start + DATE_BYTES)
    const micros = second < 0 ? -1 : microsAt(from, start + MOMENT_BYTES, length - MOMENT_BYTES)
    if (micros < 0 || day < FIRST_DAY + edge || day >= END_DAY - edge) unfit += 1
    // Of 64 bits no sum is exact: seconds in halves of 16 bits below and the rest above, each times a million.
    const seconds = day * 86_400 + second
    const above = Math.floor(seconds / HALF)
    const upper = above * 1_000_000
    const lower = (seconds - above * HALF) * 1_000_000 + micros
    const high = Math.floor(upper / HALF)
    const low = (upper - high * HALF) * HALF + lower
    view.setUint32(out, low, true)
    view.setInt32(out + 4, high + Math.floor(low / WORD), true)
    out += 8
  }
  to.filled = out
  return unfit
}

function dayAt(from: DataView, at: number): number {
  const year = pairAt(from, at) * 100 + pairAt(from, at + 2)
  const month = pairAt(from, at + 5)
  const day = pairAt(from, at + 8)
  const isWritten = from.getUint8(at + 4) === DASH && from.getUint8(at + 7) === DASH
  if (!isWritten || year < 1 || year > 9999 || month < 1 || month > 12 || day < 1) return NO_DAY
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  if (day > (MONTH_DAYS[month] ?? 0) + (isLeap && month === 2 ? 1 : 0)) return NO_DAY
  // Years that begin in March, so that the day that is not in each comes last.
  const from0 = month > 2 ? year : year - 1
  const months = month > 2 ? month - 3 : month + 9
  const leaps = Math.floor(from0 / 4) - Math.floor(from0 / 100) + Math.floor(from0 / 400)
  return from0 * 365 + leaps + Math.floor((153 * months + 2) / 5) + day - 719_469
}

/** Of the day; -1 for what is none. */
function secondAt(from: DataView, at: number): number {
  const isWritten = from.getUint8(at) === SPACE && from.getUint8(at + 3) === COLON && from.getUint8(at + 6) === COLON
  const [hour, minute, second] = [pairAt(from, at + 1), pairAt(from, at + 4), pairAt(from, at + 7)]
  if (!isWritten || hour > 23 || minute > 59 || second > 59) return -1
  return hour * 3600 + minute * 60 + second
}

/** Of the second, from a point and up to six digits; -1 for anything else. */
function microsAt(from: DataView, at: number, length: number): number {
  if (length === 0) return 0
  if (length < 2 || length > 7 || from.getUint8(at) !== POINT) return -1
  let micros = 0
  for (let n = 1; n <= 6; n++) {
    const digit = n < length ? from.getUint8(at + n) - ZERO : 0
    if (digit < 0 || digit > 9) return -1
    micros = micros * 10 + digit
  }
  return micros
}

function pairAt(from: DataView, at: number): number {
  const [tens, ones] = [from.getUint8(at) - ZERO, from.getUint8(at + 1) - ZERO]
  return tens < 0 || tens > 9 || ones < 0 || ones > 9 ? NO_PAIR : tens * 10 + ones
}
