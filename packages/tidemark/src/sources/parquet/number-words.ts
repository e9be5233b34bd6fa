/**
 * One whole number in words of 32 bits, made digit by digit: exact where a number of JavaScript's would not be. There is a single
 * one, used again for every value, because memory of its own for each would cost more than the digits.
 */

const WORD = 0x1_0000_0000
/** Words of the number, the lowest first. */
export const words: Uint32Array = new Uint32Array(4)

/** The first number with more digits. */
export function limitOf(precision: number): Uint32Array {
  const limit = 10n ** BigInt(precision)
  return Uint32Array.from({ length: 4 }, (_, n) => Number((limit >> BigInt(32 * n)) & 0xffff_ffffn))
}

export function isBelow(limit: Uint32Array, width: number): boolean {
  for (let n = width - 1; n >= 0; n--) {
    const [word, most] = [words[n] ?? 0, limit[n] ?? 0]
    if (word !== most) return word < most
  }
  return false
}

/** `words` times a factor of less than 21 bits, plus an addend; false when it becomes longer than `width` words. */
export function multiplyAdd(factor: number, addend: number, width: number): boolean {
  let carry = addend
  for (let n = 0; n < width; n++) {
    const product = (words[n] ?? 0) * factor + carry
    words[n] = product
    carry = Math.floor(product / WORD)
  }
  return carry === 0
}

/** Two's complement. */
export function negate(width: number): void {
  let carry = 1
  for (let n = 0; n < width; n++) {
    const sum = (~(words[n] ?? 0) >>> 0) + carry
    words[n] = sum
    carry = sum > 0xffff_ffff ? 1 : 0
  }
}
