/** A reader over the tokens of one file: look, take, expect, and step over a query or an expression as a whole. */
import type { Place } from '../../errors/problem.ts'
import { type Problem } from '../../errors/problem.ts'
import { FLOW_SYNTAX, FLOW_UNBUILT } from '../../errors/flow.ts'
import { placeAt } from './place.ts'
import { type Dialect, type Token, tokenize } from './token.ts'

/** Thrown inside the parser only; the statement loop catches it and goes on after the next semicolon. */
export class ParseStop extends Error {
  readonly problem: Problem
  constructor(problem: Problem) {
    super(problem.message)
    this.problem = problem
  }
}

/** Text of the user together with where it begins. */
export interface Span {
  text: string
  place: Place
}

export interface Cursor {
  /** Problems that do not stop the statement, for example a clause that is not built yet. */
  readonly problems: Problem[]
  peek(ahead?: number): Token
  next(): Token
  /** True when the next tokens are these words, in any case. */
  at(words: string): boolean
  /** Take these words when they are next. */
  take(words: string): boolean
  expect(words: string, hint?: string): Token
  /** A name, quoted or not. */
  name(what: string): Token
  place(token: Token): Place
  fail(expected: string, hint?: string): never
  unbuilt(clause: string, token: Token, instead?: string): void
  /** Text from the next token up to the first token outside parentheses where `ends` holds, or the semicolon. */
  span(what: string, ends: () => boolean): Span
  /** Take a parenthesised group, parentheses included. */
  skipGroup(): void
}

export function openCursor(file: string, text: string, dialect: Dialect): Cursor {
  const tokens = tokenize(text, dialect)
  const problems: Problem[] = []
  let index = 0
  const peek = (ahead = 0): Token => tokens[Math.min(index + ahead, tokens.length - 1)] as Token
  const next = (): Token => {
    const token = peek()
    index = Math.min(index + 1, tokens.length - 1)
    return token
  }
  const place = (token: Token): Place =>
    placeAt(text, token.start, { file, line: 1, column: 1 }, token.end - token.start)
  const at = (words: string): boolean => words.split(' ').every((word, i) => isWord(peek(i), word))
  const take = (words: string): boolean => {
    if (!at(words)) return false
    for (const _ of words.split(' ')) next()
    return true
  }
  const fail = (expected: string, hint?: string): never => {
    const token = peek()
    const broken = token.kind === 'broken'
    throw new ParseStop(
      FLOW_SYNTAX(
        broken
          ? { expected: 'the end of this literal or comment', found: 'the end of the file', hint: 'Close it.' }
          : { expected, found: token.kind === 'end' ? 'the end of the file' : token.text.slice(0, 40), hint },
        { place: place(token) },
      ),
    )
  }
  const span = (what: string, ends: () => boolean): Span => {
    const first = peek()
    let last: Token | undefined
    for (let depth = 0; ; last = next()) {
      const token = peek()
      if (token.kind === 'broken') fail(what)
      if (token.kind === 'end' || (token.kind === 'symbol' && token.text === ';')) break
      if (depth === 0 && (ends() || token.text === ')')) break
      if (token.text === '(') depth++
      else if (token.text === ')') depth--
    }
    if (!last) return fail(what)
    return { text: text.slice(first.start, last.end), place: place(first) }
  }
  return {
    problems,
    peek,
    next,
    at,
    take,
    place,
    fail,
    span,
    expect: (words, hint) => {
      const token = peek()
      return take(words) ? token : fail(words, hint)
    },
    name: what => (peek().kind === 'word' || peek().kind === 'name' ? next() : fail(what)),
    unbuilt: (clause, token, instead) => void problems.push(FLOW_UNBUILT({ clause, instead }, { place: place(token) })),
    skipGroup: () => {
      if (!take('(')) fail('(')
      span('the content of the parentheses', () => false)
      if (!take(')')) fail(')')
    },
  }
}

function isWord(token: Token, word: string): boolean {
  if (token.kind === 'symbol') return token.text === word
  return token.kind === 'word' && token.text.toUpperCase() === word
}
