/** Calls in expressions: operators, functions of the closed list, LIKE, EXTRACT and aggregates. */
import { FLOW_STREAM_SHAPE } from '../../../errors/flow.ts'
import { raw, type Sql, sql } from '../../../engine/sql.ts'
import { AGGREGATE_FUNCTIONS } from './aggregates.ts'
import { type ArithmeticOperator, arithmetic, type Builder, keepSign, negate } from './arithmetic.ts'
import { child, children, flag, hasChild, isNode, itemsOf, type Node, str } from './ast.ts'
import type { Typed } from './cast.ts'
import { builder, nothing, readCondition, readExpression, refuse, type Surroundings } from './expression.ts'
import { SCALAR_FUNCTIONS } from './functions.ts'
import { concat } from './text-functions.ts'
import { simple } from './type.ts'

const LIKE: Readonly<Record<string, Sql>> = { '~~': raw('LIKE'), '!~~': raw('NOT LIKE') }

export function readFunction(node: Node, at: Surroundings): Typed {
  const name = str(node, 'function_name').toLowerCase()
  const operands = children(node, 'children')
  const b = builder(node, flag(node, 'is_operator') ? name : `${name}()`, at)
  const read = (): Typed[] => operands.map(c => readExpression(c, at))
  if (name === 'count_star' || AGGREGATE_FUNCTIONS.some(f => f.name === name)) return readAggregate(node, at)
  if (flag(node, 'distinct') || hasChild(node, 'filter')) return refuse(at, node, `${name} with DISTINCT or FILTER`)
  if (flag(node, 'is_operator')) {
    const [left, right] = read()
    if (/^[-+]$/.test(name) && left && !right) return name === '-' ? negate(left, b) : keepSign(left, b)
    if (/^[-+*/%]$/.test(name)) return arithmetic(name as ArithmeticOperator, left ?? nothing, right ?? nothing, b)
    if (name === '||') return concat([left ?? nothing, right ?? nothing], b)
    const like = LIKE[name]
    return like ? readLike(like, left ?? nothing, right ?? nothing, b) : refuse(at, node, name)
  }
  if (name === 'date_part') return readExtract(node, read(), at)
  const found = SCALAR_FUNCTIONS.find(f => f.name === name)
  if (!found)
    return refuse(at, node, name.startsWith('to_') && name.endsWith('s') ? 'INTERVAL' : `${name}()`, INSTEAD[name])
  const [fewest, most] = found.arity
  if (operands.length < fewest || operands.length > most) return b.refuse(`its form here is ${found.signature}`)
  return found.build(read(), b)
}

/** For names people bring along from another engine. */
const INSTEAD: Readonly<Record<string, string>> = {
  to_days: 'write date_add(date, days)',
  strftime: 'write year, month and day',
  string_agg: 'there is no equal of it in Spark',
}

/** EXTRACT(unit FROM date): only units that are whole numbers on both engines. */
function readExtract(node: Node, args: readonly Typed[], at: Surroundings): Typed {
  const unit = args[0]?.literal?.toLowerCase() ?? ''
  const found = ['year', 'quarter', 'month', 'day', 'hour', 'minute'].includes(unit)
    ? SCALAR_FUNCTIONS.find(f => f.name === unit)
    : undefined
  if (!found) return refuse(at, node, `EXTRACT(${unit || 'unit'} FROM …)`)
  return found.build(args.slice(1), builder(node, 'EXTRACT', at))
}

/** Spark's LIKE escapes with a backslash; the pattern is a literal, so that a wrong escape is found here. */
function readLike(word: Sql, value: Typed, pattern: Typed, b: Builder): Typed {
  if (pattern.literal === undefined) return b.refuse('the pattern of LIKE is a literal')
  if (/\\(?![%_\\])/.test(pattern.literal.replaceAll('\\\\', '')))
    return b.refuse('a backslash in LIKE stands before % or _')
  const subject = b.as(value, simple('string')).sql
  return { sql: sql`(${subject} ${word} ${pattern.sql} ESCAPE '\\')`, type: simple('boolean') }
}

function readAggregate(node: Node, at: Surroundings): Typed {
  const name = str(node, 'function_name').toLowerCase()
  if (at.walk.use !== 'view') return refuseAggregate(node, `${name.replace('_star', '')}()`, at)
  const distinct = raw(flag(node, 'distinct') ? 'DISTINCT ' : '')
  const filter = hasChild(node, 'filter')
    ? sql` FILTER (WHERE ${readCondition(child(node, 'filter'), { ...at, floatKeys: undefined }).sql})`
    : raw('')
  if (children(child(node, 'order_bys'), 'orders').length > 0) return refuse(at, node, `${name} with ORDER BY`)
  return buildAggregate(node, at, (f, argument) => sql`${raw(f)}(${distinct}${argument})${filter}`)
}

/** An aggregate, its call printed by whoever knows about DISTINCT, FILTER or OVER. */
export function buildAggregate(node: Node, at: Surroundings, call: (name: string, argument: Sql) => Sql): Typed {
  const written = str(node, 'function_name').toLowerCase()
  if (written === 'count_star') return { sql: call('count', raw('*')), type: simple('long') }
  const found = AGGREGATE_FUNCTIONS.find(f => f.name === written)
  // Spark knows no alias of the same SELECT inside an aggregate.
  const inside = { ...at, aliases: new Map<string, Node>(), floatKeys: undefined }
  const args = children(node, 'children').map(c => readExpression(c, inside))
  if (written === 'count' && args.length === 0 && str(node, 'class') === 'WINDOW') {
    return { sql: call('count', raw('*')), type: simple('long') }
  }
  if (!found || args.length !== 1) return refuse(at, node, `${written}() with ${args.length} arguments`)
  return found.build(args, call, builder(node, `${written}()`, at))
}

/** Does an expression hold an aggregate of its own query? One over a window is none. */
export function hasAggregate(node: Node): boolean {
  if (str(node, 'class') === 'WINDOW') return false
  const name = str(node, 'function_name').toLowerCase()
  if (name === 'count_star' || AGGREGATE_FUNCTIONS.some(f => f.name === name)) return true
  return Object.values(node).some(value => itemsOf(value).some(item => isNode(item) && hasAggregate(item)))
}

export function refuseAggregate(node: Node, what: string, at: Surroundings): Typed {
  if (at.walk.use === 'expression') return refuse(at, node, what, 'a condition sees one row')
  at.walk.problems.push(FLOW_STREAM_SHAPE({ what }, { place: at.walk.place(node) }))
  return nothing
}
