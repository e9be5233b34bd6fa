/**
 * SELECTs of DuckDB's syntax tree to typed SQL: every column printed with the table it comes from, `*` spelled out,
 * unions brought to common types. In a stream, whatever needs more than one row at a time is refused.
 */
import { FLOW_COLUMN_NAME, FLOW_QUERY, FLOW_STREAM_SHAPE } from '../../../errors/flow.ts'
import { ident, join, raw, type Sql, sql } from '../../../engine/sql.ts'
import { type Builder, unify, unsignedZero } from './arithmetic.ts'
import { child, children, flag, hasChild, type Node, str, strings } from './ast.ts'
import type { Typed } from './cast.ts'
import { builder, readCondition, readExpression, refuse, type Surroundings } from './expression.ts'
import { readFrom, type Sources } from './from.ts'
import { type Column, EMPTY_SCOPE, findColumn, type Scope, starColumns } from './scope.ts'
import { hasAggregate } from './call.ts'
import { duckdbType, isFractional, isOpen, type LakeType } from './type.ts'
import { printOrder } from './window.ts'

/** A query with its columns; they are undefined where an input's columns are not known. */
export interface TypedQuery {
  sql: Sql
  columns: readonly Column[] | undefined
  streamed: boolean
}

export function readQuery(node: Node, sources: Sources): TypedQuery {
  const inner = withCtes(node, sources)
  if (str(node, 'type') === 'SELECT_NODE') return readSelect(node, inner)
  if (str(node, 'type') === 'SET_OPERATION_NODE') return readUnion(node, inner)
  refuse(
    surroundings(EMPTY_SCOPE, inner),
    node,
    str(node, 'type') === 'RECURSIVE_CTE_NODE' ? 'WITH RECURSIVE' : str(node, 'type'),
  )
  return { sql: raw('SELECT 1'), columns: undefined, streamed: false }
}

const surroundings = (
  scope: Scope,
  sources: Sources,
  aliases: ReadonlyMap<string, Node> = new Map(),
): Surroundings => ({
  walk: sources.walk,
  scope,
  aliases,
})

/** Common table expressions are read where they are defined and pasted where they are named. */
function withCtes(node: Node, sources: Sources): Sources {
  let inner = sources
  for (const entry of children(child(node, 'cte_map'), 'map')) {
    const value = child(entry, 'value')
    if (strings(value, 'aliases').length > 0)
      refuse(surroundings(EMPTY_SCOPE, inner), value, 'WITH name (columns)', 'name the columns inside')
    const query = readQuery(child(child(value, 'query'), 'node'), { ...inner, isNameless: false })
    inner = { ...inner, ctes: new Map(inner.ctes).set(str(entry, 'key').toLowerCase(), query) }
  }
  return inner
}

interface Item extends Column {
  sql: Sql
}

function readSelect(node: Node, sources: Sources): TypedQuery {
  const from = readFrom(child(node, 'from_table'), { ...sources, isNameless: false })
  const listed = children(node, 'select_list')
  const aliases = new Map(
    listed.filter(n => str(n, 'alias')).map(n => [str(n, 'alias').toLowerCase(), { ...n, alias: '' }]),
  )
  const at = withFloatKeys(node, surroundings(from.scope, sources, aliases))
  if (hasChild(node, 'sample') || hasChild(node, 'qualify'))
    refuse(at, node, hasChild(node, 'qualify') ? 'QUALIFY' : 'TABLESAMPLE')
  const lists = listed.map((item, i) =>
    str(item, 'class') === 'STAR' ? readStar(item, at) : [readItem(item, at, sources.isNameless ? `_${i}` : '')],
  )
  const items = lists.some(l => !l) ? undefined : lists.flatMap(l => l ?? [])
  if (items && !sources.isNameless) checkNames(node, items, at)
  const distinct = distinctOf(node, at)
  const shown = distinct.text === '' ? items : items?.map(i => ({ ...i, ...unsignedZero(i) }))
  const parts = [sql`SELECT ${distinct}${join((shown ?? []).map(i => sql`${i.sql} AS ${ident(i.name)}`))}`]
  if (from.sql) parts.push(sql`FROM ${from.sql}`)
  if (hasChild(node, 'where_clause'))
    parts.push(sql`WHERE ${readCondition(child(node, 'where_clause'), { ...at, aliases: new Map() }).sql}`)
  parts.push(...readGroups(node, at))
  if (hasChild(node, 'having')) parts.push(sql`HAVING ${readCondition(child(node, 'having'), at).sql}`)
  parts.push(...readModifiers(node, at, items))
  return { sql: join(parts, ' '), columns: items, streamed: from.scope.streamed }
}

