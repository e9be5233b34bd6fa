/** The rows that AUTO CDC targets keep of one key: the newest of SCD 1, every version of SCD 2. */
import type { Session } from '../../engine/engine.ts'
import { ident, join, type Sql, sql } from '../../engine/sql.ts'
import { findField } from '../../flows/schema-fit.ts'
import { readTable } from '../../flows/commit-table.ts'
import type { AutoCdcFlow, DerivedFlow, Flow } from '../../model/flow.ts'
import type { LakeStore } from '../../model/ports.ts'
import type { TracedTarget } from '../../model/trace.ts'
import { inputsOf } from '../plan.ts'

/** Targets that stream from the silver table, by its key or any other columns it has. */
export async function traceGold(
  at: { lake: LakeStore; session: Session; signal: AbortSignal },
  flows: readonly Flow[],
  from: { flow: DerivedFlow | undefined; judged: { relation: Sql; columns: readonly string[] } },
): Promise<TracedTarget[]> {
  const { flow, judged } = from
  if (flow === undefined) return []
  const fed = new Set(
    flows.filter(one => one.kind === 'derived' && one.source === flow.source).map(({ target }) => target),
  )
  const targets: TracedTarget[] = []
  for (const one of flows) {
    if (one.kind !== 'auto cdc' || !fed.has(inputsOf(one)[0] ?? '')) continue
    const keys = one.keys.map(key => judged.columns.find(column => column.toLowerCase() === key.toLowerCase()))
    if (keys.every(key => key !== undefined)) targets.push(await traceTarget(at, one, judged.relation))
  }
  return targets
}

async function traceTarget(
  { lake, session, signal }: { lake: LakeStore; session: Session; signal: AbortSignal },
  flow: AutoCdcFlow,
  entries: Sql,
): Promise<TracedTarget> {
  const { target: table, scdType } = flow
  const snapshot = await readTable({ ...lake, signal }, table)
  if (snapshot === undefined) return { table, scdType, state: 'not filled', rows: [] }
  const same = flow.keys.map(key => sql`t.${ident(findField(snapshot.schema, key)?.name ?? key)} = e.${ident(key)}`)
  const order = scdType === 2 ? sql`__START_AT` : sql`_seq`
  const rows = await session.rows(
    sql`SELECT t.* FROM (${await session.scan(snapshot)}) t SEMI JOIN ${entries} e ON ${join(same, ' AND ')} ORDER BY ${order}`,
    signal,
  )
  return { table, scdType, state: 'filled', rows }
}
