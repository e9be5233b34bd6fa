/**
 * Conditions that every new row of a table must fulfil: constraints, invariants, generated values, columns without
 * NULL. They are Spark SQL, so they are only collected here; an engine judges rows by them.
 */
import { parseJson } from '../json.ts'
import type { DataType, StructType } from './schema.ts'
import { walkTypes } from './walk.ts'

export interface Condition {
  readonly kind: 'constraint' | 'invariant' | 'generated value' | 'not null'
  /** Name of the constraint, or place of the column. */
  readonly name: string
  /** Spark SQL over the table's columns. A row fulfils it when it is TRUE; FALSE and NULL break it. */
  readonly sql: string
  /** The top-level column whose count of NULLs alone tells whether the condition holds. */
  readonly provedByNullCountOf?: string
}

const CONSTRAINT = 'delta.constraints.'

/** Everything the table's settings and columns demand of a row. */
export function conditionsOf(schema: StructType, configuration: Readonly<Record<string, string>>): Condition[] {
  return [...constraints(configuration), ...columnConditions(schema), ...notNullConditions(schema)]
}

/** The setting that holds a constraint. */
export function constraintKey(name: string): string {
  return `${CONSTRAINT}${name.toLowerCase()}`
}

/** One text for a condition; equal for equal ones. */
export function printCondition({ kind, name, sql }: Condition): string {
  return `${kind} ${name}: ${sql}`
}

/** A name as Spark SQL reads it, whatever its characters. */
export function quoteName(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``
}

function constraints(configuration: Readonly<Record<string, string>>): Condition[] {
  return Object.entries(configuration).flatMap(([key, sql]) =>
    key.startsWith(CONSTRAINT) ? [{ kind: 'constraint' as const, name: key.slice(CONSTRAINT.length), sql }] : [],
  )
}

function columnConditions(schema: StructType): Condition[] {
  const found: Condition[] = []
  for (const { place, field } of walkTypes(schema)) {
    const { 'delta.invariants': invariant, 'delta.generationExpression': generated } = field?.metadata ?? {}
    if (typeof invariant === 'string') found.push({ kind: 'invariant', name: place, sql: invariantSql(invariant) })
    if (typeof generated !== 'string') continue
    // Only columns of the top level are generated; elsewhere an engine will not know what the name means, and say so.
    found.push({ kind: 'generated value', name: place, sql: `${quoteName(place)} <=> (${generated})` })
  }
  return found
}

/** The protocol wraps the expression twice; a text that is not wrapped is passed on for the engine to refuse. */
function invariantSql(text: string): string {
  try {
    const { expression } = parseJson(text) as { expression?: { expression?: unknown } }
    return typeof expression?.expression === 'string' ? expression.expression : text
  } catch {
    return text
  }
}

function notNullConditions(schema: StructType): Condition[] {
  return schema.fields.flatMap(({ name, type, nullable }): Condition[] => {
    const parts = requirements(quoteName(name), type, nullable, 0)
    if (parts.length === 0) return []
    const proved = !nullable && parts.length === 1 ? { provedByNullCountOf: name } : {}
    return [{ kind: 'not null', name, sql: parts.join(' AND '), ...proved }]
  })
}

/** What must hold of a value so that it, and everything inside it, is NULL only where it may be. */
function requirements(value: string, type: DataType, nullable: boolean, depth: number): string[] {
  const inside = requirementsInside(value, type, depth)
  if (!nullable) return [`${value} IS NOT NULL`, ...inside]
  return inside.length === 0 ? [] : [`(${value} IS NULL OR (${inside.join(' AND ')}))`]
}

function requirementsInside(value: string, type: DataType, depth: number): string[] {
  if (typeof type === 'string') return []
  if (type.type === 'struct') {
    return type.fields.flatMap(f => requirements(`${value}.${quoteName(f.name)}`, f.type, f.nullable, depth))
  }
  const each = (list: string, inner: DataType, nullable: boolean): string[] => {
    const parts = requirements(`x${depth}`, inner, nullable, depth + 1)
    return parts.length === 0 ? [] : [`forall(${list}, x${depth} -> ${parts.join(' AND ')})`]
  }
  if (type.type === 'array') return each(value, type.elementType, type.containsNull)
  return [
    ...each(`map_keys(${value})`, type.keyType, true),
    ...each(`map_values(${value})`, type.valueType, type.valueContainsNull),
  ]
}