/** GROUP BY ALL groups by every expression of the select list that holds no aggregate. */
const isGroupedByAll = (node: Node): boolean => str(node, 'aggregate_handling') === 'FORCE_AGGREGATES'
const keysOfAll = (node: Node): Node[] => children(node, 'select_list').filter(item => !hasAggregate(item))

/** Where GROUP BY has keys that are floats or doubles, they are known before anything is printed. */
function withFloatKeys(node: Node, at: Surroundings): Surroundings {
  const keys = isGroupedByAll(node)
    ? keysOfAll(node).filter(item => str(item, 'class') !== 'STAR')
    : children(node, 'group_expressions').map(group => itemAt(positionOf(group), node) ?? group)
  if (keys.length === 0) return at
  // What is wrong with them is said where they are printed.
  const quiet = { ...at, walk: { ...at.walk, problems: [] } }
  const values = keys.map(key => readExpression({ ...key, alias: '' }, quiet))
  return { ...at, floatKeys: new Set(values.filter(value => isFractional(value.type)).map(value => value.sql.text)) }
}

/** @param fallback name of an expression that has none, where names do not matter */
function readItem(node: Node, at: Surroundings, fallback: string): Item {
  // An alias is not yet a name inside its own expression.
  const others = new Map([...at.aliases].filter(([name]) => name !== str(node, 'alias').toLowerCase()))
  const value: Typed = readExpression(node, { ...at, aliases: others })
  const isColumn = str(node, 'class') === 'COLUMN_REF'
  const parts = strings(node, 'column_names')
  const found = isColumn ? findColumn(at.scope, parts) : undefined
  const name =
    str(node, 'alias') || (found?.kind === 'column' ? found.name : isColumn ? (parts.at(-1) ?? '') : fallback)
  if (name) return { name, type: value.type, sql: value.sql }
  at.walk.problems.push(
    FLOW_COLUMN_NAME(
      { column: 'This expression', why: 'it has no name, and each engine would invent another' },
      { place: at.walk.place(node) },
    ),
  )
  return { name: 'unnamed', type: value.type, sql: value.sql }
}

function readStar(node: Node, at: Surroundings): Item[] | undefined {
  if (flag(node, 'columns') || children(node, 'replace_list').length > 0 || children(node, 'rename_list').length > 0) {
    refuse(at, node, flag(node, 'columns') ? 'COLUMNS()' : '* REPLACE or RENAME')
  }
  const columns = starColumns(at.scope, str(node, 'relation_name'))
  if (!columns) return undefined
  const without = strings(node, 'exclude_list')
  const excluded = new Set(without.map(name => name.toLowerCase()))
  for (const name of without)
    readExpression({ ...node, class: 'COLUMN_REF', column_names: [name] }, { ...at, aliases: new Map() })
  return columns.filter(c => !excluded.has(c.name.toLowerCase()))
}

function checkNames(node: Node, items: readonly Item[], at: Surroundings): void {
  const seen = new Set<string>()
  for (const { name } of items) {
    if (seen.has(name.toLowerCase())) {
      const why = 'two output columns have this name; names ignore case'
      at.walk.problems.push(FLOW_COLUMN_NAME({ column: name, why }, { place: at.walk.place(node) }))
    }
    seen.add(name.toLowerCase())
  }
}

