/**
 * Single fields of the log's JSON, checked. Each function throws a TypeError that names the field.
 */

export type Json = Record<string, unknown>

export function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function record(value: unknown, what: string): Json {
  if (!isRecord(value)) throw new TypeError(`${what} must be an object`)
  return value
}

export function text(json: Json, key: string): string {
  const value = json[key]
  if (typeof value !== 'string') throw new TypeError(`${key} must be text`)
  return value
}

export function flag(json: Json, key: string): boolean {
  const value = json[key]
  if (typeof value !== 'boolean') throw new TypeError(`${key} must be true or false`)
  return value
}

/** An integer of any size. One that a double cannot hold must come as bigint, else it is refused. */
export function big(json: Json, key: string): bigint {
  const value = json[key]
  if (typeof value === 'bigint') return value
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value)
  throw new TypeError(`${key} must be an integer`)
}

/** An integer below 2^53: a time, a byte count, a protocol version. */
export function whole(json: Json, key: string): number {
  const value = json[key]
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  throw new TypeError(`${key} must be an integer below 2^53`)
}

export function textList(value: unknown, what: string): string[] {
  if (!Array.isArray(value)) throw new TypeError(`${what} must be a list`)
  return value.map(item => {
    if (typeof item !== 'string') throw new TypeError(`${what} must be a list of texts`)
    return item
  })
}

/** Texts by name. A name without a value is left out: readers take both for "not set". */
export function textRecord(value: unknown): Record<string, string> {
  if (!isRecord(value)) return {}
  const entries = Object.entries(value).flatMap(([key, item]) => (item == null ? [] : [[key, String(item)] as const]))
  return Object.fromEntries(entries)
}
