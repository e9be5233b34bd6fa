/**
 * A filter that a user wrote, as a condition of a table. The one place where SQL of a user reaches a source: it is read word
 * by word and written anew, names as quoted columns and texts as literals, so that it can be nothing but one expression
 * over one row that means the same in every run.
 */
import { checked, ident, join, raw, type Sql, sql, text } from '../engine/sql.ts'
import { type FilterToken, filterTokens } from './filter-text.ts'
import { FUNCTIONS, KEYWORDS, MOVING_MOMENT, NOT_OF_MYSQL, PARTS, SIZED_TYPES, TYPES } from './filter-words.ts'
import type { SourceTable } from './source.ts'

export type FilterDialect = 'postgres' | 'mysql' | 'sqlserver' | 'sqlite'

const LONGEST = 4000

/** What a filter may speak of: the columns of a table, less those whose values are not to be seen. */
export interface FilterTable extends Pick<SourceTable, 'columns'> {
  hidden?: ReadonlySet<string>
}

/** The condition in parentheses, its columns those of `t`; or why it is refused. */
export function parseFilter(filter: string, table: FilterTable, dialect: FilterDialect): Sql | { refused: string } {
  if (filter.length > LONGEST) return { refused: `it is longer than ${LONGEST} characters` }
  const tokens = filterTokens(filter, dialect === 'sqlserver' || dialect === 'sqlite')
  if (!Array.isArray(tokens)) return tokens
  if (tokens.length === 0) return { refused: 'it is empty' }
  const written: Sql[] = []
  let depth = 0
  for (const [n, token] of tokens.entries()) {
    if (token.kind === ')') depth -= 1
    if (depth < 0) return { refused: 'a parenthesis is closed that was not opened' }
    if (token.kind === ',' && depth === 0) return { refused: 'it is more than one expression' }
    if (token.kind === '(') depth += 1
    const one = printToken(tokens, n, { table, dialect })
    if (!('text' in one)) return one
    written.push(one)
  }
  if (depth > 0) return { refused: 'a parenthesis is not closed' }
  return sql`(${join(written, '')})`
}

interface Around {
  table: FilterTable
  dialect: FilterDialect
}

function printToken(tokens: readonly FilterToken[], n: number, around: Around): Sql | { refused: string } {
  const token = tokens[n]
  switch (token?.kind) {
    case 'text':
      if (MOVING_MOMENT.test(token.value)) return { refused: `'${token.value}' is another moment in every run` }
      return around.dialect === 'sqlserver' ? sql` N${text(token.value)}` : sql` ${text(token.value)}`
    case 'number':
      return sql` ${checked(token.value)}`
    case 'operator':
      return printOperator(token.value, around)
    case 'column':
      return columnNamed(token.value, around.table) ?? { refused: `the table has no column ${token.value}` }
    case 'word':
      return printWord(token.value, { before: tokens.slice(0, n), after: tokens[n + 1] }, around)
    case '(':
    case ')':
    case ',':
      return raw(token.kind)
    case undefined:
      return { refused: 'it is empty' }
  }
}

function printOperator(operator: string, { dialect }: Around): Sql | { refused: string } {
  // To MySQL it is OR, and SQL Server does not know it.
  const isKnown =
    operator === '||' ? dialect === 'postgres' || dialect === 'sqlite' : operator !== '::' || dialect === 'postgres'
  return isKnown ? raw(` ${operator}`) : { refused: `this database has no operator ${operator}` }
}

function printWord(
  written: string,
  { before, after }: { before: readonly FilterToken[]; after: FilterToken | undefined },
  { table, dialect }: Around,
): Sql | { refused: string } {
  const word = written.toLowerCase()
  const isOf = (list: ReadonlySet<string>): Sql | undefined => (list.has(word) ? raw(` ${word}`) : undefined)
  const last = before.at(-1)
  const keyword = isOf(KEYWORDS)
  if (keyword !== undefined) return keyword
  if (after?.kind === '(') {
    const isForeign = dialect === 'mysql' && NOT_OF_MYSQL.has(word)
    const known = isForeign ? undefined : (isOf(FUNCTIONS) ?? isOf(SIZED_TYPES))
    return known ?? { refused: `${written}() is none of the functions that a filter may use` }
  }
  const opener = before.at(-2)
  const isPart = last?.kind === '(' && opener?.kind === 'word' && /^(?:extract|datepart)$/i.test(opener.value)
  const isType =
    after?.kind === 'text' ||
    (last?.kind === 'operator' && last.value === '::') ||
    (last?.kind === 'word' && /^(?:as|double|at)$/i.test(last.value))
  const meant = isPart ? isOf(PARTS) : isType ? isOf(TYPES) : columnNamed(written, table)
  return meant ?? { refused: `${written} is neither a column of the table nor a word that a filter may use` }
}

/** Qualified and quoted, so that a column named like one of the server's words is still the column. */
function columnNamed(name: string, { columns, hidden }: FilterTable): Sql | { refused: string } | undefined {
  const exact = columns.find(column => column.name === name)
  const similar = columns.filter(column => column.name.toLowerCase() === name.toLowerCase())
  const found = exact ?? (similar.length === 1 ? similar[0] : undefined)
  if (found === undefined) return undefined
  // Who may choose rows by a value, or make the server complain of it, can find it out.
  if (hidden?.has(found.name) === true) return { refused: `${name} is masked` }
  return sql` t.${ident(found.name)}`
}
