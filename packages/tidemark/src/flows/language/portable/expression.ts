/**
 * Expressions of DuckDB's syntax tree to typed SQL with Spark's meaning. A closed list: a node, operator or function
 * that is not named here is a problem with its place.
 */
import type { Place, Problem } from '../../../errors/problem.ts'
import { FLOW_AMBIGUOUS, FLOW_NOT_PORTABLE, FLOW_TYPES, FLOW_UNKNOWN_COLUMN } from '../../../errors/flow.ts'
import { join, raw, sql, text } from '../../../engine/sql.ts'
import { type Builder, compare, convert, unify, unsignedZero } from './arithmetic.ts'
import { readFunction } from './call.ts'
import { child, children, flag, hasChild, type Node, str, strings } from './ast.ts'
import { castTo, integerLiteral, type Typed } from './cast.ts'
import { coalesce } from './choice-functions.ts'
import { findColumn, type Scope } from './scope.ts'
import { type CastInfo, type LakeType, printType, simple, typeOfCast, UNKNOWN } from './type.ts'
import { readWindow } from './window.ts'

/** What one check or emission collects while it walks the tree. */
export interface Walk {
  problems: Problem[]
  place(node: Node): Place
  /** `stream` and `expression` have no aggregates and windows. */
  use: 'stream' | 'view' | 'expression'
  volatile: boolean
}

/** Where an expression stands. */
export interface Surroundings {
  walk: Walk
  scope: Scope
  /** Expressions of the select list that may be called by their alias here. */
  aliases: ReadonlyMap<string, Node>
  /** Printed keys of GROUP BY that are floats or doubles: outside aggregates they show no signed zero. */
  floatKeys?: ReadonlySet<string> | undefined
}

const BOOLEAN = simple('boolean')
/** Stands for what was refused: fits everywhere, so that one mistake is reported once. */
export const nothing: Typed = { sql: raw('NULL'), type: UNKNOWN }
const COMPARISONS: Readonly<Record<string, string>> = {
  COMPARE_EQUAL: '=',
  COMPARE_NOTEQUAL: '<>',
  COMPARE_LESSTHAN: '<',
  COMPARE_LESSTHANOREQUALTO: '<=',
  COMPARE_GREATERTHAN: '>',
  COMPARE_GREATERTHANOREQUALTO: '>=',
  COMPARE_DISTINCT_FROM: 'IS DISTINCT FROM',
  COMPARE_NOT_DISTINCT_FROM: 'IS NOT DISTINCT FROM',
}

export function readExpression(node: Node, at: Surroundings): Typed {
  const value = readAny(node, at)
  return at.floatKeys?.has(value.sql.text) ? unsignedZero(value) : value
}

function readAny(node: Node, at: Surroundings): Typed {
  switch (str(node, 'class')) {
    case 'COLUMN_REF':
      return readColumn(node, at)
    case 'CONSTANT':
      return readConstant(node, at)
    case 'CAST':
      return readCast(node, at)
    case 'CASE':
      return readCase(node, at)
    case 'COMPARISON':
      return readComparison(node, at)
    case 'CONJUNCTION': {
      const word = str(node, 'type') === 'CONJUNCTION_AND' ? ' AND ' : ' OR '
      return {
        sql: sql`(${join(
          children(node, 'children').map(c => readTruth(c, at).sql),
          word,
        )})`,
        type: BOOLEAN,
      }
    }
    case 'BETWEEN': {
      const b = builder(node, 'BETWEEN', at)
      const [value, lower, upper] = ['input', 'lower', 'upper'].map(key => readExpression(child(node, key), at))
      const low = compare(raw('>='), value ?? nothing, lower ?? nothing, b)
      return {
        sql: sql`(${low.sql} AND ${compare(raw('<='), value ?? nothing, upper ?? nothing, b).sql})`,
        type: BOOLEAN,
      }
    }
    case 'OPERATOR':
      return readOperator(node, at)
    case 'FUNCTION':
      return readFunction(node, at)
    case 'WINDOW':
      return readWindow(node, at)
    case 'SUBQUERY':
      return refuse(at, node, 'A subquery inside an expression', 'write it as a join')
    case 'STAR':
      return refuse(at, node, '* here')
    default:
      return refuse(at, node, str(node, 'class') || 'This')
  }
}

