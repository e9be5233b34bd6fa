/**
 * Looking up single values in stats text without parsing all of it: a table's stats are asked for every file, and of
 * each file a predicate needs a few columns. Numbers come out in their own digits. Text is walked only as far as needed,
 * so damage behind that is not noticed.
 */

const SECTIONS = ['numRecords', 'minValues', 'maxValues', 'nullCount'] as const

type Section = (typeof SECTIONS)[number]

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_LIST = 0x5b
const BACKSLASH = 0x5c
const CLOSE_LIST = 0x5d
const OPEN = 0x7b
const CLOSE = 0x7d

/** One file's stats. Of a name that occurs twice the first counts. */
export class StatsText {
  readonly #text: string
  /** Where the values of the sections begin, as far as the text was walked; -1 where there is none. */
  readonly #starts = { numRecords: -1, minValues: -1, maxValues: -1, nullCount: -1 }
  /** The next key of the text; -1 when it was walked to its end. */
  #next: number

  constructor(text: string | undefined) {
    this.#text = text ?? ''
    this.#next = enterObject(this.#text, skipSpace(this.#text, 0))
  }

  /**
   * The text of the value at `path` in a section: a string without its quotes, anything else as it stands. Undefined when
   * there is none, or it is null, an object or an array.
   */
  find(section: Section, path: readonly string[]): string | undefined {
    while (this.#starts[section] === -1 && this.#next !== -1) this.#walk()
    let place = this.#starts[section]
    for (const name of path) place = findMember(this.#text, place, name)
    return place === -1 ? undefined : scalarAt(this.#text, place)
  }

  #walk(): void {
    const text = this.#text
    const keyEnd = endOfString(text, this.#next)
    const value = valueAfter(text, keyEnd)
    const section = SECTIONS.find(name => isKey(text, this.#next, keyEnd, name))
    if (section !== undefined && this.#starts[section] === -1) this.#starts[section] = value
    this.#next = nextMember(text, value)
  }
}

/** The `numRecords` of a stats text: rows of the file, deleted ones included; undefined when it does not tell. */
export function findRowCount(stats: string | undefined): bigint | undefined {
  const count = new StatsText(stats).find('numRecords', [])
  return count !== undefined && /^\d+$/.test(count) ? BigInt(count) : undefined
}

/** The first key of the object at `start`; -1 when it is not an object or has none. */
function enterObject(text: string, start: number): number {
  if (text.charCodeAt(start) !== OPEN) return -1
  const at = skipSpace(text, start + 1)
  return text.charCodeAt(at) === QUOTE ? at : -1
}

/** Where the value of `name` in the object at `start` begins, or -1. */
function findMember(text: string, start: number, name: string): number {
  let at = enterObject(text, start)
  while (at !== -1) {
    const keyEnd = endOfString(text, at)
    const value = valueAfter(text, keyEnd)
    if (value === -1 || isKey(text, at, keyEnd, name)) return value
    at = nextMember(text, value)
  }
  return -1
}

/** Where the value begins whose key ends at `keyEnd`, or -1. */
function valueAfter(text: string, keyEnd: number): number {
  const colon = skipSpace(text, keyEnd)
  return text.charCodeAt(colon) === COLON ? skipSpace(text, colon + 1) : -1
}

/** The key after the value at `start`, or -1. */
function nextMember(text: string, start: number): number {
  if (start === -1) return -1
  const comma = skipSpace(text, endOfValue(text, start))
  if (text.charCodeAt(comma) !== COMMA) return -1
  const key = skipSpace(text, comma + 1)
  return text.charCodeAt(key) === QUOTE ? key : -1
}

/** Compares in place. An escape makes a key longer than the name it stands for, so only longer ones have to be read. */
function isKey(text: string, start: number, end: number, name: string): boolean {
  const length = end - start - 2
  if (length === name.length) return text.startsWith(name, start + 1) && !name.includes('\\')
  return length > name.length && isSameString(text.slice(start, end), name)
}

function isSameString(quoted: string, name: string): boolean {
  return quoted.includes('\\') && unquote(quoted) === name
}

function scalarAt(text: string, start: number): string | undefined {
  const value = text.slice(start, endOfValue(text, start))
  if (value.startsWith('"')) return unquote(value)
  return value === '' || value === 'null' || value.startsWith('{') || value.startsWith('[') ? undefined : value
}

/** The string in quotes; undefined when it is cut off or an escape in it is wrong. */
function unquote(quoted: string): string | undefined {
  if (!quoted.includes('\\')) return quoted.length >= 2 && quoted.endsWith('"') ? quoted.slice(1, -1) : undefined
  try {
    return String(JSON.parse(quoted))
  } catch {
    return undefined
  }
}

/** After the value at `start`; the end of the text when it is cut off. Brackets inside strings do not count. */
function endOfValue(text: string, start: number): number {
  const first = text.charCodeAt(start)
  if (first === QUOTE) return endOfString(text, start)
  if (first !== OPEN && first !== OPEN_LIST) return endOfToken(text, start)
  let depth = 1
  let at = start + 1
  for (; at < text.length && depth > 0; at += 1) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) at = endOfString(text, at) - 1
    else if (code === OPEN || code === OPEN_LIST) depth += 1
    else if (code === CLOSE || code === CLOSE_LIST) depth -= 1
  }
  return at
}

function endOfToken(text: string, start: number): number {
  let at = start
  for (; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === COMMA || code === CLOSE || code === CLOSE_LIST || code <= 0x20) break
  }
  return at
}

/** After the closing quote of the string at `start`; the end of the text when it is cut off. */
function endOfString(text: string, start: number): number {
  let at = text.indexOf('"', start + 1)
  while (at !== -1 && text.charCodeAt(at - 1) === BACKSLASH && isEscaped(text, at)) at = text.indexOf('"', at + 1)
  return at === -1 ? text.length : at + 1
}

/** True when an odd number of backslashes stands before `at`. */
function isEscaped(text: string, at: number): boolean {
  let first = at
  while (text.charCodeAt(first - 1) === BACKSLASH) first -= 1
  return (at - first) % 2 === 1
}

function skipSpace(text: string, start: number): number {
  let at = start
  while (text.charCodeAt(at) <= 0x20) at += 1
  return at
}
