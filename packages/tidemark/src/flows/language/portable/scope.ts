/** What names mean inside a query: the columns of the tables in FROM, found ignoring case. */
import { ident } from '../../../engine/sql.ts'
import type { Sql } from '../../../engine/sql.ts'
import { suggest } from '../../../config/suggest.ts'
import type { Typed } from './cast.ts'
import { type LakeType, UNKNOWN } from './type.ts'

export interface Column {
  name: string
  type: LakeType
}

/** Columns of a table or query; undefined while they are not known, as when only the text is checked. */
export type Columns = readonly Column[] | undefined

export interface ScopeColumn extends Column {
  sql: Sql
  /** Names that may stand before it: its alias, or the schema and table as written. */
  qualifiers: readonly string[]
  /** Joined by USING: found, and part of `*`, only under a qualifier. */
  isMerged?: boolean
}

export interface Scope {
  columns: ScopeColumn[]
  /** Qualifiers of tables whose columns are not known. */
  open: string[]
  /** True when a stream is read in it. */
  streamed: boolean
}

export const EMPTY_SCOPE: Scope = { columns: [], open: [], streamed: false }

export function scopeOf(columns: Columns, alias: string, qualifiers: readonly string[], streamed: boolean): Scope {
  const own = columns?.map(c => ({ ...c, sql: ident(alias, c.name), qualifiers })) ?? []
  return { columns: own, open: columns ? [] : [...qualifiers], streamed }
}

export function joinScopes(left: Scope, right: Scope): Scope {
  return {
    columns: [...left.columns, ...right.columns],
    open: [...left.open, ...right.open],
    streamed: left.streamed || right.streamed,
  }
}

const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase()

export type Found =
  | { kind: 'column'; value: Typed; name: string }
  | { kind: 'ambiguous'; choices: string }
  | { kind: 'missing'; suggestion: string | undefined }

/** Find a column by its parts: `c`, `t.c` or `schema.t.c`. */
export function findColumn(scope: Scope, parts: readonly string[]): Found {
  const name = parts.at(-1) ?? ''
  const qualifier = parts.slice(0, -1).join('.')
  const isUnder = (names: readonly string[]): boolean => names.some(q => same(q, qualifier))
  const fits = scope.columns.filter(c => same(c.name, name) && (qualifier ? isUnder(c.qualifiers) : !c.isMerged))
  const [only] = fits
  if (only && fits.length === 1) return { kind: 'column', value: { sql: only.sql, type: only.type }, name: only.name }
  if (fits.length > 1) return { kind: 'ambiguous', choices: fits.map(c => `${c.qualifiers[0]}.${c.name}`).join(' or ') }
  if (scope.open.length > 0 && (!qualifier || isUnder(scope.open))) {
    return { kind: 'column', value: { sql: ident(...parts), type: UNKNOWN }, name }
  }
  const known = scope.columns.filter(c => !qualifier || isUnder(c.qualifiers))
  return {
    kind: 'missing',
    suggestion: suggest(
      name,
      (known.length > 0 ? known : scope.columns).map(c => c.name),
    ),
  }
}

/** The columns `*` or `t.*` stands for; undefined when some of them are not known. */
export function starColumns(scope: Scope, qualifier: string): readonly ScopeColumn[] | undefined {
  const isMine = (names: readonly string[]): boolean => !qualifier || names.some(q => same(q, qualifier))
  if (isMine(scope.open) && scope.open.length > 0) return undefined
  return scope.columns.filter(c => (qualifier ? isMine(c.qualifiers) : !c.isMerged))
}