/** An expression that must be boolean: Spark takes no text, number or bare NULL for a condition. */
export function readCondition(node: Node, at: Surroundings): Typed {
  return asBoolean(readExpression(node, at), [], builder(node, 'A condition', at))
}

/** An operand of AND, OR and NOT, which may be a bare NULL. */
function readTruth(node: Node, at: Surroundings): Typed {
  return asBoolean(readExpression(node, at), ['null'], builder(node, 'A condition', at))
}

function asBoolean(value: Typed, alsoRead: readonly LakeType['kind'][], b: Builder): Typed {
  if (['boolean', 'unknown', ...alsoRead].includes(value.type.kind)) return b.as(value, BOOLEAN)
  return b.mistyped(`${value.type.kind === 'null' ? 'a bare NULL' : printType(value.type)} is not boolean`)
}

export function refuse(at: Surroundings, node: Node, name: string, why?: string): Typed {
  at.walk.problems.push(FLOW_NOT_PORTABLE({ name, why }, { place: at.walk.place(node) }))
  return nothing
}

export function builder(node: Node, name: string, at: Surroundings): Builder {
  const mistyped = (why: string): Typed => {
    at.walk.problems.push(FLOW_TYPES({ what: name, why }, { place: at.walk.place(node) }))
    return nothing
  }
  return {
    as: (value: Typed, type: LakeType): Typed => convert(value, type, mistyped),
    refuse: why => refuse(at, node, name, why),
    mistyped,
    volatile: () => {
      at.walk.volatile = true
    },
  }
}

/** DuckDB's parser reads these without parentheses as columns; Spark reads them as functions unless a column is so named. */
const BARE_FUNCTIONS = ['current_date', 'current_timestamp']

function readColumn(node: Node, at: Surroundings): Typed {
  const parts = strings(node, 'column_names')
  const found = findColumn(at.scope, parts)
  const [name] = parts
  const isKnown = found.kind === 'column' && found.value.type.kind !== 'unknown'
  if (parts.length === 1 && !isKnown && BARE_FUNCTIONS.includes(name?.toLowerCase() ?? '')) {
    return readFunction({ ...node, function_name: name ?? '' }, at)
  }
  if (found.kind === 'column') return found.value
  const aliased = parts.length === 1 && name !== undefined ? at.aliases.get(name.toLowerCase()) : undefined
  if (aliased && found.kind === 'missing') {
    // Each alias is opened once on the way down, so aliases that name each other end as unknown columns.
    const others = new Map([...at.aliases].filter(([alias]) => alias !== name?.toLowerCase()))
    return readExpression(aliased, { ...at, aliases: others })
  }
  const place = at.walk.place(node)
  const column = parts.join('.')
  at.walk.problems.push(
    found.kind === 'ambiguous'
      ? FLOW_AMBIGUOUS({ name: column, choices: found.choices }, { place })
      : FLOW_UNKNOWN_COLUMN({ column, suggestion: found.suggestion }, { place }),
  )
  return nothing
}

function readConstant(node: Node, at: Surroundings): Typed {
  const value = child(node, 'value')
  const type = child(value, 'type')
  const written = str(value, 'value')
  switch (str(type, 'id')) {
    case 'NULL':
      return { sql: raw('NULL'), type: { kind: 'null' } }
    case 'BOOLEAN':
      return { sql: raw(value['value'] === true ? 'true' : 'false'), type: BOOLEAN }
    case 'VARCHAR':
      return { sql: text(written), type: simple('string'), literal: written }
    case 'TINYINT':
    case 'SMALLINT':
    case 'INTEGER':
    case 'BIGINT':
      return integerLiteral(BigInt(written))
    case 'DOUBLE':
      return { sql: sql`CAST(${text(written)} AS DOUBLE)`, type: simple('double') }
    case 'DECIMAL':
      return decimalLiteral(written, Number(str(child(type, 'type_info'), 'scale') || '0'), at, node)
    default:
      return refuse(at, node, 'This literal', 'a whole number has at most 64 bits')
  }
}

