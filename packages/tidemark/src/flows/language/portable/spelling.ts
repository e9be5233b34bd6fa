/**
 * Spellings that DuckDB would read, but Spark not at all or as something else. The syntax tree no longer tells them from their
 * portable twins, so they are found in the tokens. spark-answers.golden holds what Spark says to each.
 */
import type { Token } from '../token.ts'

export function isName(token: Token | undefined): boolean {
  return token?.kind === 'word' || token?.kind === 'name'
}

export function isWord(token: Token | undefined, word: string): boolean {
  return token?.kind === 'word' && token.text.toUpperCase() === word
}

export function isCastType(tokens: readonly Token[], i: number): boolean {
  return isWord(tokens[i - 1], 'AS') || tokens[i - 1]?.text === '::'
}

interface Refused {
  name: string
  why: string
}

/** What is wrong with the token at `i` as part of portable SQL; undefined when nothing is. */
export function refuseSpelling(tokens: readonly Token[], i: number): Refused | undefined {
  return refuseLiteral(tokens, i) ?? refuseSugar(tokens, i) ?? refuseClause(tokens, i)
}

/** Literals that Spark reads as another value or type, or not at all. */
function refuseLiteral(tokens: readonly Token[], i: number): Refused | undefined {
  const token = tokens[i] as Token
  const before = tokens[i - 1]
  if (before?.kind === 'number' && token.kind === 'word' && before.end === token.start) {
    return { name: `${before.text}${token.text}`, why: 'write CAST(… AS type) in place of a number with a letter' }
  }
  if (token.kind === 'string' && before?.kind === 'word' && before.end === token.start && !isTyped(before)) {
    return { name: `${before.text}'…'`, why: "write CAST('…' AS BINARY) for bytes, r'…' for a text without escapes" }
  }
  if (token.kind === 'number' && isFoldedMinus(tokens, i)) {
    return { name: `-(${token.text})`, why: 'Spark gives it another type than without the parentheses; CAST it' }
  }
  if (token.kind === 'number' && !/e/i.test(token.text) && token.text.replace('.', '').length > 38) {
    return { name: token.text, why: 'a number has at most 38 digits' }
  }
  if (token.kind === 'string' && before?.kind === 'string')
    return { name: 'Joining literals', why: 'write || between them' }
  if (/^(VARCHAR|CHAR|CHARACTER)$/i.test(token.text) && isCastType(tokens, i) && tokens[i + 1]?.text === '(') {
    return { name: `${token.text}(n)`, why: 'write STRING, and substring where the length matters' }
  }
  if (token.kind === 'string' && before?.kind === 'word' && TYPE.test(before.text)) {
    return { name: `${before.text} '…'`, why: `write CAST('…' AS ${before.text.toUpperCase()})` }
  }
  if (token.kind === 'string' && isWord(before, 'AS'))
    return { name: "AS '…'", why: 'write a name, in backticks where it is no plain word' }
  return undefined
}

/** Types whose name before a text makes a literal of it in DuckDB; Spark has that of dates and timestamps alone. */
const TYPE =
  /^(?:U?(?:BIG|SMALL|TINY|HUGE)?INT|U?INTEGER|INT[1248]|LONG|SHORT|DOUBLE|FLOAT[48]?|REAL|DEC|DECIMAL|NUMERIC|BOOL|BOOLEAN|STRING|TEXT|VARCHAR|CHAR|BPCHAR|BINARY|VARBINARY|BLOB|BYTEA|TIME|TIMETZ|TIMESTAMPTZ|TIMESTAMP_(?:S|MS|US|NS)|DATETIME|UUID|JSON|BIT)$/i

/** Operators and shapes of expressions that only DuckDB reads, or that Spark reads as something else. */
function refuseSugar(tokens: readonly Token[], i: number): Refused | undefined {
  const token = tokens[i] as Token
  const [before, next, third] = [tokens[i - 1], tokens[i + 1], tokens[i + 2]]
  if (['//', '->', '=>'].includes(token.text)) return { name: token.text, why: 'Spark has no such operator here' }
  if (token.text === '~') return { name: '~', why: 'write LIKE' }
  if (token.text === ':') return { name: ':', why: 'write the expression, AS and the name' }
  if (token.text === ',' && endsList(next)) return { name: 'A comma behind the last of a list', why: 'leave it out' }
  if (token.text === '.' && (before?.text === ')' || before?.kind === 'string') && third?.text === '(')
    return { name: `….${next?.text}()`, why: `write ${next?.text}(…)` }
  if (isWord(token, 'COUNT') && next?.text === '(' && third?.text === ')')
    return { name: 'count()', why: 'write count(*)' }
  if (/^(ISNULL|NOTNULL)$/i.test(token.text) && next?.text !== '(' && followsValue(before))
    return { name: token.text, why: `write IS ${token.text.length === 6 ? '' : 'NOT '}NULL` }
  if (isWord(token, 'NOT') && isWord(next, 'NULL') && followsValue(before))
    return { name: 'NOT NULL behind a value', why: 'write IS NOT NULL' }
  return undefined
}

