/** A filter cut into tokens. What can hide the end of an expression, or begin something else, is no token. */
import { OPERATORS } from './filter-words.ts'

export type FilterToken =
  | { kind: 'word' | 'column' | 'text' | 'number'; value: string }
  | { kind: 'operator'; value: string }
  | { kind: '(' | ')' | ',' }

/** The tokens, or why there are none. `brackets`: names may stand in square brackets. */
export function filterTokens(filter: string, brackets: boolean): FilterToken[] | { refused: string } {
  const tokens: FilterToken[] = []
  let at = 0
  while (at < filter.length) {
    const rest = filter.slice(at)
    const blank = /^\s+/.exec(rest)
    if (blank !== null) {
      at += blank[0].length
      continue
    }
    const found = nextToken(rest, brackets)
    if (found === undefined) return { refused: describe(rest) }
    tokens.push(found.token)
    at += found.length
  }
  return tokens
}

const FORMS: readonly {
  form: RegExp
  kind: 'word' | 'column' | 'text' | 'number'
  doubled?: RegExp
  bracket?: true
}[] = [
  { form: /^'((?:[^'\\\0]|'')*)'(?!')/, kind: 'text', doubled: /''/g },
  { form: /^"((?:[^"\0]|"")+)"(?!")/, kind: 'column', doubled: /""/g },
  { form: /^`((?:[^`\0]|``)+)`(?!`)/, kind: 'column', doubled: /``/g },
  { form: /^\[((?:[^\]\0]|\]\])+)\](?!\])/, kind: 'column', doubled: /\]\]/g, bracket: true },
  { form: /^(\d+(?:\.\d+)?(?:e[+-]?\d+)?)(?![\p{L}\p{N}_$.'"`])/iu, kind: 'number' },
  { form: /^([\p{L}_][\p{L}\p{M}\p{N}_]*)(?![\p{L}\p{M}\p{N}_$.'"`@#])/u, kind: 'word' },
]

function nextToken(rest: string, brackets: boolean): { token: FilterToken; length: number } | undefined {
  if (/^(?:--|\/\*|\*\/)/.test(rest)) return undefined
  for (const { form, kind, doubled, bracket } of FORMS) {
    if (bracket === true && !brackets) continue
    const [whole, inner = ''] = form.exec(rest) ?? []
    if (whole === undefined) continue
    const value = doubled === undefined ? inner : inner.replace(doubled, one => one.slice(1))
    return { token: { kind, value }, length: whole.length }
  }
  const [first = ''] = rest
  if (first === '(' || first === ')' || first === ',') return { token: { kind: first }, length: 1 }
  const operator = OPERATORS.find(one => rest.startsWith(one))
  return operator === undefined ? undefined : { token: { kind: 'operator', value: operator }, length: operator.length }
}

function describe(rest: string): string {
  if (/^(?:--|\/\*|\*\/|#)/.test(rest)) return 'it holds a comment'
  if (rest.startsWith("'")) return 'a text in it does not end, or holds a backslash'
  if (/^["`[]/.test(rest)) return 'a name in it does not end, or is quoted in a way that this database does not know'
  return `${JSON.stringify([...rest.slice(0, 24)].slice(0, 12).join(''))} is no part of a filter`
}
