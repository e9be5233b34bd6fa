/** FROM: lake tables, common table expressions, subqueries and joins, and the names they bring into scope. */
import type { Place } from '../../../errors/problem.ts'
import { FLOW_AMBIGUOUS, FLOW_STREAM_SHAPE } from '../../../errors/flow.ts'
import { ident, join, raw, type Sql, sql } from '../../../engine/sql.ts'
import { type Builder, compare } from './arithmetic.ts'
import { child, hasChild, type Node, str, strings } from './ast.ts'
import type { Typed } from './cast.ts'
import { builder, readCondition, readExpression, refuse, type Walk } from './expression.ts'
import { coalesce } from './choice-functions.ts'
import { readQuery, type TypedQuery } from './query.ts'
import { type Columns, EMPTY_SCOPE, findColumn, joinScopes, type Scope, type ScopeColumn, scopeOf } from './scope.ts'

/** What the tables of a query are. */
export interface Sources {
  walk: Walk
  ctes: ReadonlyMap<string, TypedQuery>
  /** A later side of UNION, whose columns take the names of the first side. */
  isNameless?: boolean
  /** A table of the lake; its problems are reported by whoever answers. */
  table(reference: TableReference): { sql: Sql; columns: Columns; streamed: boolean } | undefined
}

/** A lake table as the query names it. */
export interface TableReference {
  /** The parts as written: `[table]` or `[schema, table]`. */
  parts: readonly string[]
  location: number | undefined
  hasAlias: boolean
  place: Place
}

export interface From {
  sql: Sql | undefined
  scope: Scope
}

export function readFrom(node: Node, sources: Sources): From {
  switch (str(node, 'type')) {
    case '':
    case 'EMPTY':
      return { sql: undefined, scope: EMPTY_SCOPE }
    case 'BASE_TABLE':
      return readTable(node, sources)
    case 'SUBQUERY':
      return readSubquery(node, sources)
    case 'JOIN':
      return readJoin(node, sources)
    case 'TABLE_FUNCTION':
      return refuseFrom(node, sources, `${str(child(node, 'function'), 'function_name')}() in FROM`)
    case 'EXPRESSION_LIST':
      return refuseFrom(node, sources, 'VALUES')
    default:
      return refuseFrom(node, sources, str(node, 'type'))
  }
}

function refuseFrom(node: Node, sources: Sources, name: string): From {
  refuse({ walk: sources.walk, scope: EMPTY_SCOPE, aliases: new Map() }, node, name)
  return { sql: raw('(SELECT 1)'), scope: { columns: [], open: [''], streamed: false } }
}

/** Names by which DuckDB would open a file or a remote object. */
export function isFileName(name: string): boolean {
  return /[/\\]|:\/\/|\.(parquet|csv|tsv|json|ndjson|jsonl|xlsx|db|duckdb|gz|zst)$/i.test(name)
}

function readTable(node: Node, sources: Sources): From {
  const name = str(node, 'table_name')
  const schema = str(node, 'schema_name')
  if (str(node, 'catalog_name')) return refuseFrom(node, sources, 'A name of three parts')
  if (!schema && isFileName(name)) return refuseFrom(node, sources, 'A file in place of a table')
  if (hasChild(node, 'sample') || hasChild(node, 'at_clause')) return refuseFrom(node, sources, 'TABLESAMPLE or AT')
  const alias = str(node, 'alias') || name
  const cte = schema ? undefined : sources.ctes.get(name.toLowerCase())
  const qualifiers = str(node, 'alias') ? [alias] : schema ? [name, `${schema}.${name}`] : [name]
  if (cte) return named(sql`(${cte.sql})`, alias, { ...cte, qualifiers }, node)
  const location = node['query_location']
  const found = sources.table({
    parts: schema ? [schema, name] : [name],
    location: typeof location === 'string' ? Number(location) : undefined,
    hasAlias: str(node, 'alias') !== '',
    place: sources.walk.place(node),
  })
  if (!found) return { sql: raw('(SELECT 1)'), scope: { columns: [], open: qualifiers, streamed: false } }
  return named(sql`(SELECT * FROM ${found.sql})`, alias, { ...found, qualifiers }, node)
}

function readSubquery(node: Node, sources: Sources): From {
  const query = readQuery(child(child(node, 'subquery'), 'node'), sources)
  const alias = str(node, 'alias') || `_${str(node, 'query_location')}subquery`
  return named(sql`(${query.sql})`, alias, { ...query, qualifiers: [alias] }, node)
}

type Named = { columns: Columns; streamed: boolean; qualifiers: readonly string[] }

function named(relation: Sql, alias: string, of: Named, node: Node): From {
  const names = strings(node, 'column_name_alias')
  const columns = of.columns?.map((c, i) => ({ ...c, name: names[i] ?? c.name }))
  const list = names.length > 0 ? sql`(${join(names.map(n => ident(n)))})` : raw('')
  return { sql: sql`${relation} AS ${ident(alias)}${list}`, scope: scopeOf(columns, alias, of.qualifiers, of.streamed) }
}

