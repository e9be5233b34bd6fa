/**
 * Tokens of flow files. Every token knows where it stands, so that everything built on them can name its place.
 * Comments and white space are no tokens; a semicolon inside a literal or comment ends nothing.
 */
export type Dialect = 'portable' | 'duckdb'

export interface Token {
  /** `name` is a quoted identifier, `broken` a literal or comment whose end is missing. */
  kind: 'word' | 'name' | 'string' | 'number' | 'symbol' | 'broken' | 'end'
  /** As written. */
  text: string
  /** Words and symbols as written; names and strings without quotes and escapes. */
  value: string
  /** Offsets in UTF-16 units, `end` exclusive. */
  start: number
  end: number
}

const WORD = /[\p{L}_][\p{L}\p{N}\p{M}_$]*/uy
const NUMBER = /(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y
const SYMBOL = /<=>|<=|>=|<>|!=|==|\|\||::|->|=>|\/\/|[^]/uy
/** What a text of DuckDB begins and ends with that needs no escapes: `$$` or `$tag$`. */
const DOLLARS = /\$(?:[\p{L}_][\p{L}\p{N}_]*)?\$/uy
const BLANK = /\s+|--[^\n]*/y

/**
 * Split text into tokens, the last one being `end`. In the portable dialect strings follow Spark: single or double
 * quotes, backslash escapes, r'raw'; names are in backticks. In DuckDB's, double quotes make names.
 */
export function tokenize(text: string, dialect: Dialect): Token[] {
  const tokens: Token[] = []
  let at = 0
  while (at < text.length) {
    const token = tokenAt(text, at, dialect)
    if (token.kind !== 'blank') tokens.push(token as Token)
    at = token.end
  }
  tokens.push({ kind: 'end', text: '', value: '', start: text.length, end: text.length })
  return tokens
}

/** The dialect a file asks for: a comment `-- dialect: duckdb` before the first statement. */
export function dialectOf(text: string): Dialect {
  for (const line of text.split('\n')) {
    if (/^\s*--\s*dialect:\s*duckdb\s*$/i.test(line)) return 'duckdb'
    if (!/^\s*(--.*)?$/.test(line)) return 'portable'
  }
  return 'portable'
}

type Scanned = Omit<Token, 'kind'> & { kind: Token['kind'] | 'blank' }

function tokenAt(text: string, start: number, dialect: Dialect): Scanned {
  const make = (kind: Scanned['kind'], end: number, value?: string): Scanned => {
    const own = text.slice(start, end)
    return { kind, text: own, value: value ?? own, start, end }
  }
  const blank = match(BLANK, text, start)
  if (blank) return make('blank', start + blank.length)
  if (text.startsWith('/*', start)) return closeComment(text, start, make)
  const char = text[start] ?? ''
  if ((char === 'r' || char === 'R') && dialect === 'portable' && /['"]/.test(text[start + 1] ?? '')) {
    const end = text.indexOf(text[start + 1] ?? '', start + 2)
    return end < 0 ? make('broken', text.length) : make('string', end + 1, text.slice(start + 2, end))
  }
  if (char === '`' || (char === '"' && dialect === 'duckdb')) return quoted(text, start, make, 'name', false)
  if (char === "'" || char === '"') return quoted(text, start, make, 'string', dialect === 'portable')
  const dollars = dialect === 'duckdb' ? match(DOLLARS, text, start) : undefined
  if (dollars) {
    const end = text.indexOf(dollars, start + dollars.length)
    if (end < 0) return make('broken', text.length)
    return make('string', end + dollars.length, text.slice(start + dollars.length, end))
  }
  const word = match(WORD, text, start)
  if (word) return make('word', start + word.length)
  const number = match(NUMBER, text, start)
  if (number) return make('number', start + number.length)
  return make('symbol', start + (match(SYMBOL, text, start) ?? char).length)
}

type Make = (kind: Scanned['kind'], end: number, value?: string) => Scanned

function quoted(text: string, start: number, make: Make, kind: 'name' | 'string', escapes: boolean): Scanned {
  const quote = text[start]
  let value = ''
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === quote) {
      if (text[at + 1] !== quote) return make(kind, at + 1, value)
      value += text[++at]
    } else if (escapes && text[at] === '\\' && at + 1 < text.length) {
      const [meaning, length] = unescape(text, at)
      value += meaning
      at += length - 1
    } else value += text[at]
  }
  return make('broken', text.length)
}

/** Comments nest in Spark; DuckDB files rarely hold one inside another, so one rule serves both. */
function closeComment(text: string, start: number, make: Make): Scanned {
  let depth = 1
  for (let at = start + 2; at < text.length; at++) {
    if (text.startsWith('/*', at)) depth++, at++
    else if (text.startsWith('*/', at)) {
      if (--depth === 0) return make('blank', at + 2)
      at++
    }
  }
  return make('broken', text.length)
}

const ESCAPES: Readonly<Record<string, string>> = { '0': '\0', b: '\b', n: '\n', r: '\r', t: '\t', Z: '\x1a' }

/** One escape of Spark's string literals: its meaning and its length. `\%` and `\_` stay, for LIKE. */
function unescape(text: string, at: number): [string, number] {
  const code = /\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2}))/y
  code.lastIndex = at
  const found = code.exec(text)
  if (found) {
    const point =
      found[3] === undefined ? Number.parseInt(found[1] ?? found[2] ?? '0', 16) : Number.parseInt(found[3], 8)
    return [point > 0x10ffff ? '\ufffd' : String.fromCodePoint(point), found[0].length]
  }
  const char = text[at + 1] ?? ''
  if (char === '%' || char === '_') return [`\\${char}`, 2]
  return [ESCAPES[char] ?? char, 2]
}

function match(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0]
}
