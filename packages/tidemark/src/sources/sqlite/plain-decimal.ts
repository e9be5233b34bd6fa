/**
 * Numbers as JSON has them that are surely decimals of a precision and a scale, and printed just so with that scale. SQLite
 * writes of a double the digits that tell it from every other, so few digits are a decimal that reads back as the same
 * double; and no more of them appear when it is printed up to the fifteenth digit.
 */

const [HYPHEN, ZERO, POINT, LETTER_E] = [0x2d, 0x30, 0x2e, 0x65]
const EXACT_DIGITS = 15

export function isPlainDecimal(
  bytes: Uint8Array,
  { start, end }: { start: number; end: number },
  { precision, scale }: { precision: number; scale: number },
): boolean {
  const first = bytes[start] === HYPHEN ? start + 1 : start
  let point = end
  for (let at = first; at < end; at++) {
    if (bytes[at] === LETTER_E) return false
    if (bytes[at] === POINT) point = at
  }
  const whole = point - first === 1 && bytes[first] === ZERO ? 0 : point - first
  if (whole > precision - scale) return false
  if (point === end) return whole <= EXACT_DIGITS
  // The zero of `5.0` is there in each scale.
  const after = end - point === 2 && bytes[point + 1] === ZERO ? 0 : end - point - 1
  return after <= scale && whole + scale <= EXACT_DIGITS
}