function refuseInStream(what: string, node: Node, at: Surroundings): void {
  if (at.walk.use === 'stream') at.walk.problems.push(FLOW_STREAM_SHAPE({ what }, { place: at.walk.place(node) }))
}

function distinctOf(node: Node, at: Surroundings): Sql {
  const distinct = children(node, 'modifiers').find(m => str(m, 'type') === 'DISTINCT_MODIFIER')
  if (!distinct) return raw('')
  refuseInStream('DISTINCT', node, at)
  if (children(distinct, 'distinct_on_targets').length > 0)
    refuse(at, node, 'DISTINCT ON', 'write row_number() OVER (…)')
  return raw('DISTINCT ')
}

function readGroups(node: Node, at: Surroundings): Sql[] {
  const groups = children(node, 'group_expressions')
  if (isGroupedByAll(node)) return readGroupsOfAll(node, at)
  if (groups.length === 0) return []
  refuseInStream('GROUP BY', groups[0] ?? node, at)
  const sets = node['group_sets']
  if (!Array.isArray(sets) || sets.length !== 1)
    refuse(at, groups[0] ?? node, 'GROUP BY with CUBE, ROLLUP or GROUPING SETS')
  return [sql`GROUP BY ${join(groups.map(g => readByPosition(g, node, at)))}`]
}

/** Spelled out, because DuckDB does not group by a constant: without rows there would be one group. */
function readGroupsOfAll(node: Node, at: Surroundings): Sql[] {
  refuseInStream('GROUP BY', node, at)
  const keys = keysOfAll(node)
  if (keys.some(key => str(key, 'class') === 'STAR')) return [raw('GROUP BY ALL')]
  // Problems of the keys are said where the select list is read.
  const quiet = { ...at, walk: { ...at.walk, problems: [] } }
  const printed = keys.map(key => readExpression({ ...key, alias: '' }, quiet).sql)
  return printed.length === 0 ? [] : [sql`GROUP BY ${join(printed)}`]
}

/** A whole number in GROUP BY is a position in the select list. */
function readByPosition(group: Node, node: Node, at: Surroundings): Sql {
  const position = positionOf(group)
  if (position === undefined) return readExpression(group, at).sql
  const item = itemAt(position, node)
  if (item) return readExpression({ ...item, alias: '' }, at).sql
  at.walk.problems.push(
    FLOW_QUERY({ reason: `There is no expression at position ${position}.` }, { place: at.walk.place(group) }),
  )
  return raw('NULL')
}

function itemAt(position: number | undefined, node: Node): Node | undefined {
  const item = position === undefined ? undefined : children(node, 'select_list')[position - 1]
  return item && str(item, 'class') !== 'STAR' ? item : undefined
}

function positionOf(node: Node): number | undefined {
  const value = child(node, 'value')
  return str(node, 'class') === 'CONSTANT' && str(child(value, 'type'), 'id') === 'INTEGER'
    ? Number(str(value, 'value'))
    : undefined
}

/** ORDER BY and LIMIT. An output column, by name or position, is printed as its position. */
function readModifiers(node: Node, at: Surroundings, items: readonly Column[] | undefined): Sql[] {
  const parts: Sql[] = []
  const isDistinct =
    items !== undefined && children(node, 'modifiers').some(m => str(m, 'type') === 'DISTINCT_MODIFIER')
  for (const modifier of children(node, 'modifiers')) {
    const type = str(modifier, 'type')
    if (type === 'ORDER_MODIFIER') {
      refuseInStream('ORDER BY', children(modifier, 'orders')[0] ?? node, at)
      const orders = children(modifier, 'orders').map(o =>
        printOrder(o, orderKey(child(o, 'expression'), at, items, isDistinct)),
      )
      parts.push(sql`ORDER BY ${join(orders)}`)
    } else if (type === 'LIMIT_MODIFIER') {
      refuseInStream('LIMIT', modifier, at)
      for (const key of ['limit', 'offset']) {
        if (!hasChild(modifier, key)) continue
        const count = positionOf(child(modifier, key))
        if (count === undefined) refuse(at, child(modifier, key), `${key.toUpperCase()} that is not a literal`)
        parts.push(raw(`${key.toUpperCase()} ${count ?? 0}`))
      }
    } else if (type !== 'DISTINCT_MODIFIER') refuse(at, modifier, type)
  }
  return parts
}

