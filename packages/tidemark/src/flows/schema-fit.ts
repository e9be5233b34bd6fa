/**
 * Making rows fit tables: a table's schema follows its flow by new nullable columns; everything else is a Problem. Rows
 * are projected to the table's schema, columns the flow no longer makes as NULL.
 */
import { evolve, evolvedSchema, field, type Snapshot, type StructField, type StructType } from '@tidemark/delta'
import type { Session } from '../engine/engine.ts'
import { ident, join, type Sql, sql } from '../engine/sql.ts'
import { fromDuckType, toDuckType } from '../engine/types.ts'
import { FLOW_COLUMN_TYPE } from '../errors/flow.ts'
import { FLOW_SCHEMA_CHANGED } from '../errors/flow-run.ts'
import { allowsWidening } from '../ingest/widening.ts'
import type { Flow } from '../model/flow.ts'
import type { Emitted, ExpressionColumn } from './language/portable/portable-sql.ts'

/** A query together with the schema of its rows. */
export interface TypedQuery {
  query: Sql
  schema: StructType
}

export function structOf(fields: readonly StructField[]): StructType {
  return { type: 'struct', fields: fields.map(f => ({ ...f, nullable: true })) }
}

export function findField(schema: StructType, name: string): StructField | undefined {
  const folded = name.toLowerCase()
  return schema.fields.find(f => f.name === name) ?? schema.fields.find(f => f.name.toLowerCase() === folded)
}

/** A column as a query makes it. Throws FLOW_COLUMN_TYPE when Delta has no such type. */
export async function describeColumn(session: Session, query: Sql): Promise<StructField> {
  const [column] = await session.describe(query)
  const { name, type } = column ?? { name: '', type: 'nothing' }
  const delta = fromDuckType(type)
  if (delta === undefined) throw FLOW_COLUMN_TYPE({ column: name, type })
  return field(name, delta)
}

/** An emitted query with the schema of its rows. */
export function typedQuery(emitted: Emitted): TypedQuery {
  return { query: emitted.sql, schema: structOf(emitted.columns.map(c => field(c.name, c.type))) }
}

/** Columns as the portable subset wants them: a nested type is unknown to it. */
export function expressionColumns(fields: readonly StructField[]): ExpressionColumn[] {
  return fields.map(f => (typeof f.type === 'string' ? { name: f.name, type: f.type } : f.name))
}

/**
 * The table's schema after this flow has written, with the names in files that new columns will have; types grow where the
 * table lets them. Throws FLOW_SCHEMA_CHANGED when more differs.
 */
export function followSchema(flow: Flow, table: Snapshot, wanted: StructType): StructType {
  const evolution = evolve(table.schema, wanted, { widenTypes: allowsWidening(table) })
  if (evolution.kind === 'compatible') return evolvedSchema(table, evolution.schema)
  const drift = evolution.drifts
    .map(d => `column ${d.column} is ${d.current ?? 'missing'} in the table and ${d.wanted} now`)
    .join('; ')
  throw FLOW_SCHEMA_CHANGED({ flow: flow.name, table: flow.target, drift }, { state: 'Nothing was written.' })
}

/** Rows projected to `schema` by name, ignoring case; columns the query lacks are NULL. */
export function fitRows(rows: TypedQuery, schema: StructType): Sql {
  const columns = schema.fields.map(f => {
    const own = findField(rows.schema, f.name)
    return own === undefined
      ? sql`CAST(NULL AS ${toDuckType(f.type)}) AS ${ident(f.name)}`
      : sql`${ident(own.name)} AS ${ident(f.name)}`
  })
  return sql`SELECT ${join(columns)} FROM (${rows.query})`
}
