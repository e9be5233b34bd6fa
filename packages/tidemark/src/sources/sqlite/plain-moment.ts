/**
 * Texts that are surely a day or a moment as `isDay` and `isMoment` judge them: of a plain form, in the calendar, and not at
 * the ends of the years where a zone leads out of them. Other texts may be one, too; that is for SQLite to say.
 */

const [ZERO, NINE, HYPHEN, COLON, POINT, PLUS, BLANK] = [0x30, 0x39, 0x2d, 0x3a, 0x2e, 0x2b, 0x20]
const [LETTER_T, LETTER_Z, SMALL_Z] = [0x54, 0x5a, 0x7a]
const DAY_BYTES = 10
const MONTH_DAYS = Uint8Array.of(0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

/** `YYYY-MM-DD` from 0001-01-01 on. */
export function isPlainDay(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start !== DAY_BYTES || bytes[start + 4] !== HYPHEN || bytes[start + 7] !== HYPHEN) return false
  const high = twoDigits(bytes, start)
  const low = twoDigits(bytes, start + 2)
  const month = twoDigits(bytes, start + 5)
  const day = twoDigits(bytes, start + 8)
  if (high < 0 || low < 0 || high + low === 0 || month < 1 || month > 12 || day < 1) return false
  if (month !== 2 || day < 29) return day <= (MONTH_DAYS[month] ?? 0)
  return day === 29 && (low === 0 ? high % 4 === 0 : low % 4 === 0)
}

/** A day, then maybe a blank or a T and `HH:MM`, `HH:MM:SS` or that with up to six digits, then maybe Z or an offset. */
export function isPlainMoment(bytes: Uint8Array, start: number, end: number): boolean {
  if (!isPlainDay(bytes, start, start + DAY_BYTES) || end - start < DAY_BYTES || isAtAnEnd(bytes, start)) return false
  let at = start + DAY_BYTES
  if (at === end) return true
  if (bytes[at] !== BLANK && bytes[at] !== LETTER_T) return false
  if (end - at < 6 || bytes[at + 3] !== COLON || !isBelow(bytes, at + 1, 24) || !isBelow(bytes, at + 4, 60))
    return false
  at += 6
  if (at < end && bytes[at] === COLON) {
    if (end - at < 3 || !isBelow(bytes, at + 1, 60)) return false
    at += 3
    if (at < end && bytes[at] === POINT) {
      const first = ++at
      while (at < end && isDigit(bytes[at])) at += 1
      if (at === first || at - first > 6) return false
    }
  }
  return at === end || isZone(bytes, at, end)
}

function isZone(bytes: Uint8Array, at: number, end: number): boolean {
  const sign = bytes[at]
  if (sign === LETTER_Z || sign === SMALL_Z) return end - at === 1
  if ((sign !== PLUS && sign !== HYPHEN) || end - at !== 6 || bytes[at + 3] !== COLON) return false
  return isBelow(bytes, at + 1, 15) && isBelow(bytes, at + 4, 60)
}

/** In the first or the last year, of which two days may lie outside. */
function isAtAnEnd(bytes: Uint8Array, start: number): boolean {
  const high = twoDigits(bytes, start)
  const low = twoDigits(bytes, start + 2)
  return (high === 0 && low === 1) || (high === 99 && low === 99)
}

function isBelow(bytes: Uint8Array, at: number, bound: number): boolean {
  const value = twoDigits(bytes, at)
  return value >= 0 && value < bound
}

/** Negative for what are no digits. */
function twoDigits(bytes: Uint8Array, at: number): number {
  const tens = bytes[at] ?? 0
  const ones = bytes[at + 1] ?? 0
  if (tens < ZERO || tens > NINE || ones < ZERO || ones > NINE) return -1
  return (tens - ZERO) * 10 + ones - ZERO
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= NINE
}