function decimalLiteral(unscaled: string, scale: number, at: Surroundings, node: Node): Typed {
  const digits = unscaled.replace('-', '')
  if (!/^\d+$/.test(digits)) return refuse(at, node, 'This literal', 'CAST a text AS DECIMAL for more than 18 digits')
  const precision = Math.max(digits.length, scale)
  const padded = digits.padStart(scale + 1, '0')
  const sign = unscaled.startsWith('-') ? '-' : ''
  const written = scale === 0 ? padded : `${padded.slice(0, -scale)}.${padded.slice(-scale)}`
  const type: LakeType = { kind: 'decimal', precision, scale }
  return { sql: sql`CAST(${text(sign + written)} AS ${raw(`DECIMAL(${precision}, ${scale})`)})`, type }
}

function readCast(node: Node, at: Surroundings): Typed {
  const value = readExpression(child(node, 'child'), at)
  const named = child(node, 'cast_type')
  const target = typeOfCast(str(named, 'id'), child(named, 'type_info') as CastInfo)
  if (!target) return refuse(at, node, `CAST AS ${str(child(named, 'type_info'), 'name') || str(named, 'id')}`)
  const made = castTo(value, target, flag(node, 'try_cast'))
  if (made) return { sql: made.sql, type: made.type }
  const why =
    value.type.kind === 'float' || value.type.kind === 'double'
      ? 'the engines write such numbers differently'
      : undefined
  return refuse(at, node, `CAST of ${printType(value.type)} AS ${printType(target)}`, why)
}

function readCase(node: Node, at: Surroundings): Typed {
  const checks = children(node, 'case_checks')
  const otherwise = hasChild(node, 'else_expr') ? readExpression(child(node, 'else_expr'), at) : nothing
  const results = [...checks.map(c => readExpression(child(c, 'then_expr'), at)), otherwise]
  const { values, type } = unify(results, builder(node, 'CASE', at))
  const whens = checks.map(
    (check, i) => sql`WHEN ${readCondition(child(check, 'when_expr'), at).sql} THEN ${values[i]?.sql ?? raw('NULL')}`,
  )
  return { sql: sql`CASE ${join(whens, ' ')} ELSE ${values.at(-1)?.sql ?? raw('NULL')} END`, type }
}

function readComparison(node: Node, at: Surroundings): Typed {
  const operator = COMPARISONS[str(node, 'type')]
  if (!operator) return refuse(at, node, str(node, 'type'))
  const [left, right] = [readExpression(child(node, 'left'), at), readExpression(child(node, 'right'), at)]
  return compare(raw(operator), left, right, builder(node, operator, at))
}

function readOperator(node: Node, at: Surroundings): Typed {
  const operands = children(node, 'children')
  const read = (): Typed[] => operands.map(c => readExpression(c, at))
  const [first] = operands
  switch (str(node, 'type')) {
    case 'OPERATOR_NOT':
      return { sql: sql`(NOT ${readTruth(first ?? {}, at).sql})`, type: BOOLEAN }
    case 'OPERATOR_IS_NULL':
      return { sql: sql`(${readExpression(first ?? {}, at).sql} IS NULL)`, type: BOOLEAN }
    case 'OPERATOR_IS_NOT_NULL':
      return { sql: sql`(${readExpression(first ?? {}, at).sql} IS NOT NULL)`, type: BOOLEAN }
    case 'OPERATOR_COALESCE':
      return coalesce(read(), builder(node, 'coalesce', at))
    case 'COMPARE_IN':
    case 'COMPARE_NOT_IN': {
      const { values } = unify(read(), builder(node, 'IN', at))
      const [value, ...list] = values.map(v => v.sql)
      const word = raw(str(node, 'type') === 'COMPARE_IN' ? 'IN' : 'NOT IN')
      return { sql: sql`(${value ?? raw('NULL')} ${word} (${join(list)}))`, type: BOOLEAN }
    }
    default:
      return refuse(at, node, str(node, 'type') === 'ARRAY_EXTRACT' ? 'a[i]' : str(node, 'type'))
  }
}
