/**
 * Runs a flow's batches one after the other: prepare, decide, put rejects aside, commit. What is prepared before the
 * decision only reads, so a batch that cannot be computed is never recorded and a corrected flow simply goes on.
 */
import { replacedSchema, type Snapshot, type StructType } from '@tidemark/delta'
import { tablePath } from '../model/names.ts'
import type { Ledger } from '../model/step.ts'
import { prepareAppend } from './append.ts'
import { type Decision, decideBatch } from './batch.ts'
import { prepareCdc } from './cdc.ts'
import { commitTable, ensureTable, readTable } from './commit-table.ts'
import { isWholeTable, noLongerComputed } from './computed.ts'
import type { FlowContext } from './context.ts'
import { prepareChanges, prepareCurrent } from './derived.ts'
import { growWithSource } from './grow.ts'
import { generationDomain, generationOf } from '../ingest/generation.ts'
import { addLedgers } from './ledger.ts'
import type { FlowOutcome } from './outcome.ts'
import type { CommitParts, Prepared } from './prepared.ts'
import { quarantine } from './quarantine.ts'
import { appIdOf, type BatchRecord, type StreamFlow, writeRecord } from './record.ts'
import { identityDomain } from './row-identity.ts'
import { followSchema } from './schema-fit.ts'

/**
 * Finish a flow's open batch, if any, and process what its source has gained since. Two runners of one flow converge:
 * a batch is decided by whoever records it first and committed by whoever commits it first.
 */
export async function executeStream(context: FlowContext, flow: StreamFlow): Promise<FlowOutcome> {
  const before = await readTable(context, flow.target)
  let target = before
  const ledgers: Ledger[] = []
  const warnings: string[] = []
  let rewritten = false
  for (;;) {
    context.signal.throwIfAborted()
    const decision = await decideBatch(context, flow, target)
    if (decision.kind === 'nothing') {
      return finish(before, target, { ledgers, warnings, rewritten, reason: decision.reason })
    }
    const done = await processBatch(context, flow, decision, target)
    target = done?.target ?? (await readTable(context, flow.target))
    if (done?.ledger === undefined) continue
    ledgers.push(done.ledger)
    warnings.push(...done.warnings)
    rewritten ||= done.rewritten
  }
}

function finish(
  before: Snapshot | undefined,
  target: Snapshot | undefined,
  done: { ledgers: readonly Ledger[]; warnings: readonly string[]; rewritten: boolean; reason: string },
): FlowOutcome {
  const changed = done.ledgers.length > 0
  return {
    status: changed ? 'changed' : 'unchanged',
    ledger: changed ? done.ledgers.reduce((a, b) => addLedgers(a, b)) : undefined,
    versionBefore: before?.version,
    versionAfter: target?.version,
    reason: changed ? undefined : done.reason,
    warnings: done.warnings,
    rewritten: done.rewritten,
  }
}

interface BatchDone {
  target: Snapshot
  /** Undefined when another runner committed the batch. */
  ledger: Ledger | undefined
  warnings: readonly string[]
  rewritten: boolean
}

/**
 * One batch from prepare to commit; undefined when the target has to be looked at again: another runner decided a batch of
 * this number first, or its types may grow now.
 */
async function processBatch(
  context: FlowContext,
  flow: StreamFlow,
  decision: Exclude<Decision, { kind: 'nothing' }>,
  target: Snapshot | undefined,
): Promise<BatchDone | undefined> {
  const { record } = decision
  const prepared = await prepare(context, record, target)
  const isFollowed = target !== undefined && !isRebuilt(record, target)
  if (isFollowed && (await growWithSource(context, record.flow, target, prepared.schema))) return undefined
  if (decision.kind === 'new') {
    if (target !== undefined) schemaAfter(record, target, prepared)
    if (!(await writeRecord(context.store, record))) return undefined
  }
  const path = tablePath(flow.target)
  const { schema } = prepared
  const start = await ensureTable(context, flow, { path, name: flow.target, schema, properties: flow.properties })
  const rebuild = record.source.after === undefined && record.batch > 1n
  if (prepared.rejects !== undefined && !isVoid(record, start)) {
    const { batch, flow: recorded } = record
    await quarantine(context, { ...prepared.rejects, flow: recorded, batch, appId: appIdOf(record), replace: rebuild })
  }
  let ledger: Ledger | undefined
  let rewritten = false
  const { snapshot, committed } = await commitTable(context, flow, start, async current => {
    if (isVoid(record, current)) return undefined
    const overwrite = isRebuilt(record, current)
    const schema = schemaAfter(record, current, prepared)
    const parts = commitParts(context, record, { current, overwrite })
    const applied = await prepared.apply({ snapshot: current, schema, overwrite, parts })
    ledger = applied.ledger
    rewritten = overwrite
    return applied.staged
  })
  return { target: snapshot, ledger: committed ? ledger : undefined, warnings: prepared.warnings, rewritten }
}

function prepare(context: FlowContext, record: BatchRecord, target: Snapshot | undefined): Promise<Prepared> {
  const { flow } = record
  const isEmpty = target === undefined || target.files.size === 0 || isRebuilt(record, target)
  switch (flow.kind) {
    case 'derived':
      if (flow.output === 'changes') return prepareChanges(context, record, flow)
      return prepareCurrent(context, record, flow, isEmpty)
    case 'append':
      return prepareAppend(context, record, flow)
    case 'auto cdc':
      return prepareCdc(context, record, flow)
  }
}

/** True for the first batch of a rebuild: its commit replaces every row of the target. */
function isRebuilt(record: BatchRecord, target: Snapshot): boolean {
  return generationOf(target).generation < record.generation
}

/** The target's schema once the batch is in it. Throws FLOW_SCHEMA_CHANGED. */
function schemaAfter(record: BatchRecord, target: Snapshot, { schema }: Prepared): StructType {
  return isRebuilt(record, target) ? replacedSchema(target, schema) : followSchema(record.flow, target, schema)
}

/** True when the batch is in the target already, or the target was rebuilt after it was decided. */
function isVoid(record: BatchRecord, target: Snapshot): boolean {
  if (generationOf(target).generation > record.generation) return true
  return (target.txn(appIdOf(record)) ?? -1n) >= record.batch
}

function commitParts(
  context: FlowContext,
  record: BatchRecord,
  { current, overwrite }: { current: Snapshot; overwrite: boolean },
): CommitParts {
  const ended = isWholeTable(current) ? [noLongerComputed] : []
  const rebuilt = overwrite ? [generationDomain(record.generation, context.runId), ...ended] : []
  const operation = record.flow.kind === 'append' ? 'STREAMING UPDATE' : overwrite ? 'WRITE' : 'MERGE'
  return {
    txn: [{ appId: appIdOf(record), version: record.batch }],
    domains: [...rebuilt, ...identityDomain(record.flow, current)],
    info: { operation, operationParameters: { mode: overwrite ? 'Overwrite' : 'Append' }, runId: context.runId },
  }
}
