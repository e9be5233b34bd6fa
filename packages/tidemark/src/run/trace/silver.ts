/**
 * What silver made of each version. The decisions are read from where they were carried out, the silver table and its
 * quarantine; the rules are asked again, as they are today.
 */
import type { Snapshot } from '@tidemark/delta'
import type { Session } from '../../engine/engine.ts'
import { columnList } from '../../engine/relations.ts'
import { ident, join, type Sql, sql } from '../../engine/sql.ts'
import type { Problem } from '../../errors/problem.ts'
import { readTable } from '../../flows/commit-table.ts'
import { judgementOf } from '../../flows/entries.ts'
import { judgeRows } from '../../flows/expect.ts'
import { quarantineName } from '../../flows/quarantine.ts'
import { appIdOf, readLastRecord } from '../../flows/record.ts'
import { findField } from '../../flows/schema-fit.ts'
import { type Transformed, transformRows } from '../../flows/transform.ts'
import type { DerivedFlow, Flow } from '../../model/flow.ts'
import type { Decision, TracedSilver, TracedVersion } from '../../model/trace.ts'
import { derivedTable } from '../known-tables.ts'
import { bareContext } from '../run-flow.ts'
import type { OpenSource } from '../prepare.ts'
import { toProblem } from '../problem-fact.ts'
import type { BronzeEntries } from './bronze.ts'
import type { TraceRequest } from './trace-key.ts'

export interface SilverTrace {
  silver: TracedSilver
  versions: readonly TracedVersion[]
  /** The entries as silver sees them, with `_seq`; undefined when they cannot be computed. */
  judged: { relation: Sql; columns: readonly string[] } | undefined
  /** Why the entries cannot be computed by the flow of today. */
  problem: Problem | undefined
}

/** The flow by which the table list fills silver from a bronze table; undefined when a flow file does it instead. */
export function silverFlow(at: {
  name: string
  keys: readonly string[]
  source: OpenSource | undefined
  flows: readonly Flow[]
}): DerivedFlow | undefined {
  const { name, keys, source, flows } = at
  const entry = [...(source?.tables ?? []), ...(source?.refused ?? [])].find(table => table.name === name)?.entry
  const { flow } = derivedTable({ name, entry, keys })
  const taken = flows.some(
    ({ kind, target }) => kind !== 'derived' && target.toLowerCase() === flow.target.toLowerCase(),
  )
  return taken ? undefined : flow
}

/** Decide for each version what became of it. */
export async function traceSilver(
  request: TraceRequest & { session: Session },
  flow: DerivedFlow,
  { snapshot, entries, versions }: BronzeEntries,
): Promise<SilverTrace> {
  const { session, lake, ports, signal } = request
  const context = bareContext({ lake, ...ports, signal }, session)
  const target = await readTable(context, flow.target)
  const silver: TracedSilver = { table: flow.target, state: 'not filled', row: undefined }
  try {
    const transformed = await transformRows(context, flow, { query: entries, schema: snapshot.schema })
    const judged = await judgeRows(context, flow, judgementOf(transformed))
    const results = judged.rules.map(({ condition }, n) => sql`, (${condition}) IS TRUE AS ${ident(`__rule_${n}`)}`)
    const kept = ident(session.temporaryName('judged'))
    await session.run(sql`CREATE TEMP TABLE ${kept} AS SELECT *${join(results, '')} FROM ${judged.relation}`, signal)
    const said = await session.rows(sql`SELECT * FROM ${kept}`, signal)
    const ruled = versions.map(version => {
      const own = said.find(row => row['_seq'] === version.seq && row['_op'] === version.op)
      if (own === undefined || version.op === 'delete') return version
      const rules = judged.rules.map(({ name, action }, n) => ({
        rule: name,
        action,
        passes: own[`__rule_${n}`] === true,
      }))
      return { ...version, rules }
    })
    const relation = kept
    const columns = transformed.fields.map(({ name }) => name)
    const found = target === undefined ? undefined : await findRow(session, target, transformed.keys, relation)
    const decided = await decide(request, { flow, target, transformed, relation, row: found }, ruled)
    const state =
      target === undefined ? ('not filled' as const) : found === undefined ? ('absent' as const) : ('present' as const)
    return {
      silver: { ...silver, state, row: found },
      versions: decided,
      judged: { relation, columns },
      problem: undefined,
    }
  } catch (error) {
    if (signal.aborted) throw error
    return { silver, versions, judged: undefined, problem: toProblem(error, flow.target) }
  }
}

