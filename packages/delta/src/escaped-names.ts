/**
 * JSON.parse in which a name with escapes keeps its own name. V8 compares the text of a name, escapes and all, with names
 * it met before: once it knew `a\`, it reads `"a\n"` and `"a\""` as `a\` too (nodejs/node 63785). One column's
 * statistics or partition value would stand under the other's.
 */

/** What `JSON.parse` hands to its reviver; `source` is the text of a number. */
type Reviver = (value: unknown, source: string | undefined) => unknown

interface SourceParser {
  parse(text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown): unknown
}
const json = JSON as unknown as SourceParser

/** A key follows a brace or a comma, and inside of strings no quote stands without a backslash. */
const ESCAPED_KEY = /[{,]\s*"[^"\\]*\\/

const STRING_AND_COLON = /("(?:[^"\\]|\\.)*")(\s*:)?/gs

/** Parse JSON, each value as `revive` gives it. Throws SyntaxError. */
export function parseNamed(text: string, revive?: Reviver): unknown {
  if (!text.includes('\\') || !ESCAPED_KEY.test(text)) {
    return revive === undefined
      ? JSON.parse(text)
      : json.parse(text, (_key, value, { source }) => revive(value, source))
  }
  return json.parse(text.replaceAll(STRING_AND_COLON, plainKey), (_key, value, { source }) => {
    const named = nameKeys(value)
    return revive === undefined ? named : revive(named, source)
  })
}

/** The key as digits, which need no escape; a string that is no key as it is. */
function plainKey(all: string, quoted: string, colon: string | undefined): string {
  if (colon === undefined) return all
  const name = String(JSON.parse(quoted))
  return `"k${Array.from({ length: name.length }, (_, i) => `.${name.charCodeAt(i)}`).join('')}"${colon}`
}

function nameKeys(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [nameOf(key), item]))
}

function nameOf(key: string): string {
  const codes = key.split('.').slice(1)
  return codes.map(code => String.fromCharCode(Number(code))).join('')
}
