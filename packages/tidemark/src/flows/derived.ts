/**
 * Bronze to silver. `silver.t` holds one row per key, the newest that keeps the rules; `silver.t_changes` every entry
 * that does. Every version is judged first and only then deduplicated, so a rejected version never hides a valid one.
 */
import {
  field,
  type StructField,
  type StructType,
  stageAppend,
  stageMetadata,
  stageOverwrite,
  stageReplaceKeys,
} from '@tidemark/delta'
import { ident, join, raw, type Sql, sql } from '../engine/sql.ts'
import type { DerivedFlow } from '../model/flow.ts'
import type { Ledger } from '../model/step.ts'
import { batchRows } from './batch-rows.ts'
import { type FlowContext, keepRows } from './context.ts'
import { type Judged, judge } from './expect.ts'
import { balance } from './ledger.ts'
import type { Attempt, Prepared } from './prepared.ts'
import type { BatchRecord } from './record.ts'
import { columnList, sessionParquet, sessionRelations } from '../engine/relations.ts'
import { fitRows, structOf, type TypedQuery } from './schema-fit.ts'
import { findFailedCast, type Transformed, transformRows } from './transform.ts'

const SEQ: StructField = field('_seq', 'long', { comment: 'position of the source snapshot that saw the row' })
const OP: StructField = field('_op', 'string', { comment: 'upsert or delete' })
const AT: StructField = field('_at', 'timestamp', { comment: 'source time of the snapshot that saw the entry' })

/** Entries of a batch, transformed and judged, with their place among the entries of their key. */
export interface JudgedEntries extends Judged {
  transformed: Transformed
}

/** Transform and judge bronze entries. Deletes are not judged; an upsert without its whole key is rejected. */
export async function judgeEntries(
  context: FlowContext,
  flow: DerivedFlow,
  entries: TypedQuery,
): Promise<JudgedEntries> {
  const transformed = await transformRows(context, flow, entries)
  const { fields: columns, keys } = transformed
  const nullKey = sql`_op <> 'delete' AND (${join([raw('false'), ...keys.map(k => sql`${ident(k)} IS NULL`)], ' OR ')})`
  try {
    const judged = await judge(context, flow, {
      rows: transformed.query,
      columns,
      keys,
      judged: sql`_op <> 'delete'`,
      reasons: [{ reason: 'null key', when: nullKey }],
    })
    context.progress({ rows: judged.read, phase: 'judged' })
    return { ...judged, transformed }
  } catch (error) {
    throw (await findFailedCast(context, flow, transformed.casts)) ?? error
  }
}

/** `silver.t`: prepare a batch of bronze entries. */
export async function prepareCurrent(context: FlowContext, record: BatchRecord, flow: DerivedFlow): Promise<Prepared> {
  const entries = await judgeEntries(context, flow, await batchRows(context, record))
  const { fields } = entries.transformed
  const ranked = await rankEntries(context, entries)
  return {
    schema: structOf([...fields, SEQ]),
    rejects: { judged: entries.table, rejected: entries.rejected, schema: structOf([...fields, SEQ]) },
    warnings: entries.warnings,
    apply: attempt => applyCurrent(context, flow, entries, ranked, attempt),
  }
}

/**
 * Passing entries by age: `__rank` 1 is the newest of its key. Entries of one key and one `_seq`, possible only when a
 * transformation makes two keys one, are ordered by operation and row version.
 */
function rankEntries(context: FlowContext, entries: JudgedEntries): Promise<Sql> {
  const keys = columnList(entries.transformed.keys)
  return keepRows(
    context,
    'ranked',
    sql`SELECT *, row_number() OVER (PARTITION BY ${keys} ORDER BY _seq DESC, _op, _row_version DESC) AS __rank \
FROM ${entries.table} WHERE __reason IS NULL`,
  )
}

async function applyCurrent(
  context: FlowContext,
  flow: DerivedFlow,
  entries: JudgedEntries,
  ranked: Sql,
  attempt: Attempt,
): ReturnType<Prepared['apply']> {
  const { snapshot, schema, overwrite, parts } = attempt
  const { session, signal } = context
  const { keys, fields } = entries.transformed
  const target = await session.scan({ ...snapshot, schema }, overwrite ? { files: [] } : {})
  const existing = await keepRows(
    context,
    'existing',
    sql`SELECT t.*, true AS __present FROM (${target}) t \
SEMI JOIN ${entries.table} e USING (${columnList(keys)})`,
  )
  const outcome = await keepRows(context, 'outcome', outcomeQuery({ ranked, existing, keys, fields }))
  const ledger = balance(flow.target, await silverLedger(context, entries, { ranked, existing, outcome }))
  const rows = fitRows(
    {
      query: sql`SELECT * FROM ${outcome} WHERE __outcome IN ('inserted', 'updated')`,
      schema: structOf([...fields, SEQ]),
    },
    schema,
  )
  const parquet = sessionParquet(session)
  if (overwrite) {
    const files = await parquet.write(rows, { tablePath: snapshot.tablePath, schema, statsColumns: [...keys], signal })
    return { staged: stageOverwrite(snapshot, { files, schema, ...parts }), ledger }
  }
  if (ledger.inserted + ledger.updated + ledger.deleted === 0n) {
    return { staged: stageMetadata(snapshot, { schema, ...parts }), ledger }
  }
  const staged = await stageReplaceKeys<Sql, Sql>({
    ports: context,
    snapshot,
    keys: sql`SELECT ${columnList(keys)} FROM ${outcome} WHERE __outcome IN ('inserted', 'updated', 'deleted')`,
    keyColumns: [...keys],
    rows,
    parquet,
    relations: sessionRelations(session, signal),
    schema,
    ...parts,
  })
  return { staged, ledger }
}

