/**
 * Z85: bytes as text, five characters for each four bytes (ZeroMQ RFC 32). Deletion vectors use it for uuids and for
 * vectors that lie in the log itself.
 */

const DIGITS = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#'
const VALUES: ReadonlyMap<string, number> = new Map([...DIGITS].map((digit, value) => [digit, value]))

/** Print bytes; a length that is no multiple of four is filled up with zeros. */
export function printZ85(bytes: Uint8Array): string {
  let text = ''
  for (let start = 0; start < bytes.length; start += 4) {
    let value = 0
    for (let i = start; i < start + 4; i += 1) value = value * 256 + (bytes[i] ?? 0)
    let group = ''
    for (let i = 0; i < 5; i += 1) {
      group = (DIGITS[value % 85] ?? '') + group
      value = Math.floor(value / 85)
    }
    text += group
  }
  return text
}

/** Parse text, four bytes for each five characters. Throws TypeError for what no bytes give. */
export function parseZ85(text: string): Uint8Array {
  if (text.length % 5 !== 0) throw new TypeError('its Z85 text is not made of groups of five')
  const bytes = new Uint8Array((text.length / 5) * 4)
  const view = new DataView(bytes.buffer)
  for (let start = 0; start < text.length; start += 5) {
    let value = 0
    for (const digit of text.slice(start, start + 5)) {
      const digitValue = VALUES.get(digit)
      if (digitValue === undefined) throw new TypeError(`${JSON.stringify(digit)} is not a character of Z85`)
      value = value * 85 + digitValue
    }
    if (value > 0xffffffff) throw new TypeError('a group of its Z85 text stands for more than four bytes')
    view.setUint32((start / 5) * 4, value)
  }
  return bytes
}
