/**
 * Entries: the bronze rows of a batch, transformed and judged. As a relation they cost nothing until they are read, so
 * what can be done in one pass never holds them all; kept, they are computed once and stay for the session.
 */
import { ident, join, raw, type Sql, sql } from '../engine/sql.ts'
import type { DerivedFlow } from '../model/flow.ts'
import type { FlowContext } from './context.ts'
import { countJudged, type Judgement, judgeRows, keepJudged, type Verdict } from './expect.ts'
import type { TypedQuery } from './schema-fit.ts'
import { findFailedCast, type Transformed, transformRows } from './transform.ts'

export interface Entries {
  transformed: Transformed
  verdict: Verdict
  /** The judged entries. Reading it twice gives the same rows. */
  relation: Sql
  /** The judged entries as a temporary table; computed when it is first asked for. */
  kept(): Promise<Sql>
}

/**
 * Transform and judge bronze entries. Deletes are not judged; an upsert without its whole key is rejected.
 *
 * @param options.stream true for entries that will be read from start to end, at most a few times; false for those that
 *   will be looked up. What depends on the time is always kept, since a second look could see other rows.
 */
export async function readEntries(
  context: FlowContext,
  flow: DerivedFlow,
  entries: TypedQuery,
  options: { stream: boolean },
): Promise<Entries> {
  const transformed = await transformRows(context, flow, entries)
  const judgement = judgementOf(transformed)
  try {
    const rows = await judgeRows(context, flow, judgement)
    const isStreamed = options.stream && !rows.volatile && !transformed.volatile
    let table: Promise<Sql> | undefined
    const keep = async (): Promise<Sql> => (await keepJudged(context, flow, judgement, rows)).table
    if (isStreamed) {
      const verdict = await countJudged(context, flow, judgement, rows, transformed.computed)
      context.progress({ rows: verdict.read, phase: 'judged' })
      return { transformed, verdict, relation: rows.relation, kept: () => (table ??= keep()) }
    }
    const judged = await keepJudged(context, flow, judgement, rows)
    context.progress({ rows: judged.read, phase: 'judged' })
    return { transformed, verdict: judged, relation: judged.table, kept: () => Promise.resolve(judged.table) }
  } catch (error) {
    throw (await findFailedCast(context, flow, transformed.casts)) ?? error
  }
}

/** How transformed entries are judged: deletes are not, and an upsert needs its whole key. */
export function judgementOf({ query: rows, fields: columns, keys }: Transformed): Judgement {
  const nullKey = sql`_op <> 'delete' AND (${join([raw('false'), ...keys.map(k => sql`${ident(k)} IS NULL`)], ' OR ')})`
  return { rows, columns, keys, judged: sql`_op <> 'delete'`, reasons: [{ reason: 'null key', when: nullKey }] }
}
