/** The smallest parts of JSON: blanks, texts, numbers and words, with the usual mistakes in them named. */
import type { JsonCursor } from './json-text.ts'

export interface Literal {
  value: string | number | boolean | null
  raw: string
}

/** Move past blanks. Comments are skipped too, as a mistake. */
export function skipBlanks(cursor: JsonCursor): void {
  const { text } = cursor.source
  for (;;) {
    while (cursor.at < text.length && ' \t\r\n'.includes(text[cursor.at] as string)) cursor.at++
    const start = cursor.at
    if (text.startsWith('/*', start)) {
      const close = text.indexOf('*/', start + 2)
      cursor.at = close < 0 ? text.length : close + 2
    } else if (text.startsWith('//', start) || text[start] === '#') {
      const close = text.indexOf('\n', start)
      cursor.at = close < 0 ? text.length : close
    } else {
      return
    }
    cursor.mistake({
      reason: 'it has no comments',
      fix: 'Remove the comment, or use a .yml file.',
      start,
      end: cursor.at,
    })
  }
}

const escapes: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
}

/** A text at the cursor. Single quotes are a mistake; a text ends at the latest at the end of its line. */
export function readString(cursor: JsonCursor): Literal {
  const { text } = cursor.source
  const start = cursor.at
  const quote = text[start] as string
  let value = ''
  cursor.at++
  for (;;) {
    const char = text[cursor.at]
    if (char === undefined || char === '\n' || char === '\r') {
      cursor.mistake({ reason: 'a text is not closed on its line', fix: `Add ${quote}.`, start, end: cursor.at })
      break
    }
    cursor.at++
    if (char === quote) break
    if (char === '\\') value += readEscape(cursor)
    else value += char
    if (char < ' ') {
      cursor.mistake({
        reason: 'a text holds a control character',
        fix: 'Write tabs as \\t.',
        start: cursor.at - 1,
        end: cursor.at,
      })
    }
  }
  if (quote === "'") {
    cursor.mistake({ reason: 'single quotes are used', fix: 'Use double quotes: "text".', start, end: cursor.at })
  }
  return { value, raw: value }
}

function readEscape(cursor: JsonCursor): string {
  const { text } = cursor.source
  const start = cursor.at - 1
  const letter = text[cursor.at] ?? ''
  const hex = /^u([0-9a-fA-F]{4})/.exec(text.slice(cursor.at, cursor.at + 5))?.[1]
  if (hex !== undefined) {
    cursor.at += 5
    return String.fromCharCode(Number.parseInt(hex, 16))
  }
  cursor.at++
  const plain = escapes[letter]
  if (plain === undefined) {
    cursor.mistake({ reason: `\\${letter} is not an escape`, fix: 'Write a backslash as \\\\.', start, end: cursor.at })
  }
  return plain ?? letter
}

/** A number, true, false or null at the cursor; any other bare word is a mistake and taken as text. */
export function readLiteral(cursor: JsonCursor, mistake = 'a text is not in double quotes'): Literal | undefined {
  const start = cursor.at
  const word = /^[^\s,:[\]{}"']+/.exec(cursor.source.text.slice(start, start + 1000))?.[0]
  if (word === undefined) return undefined
  cursor.at += word.length
  const isKey = mistake !== 'a text is not in double quotes'
  if (!isKey && word === 'null') return { value: null, raw: word }
  if (!isKey && (word === 'true' || word === 'false')) return { value: word === 'true', raw: word }
  if (!isKey && /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(word)) return { value: Number(word), raw: word }
  cursor.mistake({ reason: mistake, fix: `Write ${JSON.stringify(word)}.`, start, end: cursor.at })
  return { value: word, raw: word }
}
