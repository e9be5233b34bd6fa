/**
 * Versions of tables in a query a person typed: `t VERSION AS OF 3`, `t TIMESTAMP AS OF '2026-11-01'` and
 * `table_changes('t', 2, 5)`. Each becomes a plain table name of the same length, so that every place in the text stays.
 */
import { QUERY_REFUSED } from '../../../errors/flow.ts'
import { type Place, Problems } from '../../../errors/problem.ts'
import { placeAt } from '../place.ts'
import { type Token, tokenize } from '../token.ts'

/** A version by its number, or the one that was current at a time. */
export type Moment = { readonly version: bigint } | { readonly timestamp: string }

export interface TableAt {
  /** As written: `schema.table`, or `delta.` and a path. */
  readonly name: string
  readonly at?: Moment
  /** Both inclusive; to the newest version when `to` is left out. */
  readonly changes?: { readonly from: Moment; readonly to: Moment | undefined }
}

export interface TimeTravel {
  /** The query with a name for each table at a version. */
  readonly text: string
  /** What those names stand for. */
  readonly tables: ReadonlyMap<string, TableAt>
}

/** Read and replace them. Throws Problems for what begins like one of them and does not go on. */
export function readTimeTravel(text: string, place: Place): TimeTravel {
  const tokens = tokenize(text, 'duckdb')
  const tables = new Map<string, TableAt>()
  // A lake may have a schema of any name: none that the text speaks of is taken for a version.
  let prefix = 'v'
  while (new RegExp(`${prefix}\\d`, 'i').test(text)) prefix += '_'
  let result = text
  const replace = (from: Token, to: Token, shown: string, table: TableAt): void => {
    const schema = `${prefix}${tables.size}`
    tables.set(`${schema}.${unquoted(shown)}`, table)
    const name = `${schema}.${shown}`
    result = `${result.slice(0, from.start)}${name.padEnd(to.end - from.start)}${result.slice(to.end)}`
  }
  for (const [i, token] of tokens.entries()) {
    if (isWord(token, 'AS') && isWord(tokens[i + 1], 'OF')) {
      const kind = tokens[i - 1]
      const value = tokens[i + 2]
      const last = tokens[i - 2]
      if (!kind || !value || !last || !/^(VERSION|TIMESTAMP)$/i.test(kind.text)) continue
      const first = firstOfTable(tokens, i - 2)
      if (first === undefined) continue
      const at = momentOf(value, isWord(kind, 'VERSION') ? 'version' : 'timestamp')
      if (at === undefined) throw refused(text, place, kind, `${kind.text} AS OF`)
      replace(first, value, last.text, { name: nameOf(tokens, first, last), at })
    }
    if (isWord(token, 'TABLE_CHANGES') && tokens[i + 1]?.text === '(') {
      const [table, comma, from, next, to, close] = tokens.slice(i + 2, i + 8)
      const end = next?.text === ')' ? next : close
      const start = from && anyMoment(from)
      const stop = next?.text === ',' && to ? anyMoment(to) : undefined
      const isWhole = table?.kind === 'string' && comma?.text === ',' && end?.text === ')' && start !== undefined
      if (!isWhole || !end || (next?.text === ',' && stop === undefined))
        throw refused(text, place, token, 'table_changes')
      replace(token, end, token.text, { name: plainName(table.value), changes: { from: start, to: stop } })
    }
  }
  return { text: result, tables }
}

/** The tables a text names by path, before anything of it is believed. */
export function deltaPaths(text: string): string[] {
  const tokens = tokenize(text, 'duckdb')
  const named = tokens.flatMap((token, i) =>
    isWord(token, 'DELTA') && tokens[i + 1]?.text === '.' && isName(tokens[i + 2]) ? [tokens[i + 2]?.value ?? ''] : [],
  )
  const changed = tokens.flatMap((token, i) =>
    isWord(token, 'TABLE_CHANGES') ? [plainName(tokens[i + 2]?.value ?? '')] : [],
  )
  return [...named, ...changed.flatMap(name => (name.startsWith('delta.') ? [name.slice('delta.'.length)] : []))]
}

function momentOf(token: Token, kind: 'version' | 'timestamp'): Moment | undefined {
  if (kind === 'timestamp') return token.kind === 'string' ? { timestamp: token.value } : undefined
  return /^\d+$/.test(token.value) && token.kind !== 'name' ? { version: BigInt(token.value) } : undefined
}

function anyMoment(token: Token): Moment | undefined {
  return token.kind === 'string' ? { timestamp: token.value } : momentOf(token, 'version')
}

/** Where the name begins that ends at a token, if it stands where a table does: columns may be called version, too. */
function firstOfTable(tokens: readonly Token[], end: number): Token | undefined {
  let first = end
  while (tokens[first - 1]?.text === '.' && isName(tokens[first - 2])) first -= 2
  return isName(tokens[first]) && /^(FROM|JOIN|,|\()$/i.test(tokens[first - 1]?.text ?? '') ? tokens[first] : undefined
}

function nameOf(tokens: readonly Token[], first: Token, last: Token): string {
  const parts = tokens.slice(tokens.indexOf(first), tokens.indexOf(last) + 1).filter(isName)
  return parts.map(token => token.value).join('.')
}

/** A name inside a string: `silver.t`, or delta and a path in backticks. */
function plainName(text: string): string {
  const tokens = tokenize(text, 'duckdb')
  return tokens.flatMap(token => (isName(token) ? [token.value] : [])).join('.')
}

const unquoted = (shown: string): string => tokenize(shown, 'duckdb')[0]?.value ?? shown
const isName = (token: Token | undefined): boolean => token?.kind === 'word' || token?.kind === 'name'
const isWord = (token: Token | undefined, word: string): boolean =>
  token?.kind === 'word' && token.text.toUpperCase() === word

function refused(text: string, origin: Place, token: Token, what: string): Problems {
  const place = placeAt(text, token.start, origin, token.end - token.start)
  const forms =
    what === 'table_changes'
      ? "table_changes('schema.table', from, to) with versions, or times in quotes"
      : "schema.table VERSION AS OF 3, or TIMESTAMP AS OF '2026-11-01'"
  return new Problems([QUERY_REFUSED({ what: `${what} is not written as ${forms}` }, { place })])
}
