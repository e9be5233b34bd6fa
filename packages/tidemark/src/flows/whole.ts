/**
 * Whole tables: views and keyless silver tables are computed from their inputs in full and replaced in one commit. The
 * commit records what it was computed from; while that is unchanged, nothing is computed.
 */

import type { StructType } from '@tidemark/delta'
import { replacedSchema, type Snapshot, stageOverwrite, writeOptionsFor } from '@tidemark/delta'
import { raw, type Sql, sql } from '../engine/sql.ts'
import { FLOW_COMMIT_BUSY } from '../errors/flow-run.ts'
import type { DerivedFlow, MaterializedViewFlow } from '../model/flow.ts'
import { tablePath } from '../model/names.ts'
import type { Ledger } from '../model/step.ts'
import { emitOver } from './batch-rows.ts'
import { commitTable, ensureTable, getSource, MAX_TRIES, readTable, setProperties } from './commit-table.ts'
import { computedDomain, type Inputs, isComputed, type WholeFlow } from './computed.ts'
import type { FlowContext } from './context.ts'
import { readEntries } from './entries.ts'
import { judge, type Verdict } from './expect.ts'
import { balance } from './ledger.ts'
import { NO_OUTCOMES } from './newest.ts'
import type { FlowOutcome } from './outcome.ts'
import { quarantine } from './quarantine.ts'
import { sessionParquet } from '../engine/relations.ts'
import { fitRows, structOf } from './schema-fit.ts'

export async function readInputs(context: FlowContext, flow: WholeFlow): Promise<Inputs> {
  const tables = flow.kind === 'derived' ? [flow.source] : flow.query.reads
  return new Map(await Promise.all(tables.map(async table => [table, await getSource(context, flow, table)] as const)))
}

/**
 * Compute a whole table again unless nothing it depends on has changed. When somebody else commits to it meanwhile, the
 * inputs are read anew, so an older state of them never replaces a newer one.
 */
export async function executeWhole(context: FlowContext, flow: WholeFlow): Promise<FlowOutcome> {
  const before = (await readTable(context, flow.target))?.version
  for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
    const target = await readTable(context, flow.target)
    const inputs = await readInputs(context, flow)
    const isFirst = target?.version === before
    if (!(context.fullRefresh && isFirst) && isComputed(flow, inputs, target)) return unchanged(before, target)
    const computed = await compute(context, flow, inputs)
    const snapshot = await replaceWhole(context, flow, { target, inputs, computed })
    if (snapshot === undefined) continue
    const { ledger, verdict } = computed
    const done = { versionBefore: before, versionAfter: snapshot.version, reason: undefined, rewritten: false }
    return { status: 'changed', ledger, warnings: verdict.warnings, ...done }
  }
  throw FLOW_COMMIT_BUSY({ flow: flow.name, table: flow.target, tries: MAX_TRIES })
}

function unchanged(versionBefore: bigint | undefined, target: Snapshot | undefined): FlowOutcome {
  const reason = 'definition and inputs are unchanged'
  const nothing = { ledger: undefined, warnings: [], rewritten: false }
  return { status: 'unchanged', reason, versionBefore, versionAfter: target?.version, ...nothing }
}

/** Put the rejects aside and replace the table; undefined when somebody else committed since `target` was read. */
async function replaceWhole(
  context: FlowContext,
  flow: WholeFlow,
  at: { target: Snapshot | undefined; inputs: Inputs; computed: Computed },
): Promise<Snapshot | undefined> {
  const { relation, verdict, schema } = at.computed
  const { target: name, properties } = flow
  const start = at.target ?? (await ensureTable(context, flow, { path: tablePath(name), name, schema, properties }))
  const rejects = { judged: relation, rejected: verdict.rejected, schema }
  await quarantine(context, { ...rejects, flow, batch: 0n, appId: undefined, replace: true })
  const domains = [computedDomain(flow, at.inputs)]
  const info = { operation: 'WRITE', operationParameters: { mode: 'Overwrite' }, runId: context.runId }
  const rows = fitRows({ query: sql`SELECT * FROM ${relation} WHERE __reason IS NULL`, schema }, schema)
  const written = { ...writeOptionsFor(start, replacedSchema(start, schema)), signal: context.signal }
  const files = await sessionParquet(context.session).write(rows, written)
  const { snapshot, committed } = await commitTable(context, flow, start, current => {
    const isLost = current.version !== start.version
    return Promise.resolve(isLost ? undefined : stageOverwrite(current, { files, schema, domains, info }))
  })
  // Afterwards: a commit of our own before it would hide one of somebody else's.
  return committed ? await setProperties(context, flow, snapshot, properties) : undefined
}

interface Computed {
  /** The judged rows. */
  relation: Sql
  verdict: Verdict
  schema: StructType
  ledger: Ledger
}

function compute(context: FlowContext, flow: WholeFlow, inputs: Inputs): Promise<Computed> {
  return flow.kind === 'derived' ? computeKeyless(context, flow, inputs) : computeView(context, flow, inputs)
}

async function computeView(context: FlowContext, flow: MaterializedViewFlow, inputs: Inputs): Promise<Computed> {
  const { query, schema } = await emitOver(context, flow, flow.query, inputs)
  const columns = schema.fields
  const judged = await judge(context, flow, { rows: query, columns, keys: [], judged: raw('true'), reasons: [] })
  context.progress({ rows: judged.read, phase: 'computed' })
  const rowsIn = [...inputs.values()].reduce((sum, snapshot) => sum + rowCount(snapshot), 0n)
  const { read, rejected, warned } = judged
  const ledger = { kind: 'materialized view' as const, rowsIn, rowsOut: read - rejected, quarantined: rejected, warned }
  return { relation: judged.table, verdict: judged, schema, ledger }
}

async function computeKeyless(context: FlowContext, flow: DerivedFlow, inputs: Inputs): Promise<Computed> {
  const source = inputs.get(flow.source)
  if (source === undefined) throw new TypeError(`this is a bug in tidemark: ${flow.name} was not given ${flow.source}`)
  const rows = sql`SELECT * FROM (${await context.session.scan(source)}) WHERE _op <> 'delete'`
  const entries = await readEntries(context, flow, { query: rows, schema: source.schema }, { stream: true })
  const { transformed, relation, verdict } = entries
  const { read, rejected: quarantined, warned } = verdict
  const outcomes = { ...NO_OUTCOMES, inserted: read - quarantined }
  const ledger = balance(flow.target, { kind: 'silver' as const, read, ...outcomes, quarantined, warned })
  const seq = source.schema.fields.filter(f => f.name === '_seq')
  return { relation, verdict, schema: structOf([...transformed.fields, ...seq]), ledger }
}

/** Rows of a table by the statistics of its files; files without a count add nothing. */
export function rowCount(snapshot: Snapshot): bigint {
  let rows = 0n
  for (const { stats } of snapshot.files.values()) rows += recordCount(stats)
  return rows
}

function recordCount(stats: string | undefined): bigint {
  const found = stats === undefined ? null : /"numRecords"\s*:\s*(\d+)/.exec(stats)
  return found?.[1] === undefined ? 0n : BigInt(found[1])
}
