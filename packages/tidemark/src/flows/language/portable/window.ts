/** Window functions: ranks, lag and lead, and the aggregates over a window. Only in materialized views. */
import { join, raw, type Sql, sql } from '../../../engine/sql.ts'
import { AGGREGATE_FUNCTIONS, WINDOW_FUNCTIONS } from './aggregates.ts'
import { child, children, flag, hasChild, type Node, str } from './ast.ts'
import { integerLiteral, type Typed } from './cast.ts'
import { buildAggregate, refuseAggregate } from './call.ts'
import { readExpression, refuse, type Surroundings } from './expression.ts'
import { simple } from './type.ts'

/** Frames that both engines read alike; the first is what an ORDER BY without a frame means. */
const FRAMES: Readonly<Record<string, Sql>> = {
  'UNBOUNDED_PRECEDING CURRENT_ROW_RANGE': raw('RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW'),
  'UNBOUNDED_PRECEDING CURRENT_ROW_ROWS': raw('ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW'),
  'UNBOUNDED_PRECEDING UNBOUNDED_FOLLOWING': raw('ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING'),
}

export function readWindow(node: Node, outside: Surroundings): Typed {
  // Spark knows no alias of the same SELECT inside a window.
  const at = { ...outside, aliases: new Map<string, Node>() }
  const name = WINDOW_FUNCTIONS[str(node, 'type')]?.name ?? str(node, 'function_name').toLowerCase()
  if (at.walk.use !== 'view') return refuseAggregate(node, `${name}() OVER`, at)
  if (flag(node, 'ignore_nulls') || flag(node, 'distinct') || hasChild(node, 'filter_expr')) {
    return refuse(at, node, `${name}() OVER with DISTINCT, FILTER or IGNORE NULLS`)
  }
  const frame = FRAMES[`${str(node, 'start')} ${str(node, 'end')}`]
  if (!frame || str(node, 'exclude_clause').replace('NO_OTHER', '')) return refuse(at, node, 'This window frame')
  const hasOrder = children(node, 'orders').length > 0
  if (!hasOrder && str(node, 'end') === 'CURRENT_ROW_ROWS') return refuse(at, node, 'A frame of ROWS without ORDER BY')
  const over = sql`OVER (${overClause(node, at, frame)})`
  const isAggregate = str(node, 'type') === 'WINDOW_AGGREGATE' || /^count/.test(name)
  if (isAggregate && (name === 'count_star' || AGGREGATE_FUNCTIONS.some(f => f.name === name))) {
    return buildAggregate(node, at, (f, argument) => sql`${raw(f)}(${argument}) ${over}`)
  }
  if (!WINDOW_FUNCTIONS[str(node, 'type')]) return refuse(at, node, `${name}() OVER`)
  if (!hasOrder) return refuse(at, node, `${name}() OVER without ORDER BY`)
  return name === 'lag' || name === 'lead'
    ? readNeighbour(name, node, at, over)
    : { sql: sql`CAST(${raw(name)}() ${over} AS INTEGER)`, type: simple('integer') }
}

function readNeighbour(name: string, node: Node, at: Surroundings, over: Sql): Typed {
  const [argument] = children(node, 'children')
  if (!argument || hasChild(node, 'default_expr')) return refuse(at, node, `${name}() with a default`)
  const value = readExpression(argument, at)
  const offset = hasChild(node, 'offset_expr') ? readExpression(child(node, 'offset_expr'), at) : integerLiteral(1n)
  if (!/^\d+$/.test(offset.literal ?? '')) return refuse(at, node, `${name}() with a distance that is not a literal`)
  return { sql: sql`${raw(name)}(${value.sql}, ${offset.sql}) ${over}`, type: value.type }
}

function overClause(node: Node, at: Surroundings, frame: Sql): Sql {
  const partitions = children(node, 'partitions').map(p => readExpression(p, at).sql)
  const orders = children(node, 'orders')
  const parts: Sql[] = []
  if (partitions.length > 0) parts.push(sql`PARTITION BY ${join(partitions)}`)
  if (orders.length > 0) {
    parts.push(
      sql`ORDER BY ${join(orders.map(o => printOrder(o, readExpression(child(o, 'expression'), at).sql)))}`,
      frame,
    )
  }
  return join(parts, ' ')
}

/** One item of ORDER BY. Spark puts NULLs first going up and last going down; DuckDB's default is another. */
export function printOrder(order: Node, by: Sql): Sql {
  const isDown = str(order, 'type') === 'DESCENDING'
  const nulls = str(order, 'null_order')
  const first = /FIRST/.test(nulls) || (!/LAST/.test(nulls) && !isDown)
  return sql`${by} ${raw(isDown ? 'DESC' : 'ASC')} ${raw(first ? 'NULLS FIRST' : 'NULLS LAST')}`
}
