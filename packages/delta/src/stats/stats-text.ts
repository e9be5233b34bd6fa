/**
 * Looking up single values in stats text without parsing all of it: a table's stats are read for every file, and of
 * each file a predicate needs a few columns. Numbers come out in their own digits.
 */

/** Where the values of one stats text begin; undefined for what it lacks. */
export interface StatsText {
  readonly text: string
  readonly numRecords: number | undefined
  readonly minValues: number | undefined
  readonly maxValues: number | undefined
  readonly nullCount: number | undefined
}

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const BACKSLASH = 0x5c
const OPEN = 0x7b
const CLOSE = 0x7d

/** Find the sections of a stats text; undefined when it is not one JSON object. */
export function openStats(text: string | undefined): StatsText | undefined {
  if (text === undefined) return undefined
  const found: Record<string, number> = {}
  const end = eachMember(text, skipSpace(text, 0), (key, value) => {
    found[key] = value
    return true
  })
  if (end === undefined || skipSpace(text, end) !== text.length) return undefined
  return {
    text,
    numRecords: found['numRecords'],
    minValues: found['minValues'],
    maxValues: found['maxValues'],
    nullCount: found['nullCount'],
  }
}

/**
 * The text of the value at `path` under the object that begins at `start`: a string without its quotes, anything else as
 * it stands. Undefined when there is none, or it is null, an object or an array.
 */
export function findText(text: string, start: number | undefined, path: readonly string[]): string | undefined {
  let place = start
  for (const name of path) {
    if (place === undefined) return undefined
    let next: number | undefined
    eachMember(text, place, (key, value) => {
      if (key === name) next = value
      return next === undefined
    })
    place = next
  }
  return place === undefined ? undefined : scalarAt(text, place)
}

/**
 * Visit the members of the object at `start` until `visit` answers false. Returns the place after the object, or
 * undefined when it is not an object or the visit ended early.
 */
function eachMember(text: string, start: number, visit: (key: string, value: number) => boolean): number | undefined {
  if (text.charCodeAt(start) !== OPEN) return undefined
  let at = skipSpace(text, start + 1)
  if (text.charCodeAt(at) === CLOSE) return at + 1
  while (text.charCodeAt(at) === QUOTE) {
    const keyEnd = endOfString(text, at)
    if (keyEnd === undefined) return undefined
    const key = unquote(text.slice(at + 1, keyEnd - 1))
    at = skipSpace(text, keyEnd)
    if (key === undefined || text.charCodeAt(at) !== COLON) return undefined
    at = skipSpace(text, at + 1)
    if (!visit(key, at)) return undefined
    const valueEnd = endOfValue(text, at)
    if (valueEnd === undefined) return undefined
    at = skipSpace(text, valueEnd)
    const mark = text.charCodeAt(at)
    if (mark === CLOSE) return at + 1
    if (mark !== COMMA) return undefined
    at = skipSpace(text, at + 1)
  }
  return undefined
}

function scalarAt(text: string, start: number): string | undefined {
  const end = endOfValue(text, start)
  if (end === undefined) return undefined
  const value = text.slice(start, end)
  if (value.startsWith('"')) return unquote(value.slice(1, -1))
  return value === 'null' || value.startsWith('{') || value.startsWith('[') ? undefined : value
}

/** The characters between quotes; undefined when an escape in them is wrong. */
function unquote(inner: string): string | undefined {
  if (!inner.includes('\\')) return inner
  try {
    return String(JSON.parse(`"${inner}"`))
  } catch {
    return undefined
  }
}

function endOfValue(text: string, start: number): number | undefined {
  const first = text.charCodeAt(start)
  if (first === QUOTE) return endOfString(text, start)
  if (first === OPEN || first === 0x5b) return endOfNested(text, start)
  let at = start
  while (at < text.length && !isEnd(text.charCodeAt(at))) at += 1
  return at > start ? at : undefined
}

/** After the bracket that closes the one at `start`. Brackets inside strings do not count. */
function endOfNested(text: string, start: number): number | undefined {
  let depth = 0
  for (let at = start; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      const end = endOfString(text, at)
      if (end === undefined) return undefined
      at = end - 1
    } else if (code === OPEN || code === 0x5b) depth += 1
    else if (code === CLOSE || code === 0x5d) {
      depth -= 1
      if (depth === 0) return at + 1
    }
  }
  return undefined
}

/** After the closing quote of the string at `start`: the first quote with an even number of backslashes before it. */
function endOfString(text: string, start: number): number | undefined {
  for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let slashes = 0
    while (text.charCodeAt(at - 1 - slashes) === BACKSLASH) slashes += 1
    if (slashes % 2 === 0) return at + 1
  }
  return undefined
}

function skipSpace(text: string, start: number): number {
  let at = start
  while (text.charCodeAt(at) <= 0x20) at += 1
  return at
}

function isEnd(code: number): boolean {
  return code === COMMA || code === CLOSE || code === 0x5d || code <= 0x20
}
