/**
 * AUTO CDC: a stream of events becomes the newest row of each key (SCD type 1) or every version with the interval in
 * which it was current (type 2). Late and repeated events end in the same rows as events in order.
 */
import {
  field,
  type StructField,
  type StructType,
  stageMetadata,
  stageOverwrite,
  stageReplaceKeys,
  writeOptionsFor,
} from '@tidemark/delta'
import { suggest } from '../config/suggest.ts'
import { ident, integer, join, raw, type Sql, sql } from '../engine/sql.ts'
import { toDuckType } from '../engine/types.ts'
import { FLOW_UNKNOWN_COLUMN } from '../errors/flow.ts'
import type { AutoCdcFlow } from '../model/flow.ts'
import { emitBatch, orderedBatchRows } from './batch-rows.ts'
import { type FlowContext, keepRows } from './context.ts'
import { type Judged, judge } from './expect.ts'
import { appliedEvents, type FoldNames, ORIGIN, placedMarkers, points, targetRows, tombstoneRows } from './fold.ts'
import { balance } from './ledger.ts'
import type { Attempt, Prepared } from './prepared.ts'
import type { BatchRecord } from './record.ts'
import { columnList, sessionParquet, sessionRelations } from '../engine/relations.ts'
import { portableChecker } from './row-checker.ts'
import { expressionColumns, findField, fitRows, structOf, type TypedQuery } from './schema-fit.ts'
import { openTombstones, replaceTombstones } from './tombstones.ts'

/** Columns of ours that a source may bring and a target does not keep; `_seq` is kept, as the target's last column. */
const NOT_KEPT = new Set(['_op', '_seq', '_row_version', '_run_id', '_ingested_at', '_at'])

interface Columns {
  /** What the target holds beside our columns. */
  data: readonly StructField[]
  keys: readonly StructField[]
  sequence: StructField
}

/** Prepare one batch of events: keys and sequence found, deletes told apart, upserts judged. */
export async function prepareCdc(context: FlowContext, record: BatchRecord, flow: AutoCdcFlow): Promise<Prepared> {
  const source = await readEvents(context, record, flow)
  const columns = findColumns(flow, source.schema)
  const keys = columns.keys.map(k => k.name)
  const sequence = ident(columns.sequence.name)
  const judged = await judge(context, flow, {
    rows: await markDeletes(context, flow, source),
    columns: source.schema.fields,
    keys,
    judged: sql`NOT __delete`,
    reasons: [
      {
        reason: 'null key',
        when: join(
          keys.map(k => sql`${ident(k)} IS NULL`),
          ' OR ',
        ),
      },
      { reason: 'null sequence', when: sql`NOT __delete AND ${sequence} IS NULL` },
    ],
  })
  context.progress({ rows: judged.read, phase: 'judged' })
  return {
    schema: targetSchema(flow, columns),
    rejects: { judged: judged.table, rejected: judged.rejected, schema: source.schema },
    warnings: judged.warnings,
    apply: attempt => applyCdc(context, record, flow, columns, judged, attempt),
  }
}

/** The batch's events with `_seq`: the source's own, else the version that added them, else the batch's last one. */
async function readEvents(context: FlowContext, record: BatchRecord, flow: AutoCdcFlow): Promise<TypedQuery> {
  if (flow.query === undefined) return orderedBatchRows(context, record)
  const { query, schema } = await emitBatch(context, record, flow.query)
  if (findField(schema, '_seq') !== undefined) return { query, schema }
  return {
    query: sql`SELECT *, CAST(${integer(record.source.upTo)} AS BIGINT) AS _seq FROM (${query})`,
    schema: structOf([...schema.fields, field('_seq', 'long')]),
  }
}

export function findColumns(flow: AutoCdcFlow, schema: StructType): Columns {
  const get = (name: string): StructField => {
    const found = findField(schema, name)
    if (found !== undefined) return found
    throw FLOW_UNKNOWN_COLUMN({
      column: name,
      suggestion: suggest(
        name,
        schema.fields.map(f => f.name),
      ),
    })
  }
  const data = schema.fields.filter(f => !NOT_KEPT.has(f.name.toLowerCase()))
  return { data, keys: flow.keys.map(get), sequence: get(flow.sequenceBy) }
}

export function targetSchema(flow: AutoCdcFlow, columns: Columns): StructType {
  const at = (name: string): StructField => field(name, columns.sequence.type)
  const interval = flow.scdType === 2 ? [at('__START_AT'), at('__END_AT')] : []
  return structOf([...columns.data, ...interval, field('_seq', 'long')])
}

/** The events with `__delete`, and `_at` where the source tells when it saw them. */
export async function markDeletes(
  context: Pick<FlowContext, 'portable'>,
  flow: AutoCdcFlow,
  source: TypedQuery,
): Promise<Sql> {
  const { applyAsDeleteWhen } = flow
  const condition =
    applyAsDeleteWhen === undefined
      ? raw('false')
      : await context.portable.emitExpression(
          applyAsDeleteWhen,
          flow.place ?? { file: flow.target, line: 1, column: 1 },
          { columns: expressionColumns(source.schema.fields), result: 'condition' },
        )
  const seen = findField(source.schema, '_at') ?? findField(source.schema, '_ingested_at')
  const at = seen === undefined ? raw('CAST(NULL AS TIMESTAMP WITH TIME ZONE)') : ident(seen.name)
  return sql`SELECT *, ${at} AS __at, (${condition}) IS TRUE AS __delete FROM (${source.query})`
}

