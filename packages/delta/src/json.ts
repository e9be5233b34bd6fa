/**
 * JSON without loss: integers beyond 2^53 are read as bigint, and numbers may be written from their exact text.
 */
import { parseNamed } from './escaped-names.ts'

/** Any number longer than fifteen digits may not survive a double; only such lines pay for the exact parser. */
const LONG_NUMBER = /\d{16}/

const raw = JSON as unknown as { rawJSON(text: string): object }

/** Parse JSON; an integer that a double cannot hold becomes a bigint. Throws SyntaxError. */
export function parseJson(text: string): unknown {
  if (!LONG_NUMBER.test(text)) return parseNamed(text)
  return parseNamed(text, (value, source) => {
    if (typeof value !== 'number' || Number.isSafeInteger(value) || source === undefined) return value
    return /^-?\d+$/.test(source) ? BigInt(source) : value
  })
}

/** Parse JSON with every number replaced by `number(text)` of its own text. Throws SyntaxError. */
export function parseJsonNumbers(text: string, number: (text: string) => unknown): unknown {
  return parseNamed(text, (value, source) =>
    typeof value === 'number' && source !== undefined ? number(source) : value,
  )
}

/** A number for `printJson` in exactly these digits. Throws SyntaxError when the text is not a JSON number. */
export function exactNumber(text: string): object {
  if (!/^-?\d/.test(text)) throw new SyntaxError(`${text} is not a number`)
  return raw.rawJSON(text)
}

/** Print JSON in one line; bigint values become plain integers. */
export function printJson(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? exactNumber(String(item)) : item))
}