/** A value stands before, not a keyword that begins one or gives it a name. */
function followsValue(before: Token | undefined): boolean {
  return before !== undefined && before.text !== '.' && !/^(IS|AS)$/i.test(before.text) && endsOperand(before)
}

/** Nothing of a list can begin with this. */
function endsList(token: Token | undefined): boolean {
  if (token === undefined || token.kind === 'end') return true
  if (token.kind === 'symbol') return [')', ']', '}', ';'].includes(token.text)
  return (
    token.kind === 'word' &&
    /^(FROM|WHERE|GROUP|HAVING|ORDER|LIMIT|OFFSET|UNION|INTERSECT|EXCEPT|QUALIFY|WINDOW)$/i.test(token.text)
  )
}

/** Clauses that only DuckDB reads, or that Spark reads as something else. */
function refuseClause(tokens: readonly Token[], i: number): Refused | undefined {
  const token = tokens[i] as Token
  const [second, before, next] = [tokens[i - 2], tokens[i - 1], tokens[i + 1]]
  if (isWord(token, 'EXCLUDE') && before?.text === '*' && /^(SELECT|ALL|DISTINCT|,|\.|\()$/i.test(second?.text ?? ''))
    return { name: '* EXCLUDE', why: 'write * EXCEPT (…)' }
  if (isWord(token, 'FILTER') && before?.text === ')' && next?.text === '(' && !isWord(tokens[i + 2], 'WHERE'))
    return { name: 'FILTER without WHERE', why: 'write FILTER (WHERE …)' }
  if (isWord(token, 'LIMIT') && before?.kind === 'number' && isWord(second, 'OFFSET'))
    return { name: 'LIMIT behind OFFSET', why: 'write LIMIT first' }
  if (isWord(token, 'FETCH') && /^(FIRST|NEXT)$/i.test(next?.text ?? '') && followsValue(before))
    return { name: `FETCH ${next?.text}`, why: 'write LIMIT' }
  if (isWord(token, 'ONLY') && /^(FROM|JOIN|,|\()$/i.test(before?.text ?? '') && (isName(next) || next?.text === '('))
    return { name: 'ONLY', why: 'leave it out; to Spark it is a name of a table' }
  if (isWord(token, 'MATERIALIZED') && /^(AS|NOT)$/i.test(before?.text ?? '') && next?.text === '(')
    return { name: 'MATERIALIZED', why: 'leave it out' }
  if (token.text === '(' && isWord(before, 'BY') && next?.text === ')')
    return { name: 'GROUP BY ()', why: 'leave it out' }
  return undefined
}

/** Words whose literal may follow without a blank, as in `DATE'2024-01-01'`. */
const isTyped = (word: Token): boolean => /^(DATE|TIMESTAMP|TIMESTAMP_NTZ|TIMESTAMP_LTZ)$/i.test(word.text)

/** A sign before a parenthesis or a second sign, with a number that has another type without its own minus. */
function isFoldedMinus(tokens: readonly Token[], i: number): boolean {
  if (!/^(2147483648|9223372036854775808)$/.test(tokens[i]?.text ?? '')) return false
  const own = tokens[i - 1]?.text === '-' ? i - 1 : i
  const isAlone = tokens[own - 1]?.text === '(' && tokens[i + 1]?.text === ')'
  const sign = isAlone ? own - 2 : own - 1
  return tokens[sign]?.text === '-' && (isAlone || own < i) && !endsOperand(tokens[sign - 1])
}

/** Does a value end here, so that a minus behind it subtracts? */
function endsOperand(token: Token | undefined): boolean {
  if (token === undefined || token.text === ')') return token !== undefined
  if (token.kind === 'word')
    return !/^(SELECT|DISTINCT|ALL|CASE|WHEN|THEN|ELSE|AND|OR|NOT|IN|LIKE|BETWEEN|ON|WHERE|HAVING|BY)$/i.test(
      token.text,
    )
  return token.kind !== 'symbol'
}
