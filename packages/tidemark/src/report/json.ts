/**
 * JSON as our contracts write it: 64-bit integers as text, so that no reader loses digits; what is absent is null, so
 * that every key is always there. Pure.
 */

/** Any plain value as JSON on one line: bigint as text, undefined as null. Maps and functions are bugs and throw. */
export function printJson(value: unknown, options: { indent?: number } = {}): string {
  return JSON.stringify(toJson(value), null, options.indent)
}

function toJson(value: unknown): unknown {
  switch (typeof value) {
    case 'bigint':
      return value.toString()
    case 'undefined':
      return null
    case 'object':
      if (value === null) return null
      if (Array.isArray(value)) return value.map(toJson)
      if (value instanceof Map || value instanceof Set) throw new TypeError('a Map or Set has no form in JSON')
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toJson(item)]))
    case 'function':
    case 'symbol':
      throw new TypeError(`a ${typeof value} has no form in JSON`)
    default:
      return value
  }
}
