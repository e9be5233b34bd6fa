/**
 * Spark's spelling to DuckDB's, token by token, with a map back: backticks, string literals, `* EXCEPT`, `<=>`,
 * STREAM(t), LIVE.t. Nothing here gives a name or operator a meaning; it only lets DuckDB's parser read the text.
 */
import type { Place, Problem } from '../../../errors/problem.ts'
import { FLOW_NOT_PORTABLE, FLOW_SYNTAX } from '../../../errors/flow.ts'
import { placeAt } from '../place.ts'
import { type Dialect, type Token, tokenize } from '../token.ts'
import { isCastType, isName, isWord, refuseSpelling } from './spelling.ts'

/** A name in the user's text that the parser will report as a table. */
export interface NameSpan {
  /** UTF-16 offsets in the user's text, `end` exclusive; with STREAM and its parentheses where they are written. */
  start: number
  end: number
  streamed: boolean
}

/** A table's name in the text that was parsed: UTF-16 offsets, `end` exclusive, and its parts without quotes. */
export interface ParsedName {
  start: number
  end: number
  parts: readonly string[]
}

export interface Normalised {
  text: string
  problems: Problem[]
  /** Place in the user's file for a byte offset of `text`. */
  place(byteOffset: number | undefined): Place
  /** The table name that stands at a byte offset of `text`. */
  nameAt(byteOffset: number | undefined): NameSpan
  /** The name that begins at a byte offset of `text`, in `text` itself; undefined where no name begins. */
  parsedNameAt(byteOffset: number): ParsedName | undefined
}

function brokenToken(token: Token): { expected: string; found: string; hint: string } | undefined {
  if (token.kind === 'broken')
    return { expected: 'the end of this literal or comment', found: 'the end of the SQL', hint: 'Close it.' }
  if (token.kind === 'number' && !Number.isFinite(Number(token.text)))
    return { expected: 'a number', found: `${token.text}, which is beyond every one`, hint: 'Write a smaller one.' }
  if (token.value.includes('\0'))
    return { expected: 'a literal of characters', found: 'a NUL', hint: 'Leave the NUL out.' }
  return undefined
}

export function normalise(source: string, origin: Place, dialect: Dialect): Normalised {
  const tokens = tokenize(source, dialect)
  const problems: Problem[] = []
  const marks: { byte: number; index: number }[] = []
  const streams = new Map<number, { start: number; end: number }>()
  const dropped = findStreams(tokens, streams)
  const out: string[] = []
  /** Where each emitted token stands in the text, by its index. */
  const spans = new Map<number, { byte: number; start: number; end: number }>()
  let [byte, at] = [0, 0]
  const emit = (text: string, index: number): void => {
    marks.push({ byte, index })
    spans.set(index, { byte, start: at, end: at + text.length })
    out.push(text)
    byte += Buffer.byteLength(text)
    at += text.length
  }
  const placeOf = (token: Token): Place => placeAt(source, token.start, origin, token.end - token.start)
  for (const [i, token] of tokens.entries()) {
    const before = tokens[i - 1]
    if (before && before.end < token.start) emit(' ', i)
    if (dropped.has(i)) continue
    const refused = dialect === 'portable' ? refuseSpelling(tokens, i) : undefined
    if (refused) problems.push(FLOW_NOT_PORTABLE(refused, { place: placeOf(token) }))
    const broken = brokenToken(token)
    if (broken !== undefined) problems.push(FLOW_SYNTAX(broken, { place: placeOf(token) }))
    else emit(dialect === 'portable' ? respell(tokens, i) : respellName(token), i)
  }
  const tokenAt = (offset: number | undefined): number => {
    const found = marks.findLast(m => m.byte <= (offset ?? 0))
    return found?.index ?? 0
  }
  return {
    text: out.join(''),
    problems,
    place: offset => placeOf(tokens[tokenAt(offset)] as Token),
    nameAt: offset => {
      const index = tokenAt(offset)
      const stream = streams.get(index)
      if (stream) return { ...stream, streamed: true }
      const [first, last] = [tokens[index] as Token, tokens[lastOfName(tokens, index)] as Token]
      return { start: first.start, end: last.end, streamed: false }
    },
    parsedNameAt: offset => {
      const first = tokenAt(offset)
      const last = lastOfName(tokens, first)
      const [from, to] = [spans.get(first), spans.get(last)]
      if (!isName(tokens[first]) || from?.byte !== offset || to === undefined) return undefined
      const parts = tokens.slice(first, last + 1).filter(isName)
      return { start: from.start, end: to.end, parts: parts.map(token => token.value) }
    },
  }
}

/**
 * Tokens of STREAM and its parentheses, which DuckDB does not read. STREAM stays a name where no table's name follows:
 * behind a dot, or before anything but a parenthesis or an identifier after FROM, JOIN or a comma.
 */
function findStreams(tokens: readonly Token[], streams: Map<number, { start: number; end: number }>): Set<number> {
  const dropped = new Set<number>()
  for (const [i, token] of tokens.entries()) {
    if (!isWord(token, 'STREAM') || !/^(FROM|JOIN|,|\()$/i.test(tokens[i - 1]?.text ?? '')) continue
    const open = tokens[i + 1]?.text === '('
    const name = open ? i + 2 : i + 1
    if (!isName(tokens[name]) || (!open && /^(WHERE|JOIN|AS|ON|GROUP|UNION)$/i.test(tokens[name]?.text ?? ''))) continue
    const last = lastOfName(tokens, name)
    if (open && tokens[last + 1]?.text !== ')') continue
    const end = open ? last + 1 : last
    streams.set(name, { start: token.start, end: tokens[end]?.end ?? token.end })
    dropped.add(i)
    if (open) dropped.add(i + 1).add(last + 1)
  }
  return dropped
}

function lastOfName(tokens: readonly Token[], first: number): number {
  let last = first
  while (tokens[last + 1]?.text === '.' && isName(tokens[last + 2])) last += 2
  return last
}

/** A name in backticks as DuckDB writes it; everything else as it is. */
function respellName(token: Token): string {
  return token.kind === 'name' ? `"${token.value.replaceAll('"', '""')}"` : token.text
}

function respell(tokens: readonly Token[], i: number): string {
  const token = tokens[i] as Token
  if (token.kind === 'name') return respellName(token)
  if (token.kind === 'string') return `'${token.value.replaceAll("'", "''")}'`
  if (isWord(token, 'EXCEPT') && tokens[i - 1]?.text === '*' && tokens[i + 1]?.text === '(') return 'EXCLUDE'
  if (token.text === '<=>') return ' IS NOT DISTINCT FROM '
  if (/^(DECIMAL|DEC|NUMERIC)$/i.test(token.text) && isCastType(tokens, i) && tokens[i + 1]?.text !== '(') {
    return `${token.text}(10, 0)`
  }
  return token.text
}