function orderKey(by: Node, at: Surroundings, items: readonly Column[] | undefined, isDistinct: boolean): Sql {
  const position = positionOf(by)
  if (position !== undefined) return raw(String(position))
  const [name, ...more] = strings(by, 'column_names')
  const index =
    more.length === 0 && name ? (items ?? []).findIndex(i => i.name.toLowerCase() === name.toLowerCase()) : -1
  if (index >= 0) return raw(String(index + 1))
  if (isDistinct) refuse(at, by, 'ORDER BY of something that DISTINCT does not select')
  return readExpression(by, at).sql
}

function readUnion(node: Node, sources: Sources): TypedQuery {
  const at = surroundings(EMPTY_SCOPE, sources)
  if (str(node, 'setop_type') !== 'UNION') refuse(at, node, str(node, 'setop_type'))
  refuseInStream('UNION', node, at)
  const sides = hasChild(node, 'left') ? [child(node, 'left'), child(node, 'right')] : children(node, 'children')
  const queries = sides.map((side, i) => readQuery(side, i === 0 ? sources : { ...sources, isNameless: true }))
  const columns = unionColumns(queries, node, at)
  const isDistinct = node['setop_all'] === false
  const word = raw(isDistinct ? ' UNION ' : ' UNION ALL ')
  const cast = (c: Column, i: number): Sql => castColumn(c, columns?.[i] ?? c, isDistinct, builder(node, 'UNION', at))
  const printed = queries.map(q => sql`SELECT ${join((q.columns ?? []).map(cast))} FROM (${q.sql})`)
  const named = surroundings(
    { ...EMPTY_SCOPE, columns: (columns ?? []).map(c => ({ ...c, sql: ident(c.name), qualifiers: [] })) },
    sources,
  )
  const open = columns ? named : surroundings({ ...EMPTY_SCOPE, open: [''] }, sources)
  const modifiers = readModifiers(node, open, columns)
  return { sql: join([join(printed, word.text), ...modifiers], ' '), columns, streamed: queries.some(q => q.streamed) }
}

function castColumn(from: Column, to: Column, isDistinct: boolean, b: Builder): Sql {
  const value = b.as({ sql: ident(from.name), type: from.type }, to.type)
  const cast = isOpen(to.type) ? value.sql : sql`CAST(${value.sql} AS ${duckdbType(to.type)})`
  return sql`${isDistinct ? unsignedZero({ sql: cast, type: to.type }).sql : cast} AS ${ident(to.name)}`
}

/** Columns are matched by position; the first side gives the names. */
function unionColumns(queries: readonly TypedQuery[], node: Node, at: Surroundings): Column[] | undefined {
  const [first] = queries
  if (!first?.columns || queries.some(q => !q.columns)) return undefined
  if (queries.some(q => q.columns?.length !== first.columns?.length)) {
    const reason = 'The sides of UNION have different numbers of columns.'
    at.walk.problems.push(FLOW_QUERY({ reason }, { place: at.walk.place(node) }))
    return undefined
  }
  return first.columns.map((column, i) => {
    const values = queries.map(q => ({
      sql: raw('NULL'),
      type: q.columns?.[i]?.type ?? ({ kind: 'unknown' } as LakeType),
    }))
    return { name: column.name, type: unify(values, builder(node, 'UNION', at)).type }
  })
}
