/**
 * Bronze to silver. `silver.t` holds one row per key, the newest that keeps the rules; `silver.t_changes` every entry
 * that does.
 */
import {
  type DataFile,
  field,
  type StructField,
  type StructType,
  stageAppend,
  stageMetadata,
  stageOverwrite,
  stageReplaceKeys,
  writeOptionsFor,
} from '@tidemark/delta'
import { columnList, sessionParquet, sessionRelations } from '../engine/relations.ts'
import { portableChecker } from './row-checker.ts'
import { type Sql, sql } from '../engine/sql.ts'
import { LEDGER_UNBALANCED } from '../errors/flow-run.ts'
import type { DerivedFlow } from '../model/flow.ts'
import type { Ledger } from '../model/step.ts'
import { batchRows } from './batch-rows.ts'
import type { FlowContext } from './context.ts'
import { type Entries, readEntries } from './entries.ts'
import { findExisting } from './existing.ts'
import { type FirstLoad, planFirstLoad } from './first-load.ts'
import { balance } from './ledger.ts'
import { newestEntries, type Outcomes, SEQ, type SilverLedger } from './newest.ts'
import type { Attempt, Prepared } from './prepared.ts'
import type { BatchRecord } from './record.ts'
import { fitRows, structOf } from './schema-fit.ts'

export const OP: StructField = field('_op', 'string', { comment: 'upsert or delete' })
export const AT: StructField = field('_at', 'timestamp', { comment: 'source time of the snapshot that saw the entry' })

/**
 * `silver.t`: prepare a batch of bronze entries.
 * @param isEmpty no row of the target will count: entries are then streamed instead of being looked up
 */
export async function prepareCurrent(
  context: FlowContext,
  record: BatchRecord,
  flow: DerivedFlow,
  isEmpty: boolean,
): Promise<Prepared> {
  const batch = await batchRows(context, record)
  const entries = await readEntries(context, flow, batch, { stream: isEmpty })
  const planFirst = (): Promise<FirstLoad> => planFirstLoad(context, flow, entries, batch.whole)
  const planned = isEmpty ? await planFirst() : undefined
  const schema = structOf([...entries.transformed.fields, SEQ])
  return {
    schema,
    rejects: { judged: entries.relation, rejected: entries.verdict.rejected, schema },
    warnings: entries.verdict.warnings,
    apply: async attempt =>
      attempt.overwrite || attempt.snapshot.files.size === 0
        ? await applyFirst(context, flow, { entries, first: planned ?? (await planFirst()) }, attempt)
        : await applyNewest(context, flow, entries, attempt),
  }
}

async function applyFirst(
  context: FlowContext,
  flow: DerivedFlow,
  { entries, first }: { entries: Entries; first: FirstLoad },
  attempt: Attempt,
): ReturnType<Prepared['apply']> {
  const { snapshot, schema, overwrite, parts } = attempt
  const { fields, keys } = entries.transformed
  const ledger = silverLedger(flow, entries, first.outcomes)
  const rows = fitRows({ query: first.rows, schema: structOf([...fields, SEQ]) }, schema)
  const target = { ...writeOptionsFor(snapshot, schema), statsColumns: [...keys], signal: context.signal }
  const files = await sessionParquet(context.session).write(rows, target)
  assertWritten(flow, files, ledger.inserted)
  if (overwrite) return { staged: stageOverwrite(snapshot, { files, schema, ...parts }), ledger }
  if (files.length === 0) return { staged: stageMetadata(snapshot, { schema, ...parts }), ledger }
  return { staged: stageAppend(snapshot, { files, schema, ...parts }), ledger }
}

/** Entries were counted in one pass and written in another: both must have seen the same rows. */
function assertWritten(flow: { target: string }, files: readonly DataFile[], inserted: bigint): void {
  const written = files.reduce((sum, file) => sum + file.numRecords, 0n)
  if (written === inserted) return
  throw LEDGER_UNBALANCED({ step: flow.target, kind: 'rows written', read: inserted, accounted: written })
}

async function applyNewest(
  context: FlowContext,
  flow: DerivedFlow,
  entries: Entries,
  attempt: Attempt,
): ReturnType<Prepared['apply']> {
  const { snapshot, schema, parts } = attempt
  const { session, signal } = context
  const { fields } = entries.transformed
  const keys = [...entries.transformed.keys]
  const kept = await entries.kept()
  const existing = await findExisting(context, { ...snapshot, schema }, { entries: kept, keys, fields })
  const names = { entries: kept, rejected: entries.verdict.rejected, existing, keys }
  const { outcome, outcomes } = await newestEntries(context, names)
  const ledger = silverLedger(flow, entries, outcomes)
  const isChanged = ledger.inserted + ledger.updated + ledger.deleted > 0n
  const touched = sql`SELECT ${columnList(keys)} FROM ${outcome} WHERE __outcome IN ('inserted', 'updated', 'deleted')`
  const found = isChanged ? await existing.findPlaces(touched) : undefined
  // Files are rewritten next, which takes the room.
  await session.run(sql`DROP TABLE ${existing.rows}`)
  if (found === undefined) return { staged: stageMetadata(snapshot, { schema, ...parts }), ledger }
  const written = sql`SELECT * FROM ${outcome} WHERE __outcome IN ('inserted', 'updated')`
  const staged = await stageReplaceKeys<Sql, Sql>({
    snapshot,
    keys: touched,
    keyColumns: keys,
    rows: fitRows({ query: written, schema: structOf([...fields, SEQ]) }, schema),
    ports: context,
    checker: portableChecker(session, context.portable),
    parquet: sessionParquet(session),
    relations: sessionRelations(session, signal, { found }),
    schema,
    signal,
    ...parts,
  })
  return { staged, ledger }
}

function silverLedger(flow: DerivedFlow, { verdict }: Entries, outcomes: Outcomes): SilverLedger {
  const { read, rejected: quarantined, warned } = verdict
  return balance(flow.target, { kind: 'silver' as const, read, ...outcomes, quarantined, warned })
}

/** `silver.t_changes`: every passing entry, deletes included. `silver.t` keeps the rejected ones and tells of them. */
export async function prepareChanges(context: FlowContext, record: BatchRecord, flow: DerivedFlow): Promise<Prepared> {
  const entries = await readEntries(context, flow, await batchRows(context, record), { stream: true })
  const { read, rejected } = entries.verdict
  const schema = structOf([...entries.transformed.fields, OP, SEQ, AT])
  const query = sql`SELECT * EXCLUDE (_ingested_at), _ingested_at AS _at FROM ${entries.relation} WHERE __reason IS NULL`
  const ledger = { read, inserted: read - rejected, filtered: rejected, quarantined: 0n, warned: 0n }
  return {
    schema,
    rejects: undefined,
    warnings: [],
    apply: attempt => applyAppend(context, flow, { query, schema }, ledger, attempt),
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
  const target = { ...writeOptionsFor(snapshot, schema), signal: context.signal }
  const files = await sessionParquet(context.session).write(fitRows(rows, schema), target)
  assertWritten(flow, files, ledger.inserted)
  if (overwrite) return { staged: stageOverwrite(snapshot, { files, schema, ...parts }), ledger }
  if (files.length === 0) return { staged: stageMetadata(snapshot, { schema, ...parts }), ledger }
  return { staged: stageAppend(snapshot, { files, schema, ...parts }), ledger }
}
