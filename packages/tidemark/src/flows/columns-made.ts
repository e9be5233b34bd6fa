/**
 * The columns that a flow makes of those it is given, found without reading a row: a name in a rule, a transformation or a
 * query that no column has is known before anything runs.
 */
import { field, type StructType } from '@tidemark/delta'
import { raw, type Sql, sql } from '../engine/sql.ts'
import { emptyRelation } from '../engine/types.ts'
import type { AutoCdcFlow, CompiledQuery, DerivedFlow, Flow, TableName } from '../model/flow.ts'
import { findColumns, markDeletes, targetSchema } from './cdc.ts'
import type { FlowContext } from './context.ts'
import { AT, OP } from './derived.ts'
import { judgementOf } from './entries.ts'
import { judgeRows } from './expect.ts'
import { SEQ } from './newest.ts'
import { findField, structOf, type TypedQuery, typedQuery } from './schema-fit.ts'
import { transformRows } from './transform.ts'

type Checking = Pick<FlowContext, 'session' | 'portable'>
type Given = (table: TableName) => StructType | undefined

export interface Made {
  /** The columns of the flow's rows. */
  schema: StructType
  /** Judges the names and types of its rules. @throws {FLOW_UNKNOWN_COLUMN} and whatever else a run would say of them */
  checkRules: () => Promise<unknown>
}

/**
 * @param given columns of a table that the flow reads; undefined where nobody knows them
 * @returns undefined where those of something that it reads are not known
 * @throws {FLOW_UNKNOWN_COLUMN} and whatever else a run would say of names and types
 */
export async function columnsMade(context: Checking, flow: Flow, given: Given): Promise<Made | undefined> {
  switch (flow.kind) {
    case 'derived':
      return derived(context, flow, given(flow.source))
    case 'auto cdc':
      return autoCdc(context, flow, given)
    case 'append':
    case 'materialized view': {
      const made = await emitted(context, flow.query, given)
      if (made === undefined) return undefined
      const { schema, query: rows } = made
      const judgement = { rows, columns: schema.fields, keys: [], judged: raw('true'), reasons: [] }
      return { schema, checkRules: () => judgeRows(context, flow, judgement) }
    }
  }
}

async function derived(
  context: Checking,
  flow: DerivedFlow,
  bronze: StructType | undefined,
): Promise<Made | undefined> {
  if (bronze === undefined) return undefined
  const transformed = await transformRows(context, flow, rowless(bronze))
  const schema = structOf([...transformed.fields, ...(flow.output === 'changes' ? [OP, SEQ, AT] : [SEQ])])
  return { schema, checkRules: () => judgeRows(context, flow, judgementOf(transformed)) }
}

async function autoCdc(context: Checking, flow: AutoCdcFlow, given: Given): Promise<Made | undefined> {
  const source = flow.query === undefined ? given(flow.source) : (await emitted(context, flow.query, given))?.schema
  if (source === undefined) return undefined
  const hasSeq = findField(source, '_seq') !== undefined
  const events = rowless(structOf([...source.fields, ...(hasSeq ? [] : [field('_seq', 'long')])]))
  const columns = findColumns(flow, events.schema)
  const rows = await markDeletes(context, flow, events)
  const judgement = { rows, columns: events.schema.fields, keys: [], judged: sql`NOT __delete`, reasons: [] }
  return { schema: targetSchema(flow, columns), checkRules: () => judgeRows(context, flow, judgement) }
}

async function emitted(context: Checking, query: CompiledQuery, given: Given): Promise<TypedQuery | undefined> {
  const tables = query.streams === undefined ? query.reads : [query.streams, ...query.reads]
  if (tables.some(table => given(table) === undefined)) return undefined
  const relation = (table: TableName): Sql => {
    const schema = given(table)
    if (schema === undefined) throw new TypeError(`this is a bug in tidemark: the columns of ${table} are not known`)
    return sql`(${rowless(schema).query})`
  }
  return typedQuery(await context.portable.emit(query, { relation }))
}

const rowless = (schema: StructType): TypedQuery => ({ query: emptyRelation(schema), schema })
