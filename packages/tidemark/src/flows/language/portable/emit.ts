/** The DuckDB text of a query or expression, once the tables are there: columns known, types Spark's, output Delta's. */
import { firstLine } from '../../../errors/first-line.ts'
import { type Place, Problem, Problems } from '../../../errors/problem.ts'
import { FLOW_QUERY } from '../../../errors/flow.ts'
import { ident, type Sql, sql } from '../../../engine/sql.ts'
import type { Query, TableName } from '../../../model/flow.ts'
import { checkQuery, resolve, startWalk } from './check.ts'
import { readCondition, readExpression } from './expression.ts'
import { gate, replaceTables } from './gate.ts'
import { lakeTypeOf, projectOutput } from './output.ts'
import { type ParsedQuery, parseExpression, type ParserSession, parseSelect } from './parse.ts'
import type { Emitted, ExpressionColumn, ExpressionOptions } from './portable-sql.ts'
import { readQuery } from './query.ts'
import type { Column, Scope } from './scope.ts'
import { parseLakeType, typeOfDuckdb, UNKNOWN } from './type.ts'

type From = { relation: (table: TableName) => Sql }

export async function emitPortable(session: ParserSession, query: Query, from: From): Promise<Emitted> {
  const parsed = await parseOrThrow(session, query)
  const names = await tablesOf(session, query)
  const tables = new Map<TableName, { sql: Sql; columns: readonly Column[]; streamed: boolean }>()
  for (const name of names) {
    const relation = from.relation(name)
    const described = await describe(session, sql`SELECT * FROM ${relation}`, query.place)
    const columns = described.map(c => ({ name: c.name, type: typeOfDuckdb(c.type) }))
    tables.set(name, { sql: relation, columns, streamed: false })
  }
  const walk = startWalk(parsed, 'view')
  const typed = readQuery(parsed.root, {
    walk,
    ctes: new Map(),
    table: found => tables.get(resolve(found.parts, query)),
  })
  throwAny(walk.problems)
  return finish(session, typed.sql, typed.columns ?? [], query.place)
}

/** A query that the file opted out of the subset: its own text, tables replaced, output in Delta's types. */
export async function emitDuckdb(session: ParserSession, query: Query, from: From): Promise<Emitted> {
  const { root, normalised } = await parseOrThrow(session, query)
  const { tables, problems } = gate(root, normalised)
  throwAny(problems)
  const replacements = tables.map(table => ({ table, by: from.relation(resolve(table.parts, query)) }))
  const replaced = replaceTables(normalised, replacements)
  const columns = await describe(session, replaced, query.place)
  return finish(
    session,
    replaced,
    columns.map(c => ({ name: c.name, type: lakeTypeOf(c.type) })),
    query.place,
  )
}

async function parseOrThrow(session: ParserSession, query: Query): Promise<ParsedQuery> {
  const { parsed, problems } = await parseSelect(session, query)
  if (!parsed) throw new Problems(problems)
  return parsed
}

async function tablesOf(session: ParserSession, query: Query): Promise<Set<TableName>> {
  const { compiled, problems } = await checkQuery(session, query, 'any')
  throwAny(problems)
  return new Set(compiled?.references.map(r => r.name))
}

function throwAny(problems: readonly Problem[]): void {
  if (problems.length > 0) throw new Problems(problems)
}

/** Project to Delta's types and let DuckDB bind the whole, so that what it refuses is said now and not in the run. */
async function finish(session: ParserSession, query: Sql, columns: readonly Column[], place: Place): Promise<Emitted> {
  const output = projectOutput(query, columns, place)
  throwAny(output.problems)
  await describe(session, output.sql, place)
  return { sql: output.sql, columns: output.columns }
}

/** Columns of a query as DuckDB binds it; what it refuses is a problem of the query at `place`. */
async function describe(session: ParserSession, query: Sql, place: Place): Promise<{ name: string; type: string }[]> {
  try {
    const rows = await session.rows(sql`SELECT column_name, column_type FROM (DESCRIBE ${query})`)
    return rows.map(row => ({ name: String(row['column_name']), type: String(row['column_type']) }))
  } catch (error) {
    if (!(error instanceof Error) || error instanceof Problem) throw error
    const reason = firstLine(error).replace(/^\w+ Error: /, '')
    throw new Problems([FLOW_QUERY({ reason }, { place, cause: error })])
  }
}

export async function emitExpression(
  session: ParserSession,
  expression: { text: string; place: Place },
  options: ExpressionOptions = {},
): Promise<Sql> {
  const { parsed, problems } = await parseExpression(session, { ...expression, dialect: 'portable' })
  if (!parsed) throw new Problems(problems)
  const walk = startWalk(parsed, 'expression')
  const at = { walk, scope: scopeOfRow(options.columns), aliases: new Map<string, never>() }
  const read = options.result === 'condition' ? readCondition : readExpression
  const { sql: made } = read(parsed.root, at)
  throwAny(walk.problems)
  if (walk.volatile) options.onVolatile?.()
  return made
}

/** The columns of one row; without them every name is accepted as it is written. */
function scopeOfRow(columns: readonly ExpressionColumn[] | undefined): Scope {
  if (!columns) return { columns: [], open: [''], streamed: false }
  const known = columns.map(column => {
    const { name, type } = typeof column === 'string' ? { name: column, type: undefined } : column
    const lakeType = type === undefined ? UNKNOWN : (parseLakeType(type) ?? typeOfDuckdb(type))
    return { name, type: lakeType, sql: ident(name), qualifiers: [] }
  })
  return { columns: known, open: [], streamed: false }
}
