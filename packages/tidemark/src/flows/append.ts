/**
 * Append flows: a query over the rows of one batch of a stream, other tables as they were when the batch was decided;
 * what keeps the rules is appended.
 */
import { raw, sql } from '../engine/sql.ts'
import type { AppendFlow } from '../model/flow.ts'
import { emitBatch } from './batch-rows.ts'
import type { FlowContext } from './context.ts'
import { applyAppend } from './derived.ts'
import { judge } from './expect.ts'
import type { Prepared } from './prepared.ts'
import type { BatchRecord } from './record.ts'

/** Prepare one batch of an append flow. `read` in its ledger counts the rows the query gives. */
export async function prepareAppend(context: FlowContext, record: BatchRecord, flow: AppendFlow): Promise<Prepared> {
  const { query, schema } = await emitBatch(context, record, flow.query)
  const columns = schema.fields
  const judged = await judge(context, flow, { rows: query, columns, keys: [], judged: raw('true'), reasons: [] })
  context.progress({ rows: judged.read, phase: 'judged' })
  const rows = { query: sql`SELECT * FROM ${judged.table} WHERE __reason IS NULL`, schema }
  const { read, rejected: quarantined, warned } = judged
  const counts = { read, inserted: read - quarantined, filtered: 0n, quarantined, warned }
  return {
    schema,
    rejects: { judged: judged.table, rejected: judged.rejected, schema },
    warnings: judged.warnings,
    apply: attempt => applyAppend(context, flow, rows, counts, attempt),
  }
}