async function findRow(
  session: Session,
  target: Snapshot,
  keys: readonly string[],
  entries: Sql,
): Promise<TracedSilver['row']> {
  const [row] = await session.rows(
    sql`SELECT * FROM (${await session.scan(target)}) SEMI JOIN ${entries} USING (${columnList(keys)})`,
  )
  return row
}

async function decide(
  request: TraceRequest & { session: Session },
  at: {
    flow: DerivedFlow
    target: Snapshot | undefined
    transformed: Transformed
    relation: Sql
    row: TracedSilver['row']
  },
  versions: readonly TracedVersion[],
): Promise<TracedVersion[]> {
  const { flow, target, row } = at
  const rejected = await findRejected(request, at)
  const reached = target === undefined ? undefined : await processedUpTo(request, flow, target)
  const current = row?.['_seq']
  const newest = versions.findLast(version => isReached(version, reached))
  return versions.map(version => {
    const reasons = rejected.get(version.seq)
    if (!isReached(version, reached)) return { ...version, decision: 'waiting' }
    if (reasons !== undefined) return { ...version, decision: 'quarantined', rejectedBy: reasons }
    return { ...version, decision: decisionOf(version, { current, newest }) }
  })
}

function decisionOf(
  version: TracedVersion,
  { current, newest }: { current: unknown; newest: TracedVersion | undefined },
): Decision {
  if (current === version.seq) return 'current'
  if (version.op === 'delete') return version === newest ? 'deleted' : 'superseded'
  return typeof current === 'bigint' && version.seq > current ? 'duplicate' : 'superseded'
}

/** A commit that is no longer in the log came before all that are: silver has passed it. */
function isReached({ commit }: TracedVersion, reached: bigint | undefined): boolean {
  return reached !== undefined && (commit === undefined || commit <= reached)
}

/** The version of bronze up to which silver has worked; undefined before its first batch. */
async function processedUpTo({ lake }: TraceRequest, flow: DerivedFlow, target: Snapshot): Promise<bigint | undefined> {
  const record = await readLastRecord(lake.store, flow, target)
  if (record === undefined) return undefined
  const isDone = (target.txn(appIdOf(record)) ?? -1n) >= record.batch
  return isDone ? record.source.upTo : record.source.after
}

/** Rows of these entries that are in quarantine, by `_seq`, each with the reason. */
async function findRejected(
  { session, lake, ports, signal }: TraceRequest & { session: Session },
  { flow, transformed, relation }: { flow: DerivedFlow; transformed: Transformed; relation: Sql },
): Promise<Map<bigint, readonly string[]>> {
  const context = bareContext({ lake, ...ports, signal }, session)
  const table = await readTable(context, quarantineName(flow.target))
  if (table === undefined || findField(table.schema, '_seq') === undefined) return new Map()
  const keys = transformed.keys.filter(key => findField(table.schema, key) !== undefined)
  const same = [...keys, '_seq'].map(name => sql`q.${ident(name)} IS NOT DISTINCT FROM e.${ident(name)}`)
  const rows = await session.rows(
    sql`SELECT q._seq, q._rules, q._reason FROM (${await session.scan(table)}) q SEMI JOIN ${relation} e ON ${join(same, ' AND ')}`,
    signal,
  )
  return new Map(
    rows.map(row => {
      const rules = row['_rules']
      const reasons = typeof rules === 'string' ? rules.split(',') : [String(row['_reason'])]
      return [BigInt(String(row['_seq'])), reasons] as const
    }),
  )
}