const JOINS: Readonly<Record<string, Sql>> = {
  INNER: raw('JOIN'),
  LEFT: raw('LEFT JOIN'),
  RIGHT: raw('RIGHT JOIN'),
  OUTER: raw('FULL JOIN'),
  FULL: raw('FULL JOIN'),
}

function readJoin(node: Node, sources: Sources): From {
  const [left, right] = [readFrom(child(node, 'left'), sources), readFrom(child(node, 'right'), sources)]
  const type = str(node, 'join_type')
  const reference = str(node, 'ref_type')
  const word = JOINS[type]
  if (!word || !['REGULAR', 'CROSS'].includes(reference))
    return refuseFrom(node, sources, `${reference === 'REGULAR' ? type : reference} JOIN`)
  const { walk } = sources
  const twice = aliasOfBoth(left.scope, right.scope)
  if (twice)
    walk.problems.push(
      FLOW_AMBIGUOUS({ name: twice, choices: 'either of two tables in FROM' }, { place: walk.place(node) }),
    )
  refuseLostStream(type, left.scope, right.scope, node, walk)
  const both = joinScopes(left.scope, right.scope)
  const from = (on: Sql, joinWord = word): Sql =>
    sql`${left.sql ?? raw('')} ${joinWord} ${nest(child(node, 'right'), right.sql)}${on}`
  if (reference === 'CROSS') return { sql: from(raw(''), raw('CROSS JOIN')), scope: both }
  const using = strings(node, 'using_columns')
  if (using.length > 0) return readUsing(using, { node, type, left: left.scope, right: right.scope, both, walk, from })
  const at = { walk, scope: both, aliases: new Map<string, Node>() }
  return { sql: from(sql` ON ${readCondition(child(node, 'condition'), at).sql}`), scope: both }
}

/** A join on the right keeps its own parentheses. */
function nest(node: Node, printed: Sql | undefined): Sql {
  return str(node, 'type') === 'JOIN' ? sql`(${printed ?? raw('')})` : (printed ?? raw(''))
}

function aliasOfBoth(left: Scope, right: Scope): string | undefined {
  const names = (scope: Scope): Set<string> =>
    new Set(
      [...scope.columns.flatMap(c => c.qualifiers.slice(0, 1)), ...scope.open.slice(0, 1)].map(n => n.toLowerCase()),
    )
  return [...names(left)].find(name => name !== '' && names(right).has(name))
}

/** An outer join that may invent a missing row would invent it again for every batch of the stream. */
function refuseLostStream(type: string, left: Scope, right: Scope, node: Node, walk: Walk): void {
  if (walk.use !== 'stream') return
  const keepsLeft = ['LEFT', 'OUTER', 'FULL'].includes(type)
  const keepsRight = ['RIGHT', 'OUTER', 'FULL'].includes(type)
  if ((keepsLeft && right.streamed) || (keepsRight && left.streamed)) {
    walk.problems.push(
      FLOW_STREAM_SHAPE({ what: 'An outer join that keeps rows of the other table' }, { place: walk.place(node) }),
    )
  }
}

interface Using {
  node: Node
  type: string
  left: Scope
  right: Scope
  both: Scope
  walk: Walk
  from: (on: Sql) => Sql
}

/** USING: the columns are compared in their common type and appear once, first, as Spark shows them. */
function readUsing(names: readonly string[], using: Using): From {
  const { node, type, both, walk } = using
  const b = builder(node, 'USING', { walk, scope: both, aliases: new Map() })
  const conditions: Sql[] = []
  const merged: ScopeColumn[] = []
  const hidden = new Set<Sql>()
  for (const name of names) {
    const [l, r] = [using.left, using.right].map(scope => {
      const reference = { ...node, class: 'COLUMN_REF', column_names: [name] }
      return { value: readExpression(reference, { walk, scope, aliases: new Map() }), found: findColumn(scope, [name]) }
    })
    if (!l || !r) continue
    conditions.push(compare(raw('='), l.value, r.value, b).sql)
    hidden.add(l.value.sql).add(r.value.sql)
    const spelling = l.found.kind === 'column' ? l.found.name : name
    merged.push({ name: spelling, qualifiers: [], ...mergedValue(type, l.value, r.value, b) })
  }
  const rest = both.columns.map(c => (hidden.has(c.sql) ? { ...c, isMerged: true } : c))
  const on = sql` ON ${join(conditions, ' AND ')}`
  return { sql: using.from(on), scope: { ...both, columns: [...merged, ...rest] } }
}

function mergedValue(type: string, left: Typed, right: Typed, b: Builder): Typed {
  if (type === 'RIGHT') return { sql: right.sql, type: right.type }
  if (type === 'INNER' || type === 'LEFT') return { sql: left.sql, type: left.type }
  return coalesce([left, right], b)
}
