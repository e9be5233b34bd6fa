/**
 * Checksum of a JSON object by its meaning rather than its spelling (Delta protocol, "JSON checksum").
 */
import { createHash } from 'node:crypto'
import { parseJsonNumbers } from '../json.ts'
import { compareBytes } from '../store/store-path.ts'

/** MD5 over the canonical form, in hexadecimal; a top-level `checksum` is left out. Throws SyntaxError. */
export function jsonChecksum(json: string): string {
  return createHash('md5').update(canonicalJson(json)).digest('hex')
}

/** The canonical form: paths and values in byte order of the paths. */
export function canonicalJson(json: string): string {
  const value = parseJsonNumbers(json, text => new NumberText(text))
  const pairs = [...leaves(value, '')].filter(([path]) => path !== '"checksum"' && !path.startsWith('"checksum"+'))
  return pairs
    .sort(([a], [b]) => compareBytes(a, b))
    .map(([path, leaf]) => `${path}=${leaf}`)
    .join(',')
}

/** A number keeps the text it had. */
class NumberText {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

function* leaves(value: unknown, path: string): Generator<[path: string, leaf: string]> {
  const below = (name: string): string => (path === '' ? name : `${path}+${name}`)
  if (value instanceof NumberText) yield [path, value.text]
  else if (typeof value === 'string') yield [path, encode(value)]
  else if (Array.isArray(value)) for (const [i, item] of value.entries()) yield* leaves(item, below(String(i)))
  else if (typeof value === 'object' && value !== null) {
    for (const [name, item] of Object.entries(value)) yield* leaves(item, below(encode(name)))
  } else yield [path, String(value)]
}

/** Every byte but letters, digits and `-._~` as `%` and two digits. */
function encode(text: string): string {
  const percent = encodeURIComponent(text).replaceAll(/[!'()*]/g, c => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
  return `"${percent}"`
}