/** What the newest entry of each key does to the target. A delete of a key that is not there is filtered. */
function outcomeQuery(at: {
  ranked: Sql
  existing: Sql
  keys: readonly string[]
  fields: readonly StructField[]
}): Sql {
  const own = at.keys.map(k => sql`w.${ident(k)} = t.${ident(k)}`)
  const same = at.fields.map(f => sql`w.${ident(f.name)} IS NOT DISTINCT FROM t.${ident(f.name)}`)
  return sql`SELECT w.*, CASE \
WHEN t.__present IS NULL AND w._op = 'delete' THEN 'filtered' \
WHEN t.__present IS NULL THEN 'inserted' \
WHEN w._seq < t._seq THEN 'superseded' \
WHEN w._op = 'delete' THEN 'deleted' \
WHEN ${join(same, ' AND ')} THEN 'duplicate' \
ELSE 'updated' END AS __outcome \
FROM ${at.ranked} w LEFT JOIN ${at.existing} t ON ${join(own, ' AND ')} WHERE w.__rank = 1`
}

type SilverLedger = Ledger & { kind: 'silver' }

async function silverLedger(
  context: FlowContext,
  entries: JudgedEntries,
  at: { ranked: Sql; existing: Sql; outcome: Sql },
): Promise<SilverLedger> {
  const [row] = await context.session.rows(
    sql`SELECT count(*) FILTER (__outcome = 'inserted') AS inserted, count(*) FILTER (__outcome = 'updated') AS updated, \
count(*) FILTER (__outcome = 'deleted') AS deleted, count(*) FILTER (__outcome = 'duplicate') AS duplicate, \
count(*) FILTER (__outcome = 'filtered') AS filtered, count(*) FILTER (__outcome = 'superseded') AS superseded, \
(SELECT count(*) FROM ${at.ranked} WHERE __rank > 1) AS older FROM ${at.outcome}`,
    context.signal,
  )
  const n = (bucket: string): bigint => BigInt(String(row?.[bucket] ?? 0))
  return {
    kind: 'silver',
    read: entries.read,
    inserted: n('inserted'),
    updated: n('updated'),
    superseded: n('superseded') + n('older'),
    duplicate: n('duplicate'),
    deleted: n('deleted'),
    filtered: n('filtered'),
    quarantined: entries.rejected,
    staleByRule: await countStale(context, entries, at),
    warned: entries.warned,
  }
}

/** Keys whose newest entry was rejected while an older version is visible afterwards. */
function countStale(
  context: FlowContext,
  entries: JudgedEntries,
  at: { existing: Sql; outcome: Sql },
): Promise<bigint> {
  if (entries.rejected === 0n) return Promise.resolve(0n)
  const keys = columnList(entries.transformed.keys)
  return context.session.count(
    sql`SELECT count(*) FROM (SELECT * FROM ${entries.table} \
QUALIFY row_number() OVER (PARTITION BY ${keys} ORDER BY _seq DESC, _op, _row_version DESC) = 1) n \
LEFT JOIN ${at.outcome} o USING (${keys}) LEFT JOIN ${at.existing} t USING (${keys}) \
WHERE n.__reason = 'expectation' AND (o.__outcome IN ('inserted', 'updated', 'duplicate') \
OR (coalesce(o.__outcome, 'superseded') = 'superseded' AND t.__present))`,
    context.signal,
  )
}

/** `silver.t_changes`: every passing entry, deletes included. `silver.t` keeps the rejected ones and tells of them. */
export async function prepareChanges(context: FlowContext, record: BatchRecord, flow: DerivedFlow): Promise<Prepared> {
  const entries = await judgeEntries(context, flow, await batchRows(context, record))
  const schema = structOf([...entries.transformed.fields, OP, SEQ, AT])
  const query = sql`SELECT * EXCLUDE (_ingested_at), _ingested_at AS _at FROM ${entries.table} WHERE __reason IS NULL`
  return {
    schema,
    rejects: undefined,
    warnings: [],
    apply: attempt => {
      const { read, rejected } = entries
      const ledger = { read, inserted: read - rejected, filtered: rejected, quarantined: 0n, warned: 0n }
      return applyAppend(context, flow, { query, schema }, ledger, attempt)
    },
  }
}

/** Append rows: shared by every flow whose batches only add. */
export async function applyAppend(
  context: FlowContext,
  flow: { target: string },
  rows: { query: Sql; schema: StructType },
  counts: Omit<Ledger & { kind: 'append' }, 'kind'>,
  attempt: Attempt,
): ReturnType<Prepared['apply']> {
  const { snapshot, schema, parts, overwrite } = attempt
  const ledger = balance(flow.target, { kind: 'append' as const, ...counts })
  const target = { tablePath: snapshot.tablePath, schema, signal: context.signal }
  const files = await sessionParquet(context.session).write(fitRows(rows, schema), target)
  if (overwrite) return { staged: stageOverwrite(snapshot, { files, schema, ...parts }), ledger }
  if (files.length === 0) return { staged: stageMetadata(snapshot, { schema, ...parts }), ledger }
  return { staged: stageAppend(snapshot, { files, schema, ...parts }), ledger }
}