async function applyCdc(
  context: FlowContext,
  record: BatchRecord,
  flow: AutoCdcFlow,
  columns: Columns,
  judged: Judged,
  attempt: Attempt,
): ReturnType<Prepared['apply']> {
  const { snapshot, schema, overwrite, parts } = attempt
  const { session, signal } = context
  const keys = columns.keys.map(k => k.name)
  const deletes = flow.applyAsDeleteWhen !== undefined
  const tombstones = deletes ? await openTombstones(context, record, flow, columns) : undefined
  const target = await session.scan({ ...snapshot, schema }, overwrite ? { files: [] } : {})
  const known = knownEvents(flow, columns, { judged: judged.table, target, tombstones: tombstones?.rows })
  const names: FoldNames = {
    events: await keepRows(context, 'events', known),
    keys,
    timed: columns.sequence.type === 'timestamp' || columns.sequence.type === 'date',
    sequenceType: toDuckType(columns.sequence.type),
  }
  const markers = await keepRows(context, 'markers', placedMarkers(names))
  const folded = await keepRows(context, 'points', points(names, sql`SELECT * FROM ${markers}`))
  const applied = await keepRows(context, 'applied', appliedEvents(folded, keys, flow.scdType))
  const count = await session.count(sql`SELECT count(*) FROM ${applied}`, signal)
  const { read, rejected, warned } = judged
  const ignored = await session.count(
    sql`SELECT count(*) FROM ${judged.table} j ANTI JOIN ${applied} a USING (__row) WHERE j.__reason IS NULL`,
    signal,
  )
  const ledger = balance(flow.target, {
    kind: 'auto cdc' as const,
    read,
    applied: count,
    ignored,
    quarantined: rejected,
    warned,
  })
  const touched = sql`SELECT DISTINCT ${columnList(keys)} FROM ${applied}`
  const ours = sql`(SELECT p.* FROM ${folded} p SEMI JOIN ${applied} a USING (${columnList(keys)}))`
  if (tombstones !== undefined) {
    const rows = tombstoneRows(ours, keys, flow.scdType)
    await replaceTombstones(context, record, tombstones, { keys: touched, keyColumns: keys, rows })
  }
  const rows = fitRows({ query: targetRows(ours, flow.scdType), schema: targetSchema(flow, columns) }, schema)
  const parquet = sessionParquet(session)
  if (overwrite) {
    const target = writeOptionsFor(snapshot, schema)
    const files = await parquet.write(rows, { ...target, statsColumns: keys, signal })
    return { staged: stageOverwrite(snapshot, { files, schema, ...parts }), ledger }
  }
  if (count === 0n) return { staged: stageMetadata(snapshot, { schema, ...parts }), ledger }
  const relations = sessionRelations(session, signal)
  const staged = await stageReplaceKeys<Sql, Sql>({
    ports: context,
    checker: portableChecker(context.session, context.portable),
    snapshot,
    keys: touched,
    keyColumns: keys,
    rows,
    parquet,
    relations,
    schema,
    ...parts,
  })
  return { staged, ledger }
}

/** Everything known of the batch's keys as events: versions in the target, tombstones, and the batch itself. */
function knownEvents(
  flow: AutoCdcFlow,
  columns: Columns,
  from: { judged: Sql; target: Sql; tombstones: Sql | undefined },
): Sql {
  const keys = columnList(columns.keys.map(k => k.name))
  const data = columnList(columns.data.map(f => f.name))
  const valid = sql`(SELECT * FROM ${from.judged} WHERE __reason IS NULL)`
  const start = flow.scdType === 2 ? ident('__START_AT') : ident(columns.sequence.name)
  const type = toDuckType(columns.sequence.type)
  const origin = (n: number): Sql => sql`${integer(n)} AS __origin`
  const known = sql`SELECT ${data}, ${ident(columns.sequence.name)} AS __s, coalesce(_seq, 0) AS _seq, __delete, \
CAST(NULL AS ${type}) AS __end, __at AS _at, __row, ${origin(ORIGIN.batch)} FROM ${valid} \
UNION ALL BY NAME SELECT ${data}, ${start} AS __s, _seq, false AS __delete, ${origin(ORIGIN.target)} \
FROM (${from.target}) t SEMI JOIN ${valid} b USING (${keys})`
  if (from.tombstones === undefined) return known
  return sql`${known} UNION ALL BY NAME SELECT ${keys}, __SEQUENCE AS __s, _seq, true AS __delete, __END_AT AS __end, \
${origin(ORIGIN.tombstone)} FROM (${from.tombstones}) t SEMI JOIN ${valid} b USING (${keys})`
}
