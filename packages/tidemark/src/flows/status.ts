/**
 * What a flow would do now, for `plan`. Reads the log alone, never rows, and writes nothing.
 */
import { addedFiles, readCommits } from '@tidemark/delta'
import { Problem } from '../errors/problem.ts'
import type { Flow } from '../model/flow.ts'
import { decideBatch } from './batch.ts'
import { getSource, readTable } from './commit-table.ts'
import { isComputed, type WholeFlow } from './computed.ts'
import type { FlowContext } from './context.ts'
import { isWhole } from './execute.ts'
import type { BatchRecord, StreamFlow } from './record.ts'
import { readInputs, rowCount } from './whole.ts'

export type FlowStatus =
  /** Proved from the log: running it writes nothing, as long as its sources stay as they are. */
  | { kind: 'unchanged'; reason: string }
  /** It has this many rows to read at most. */
  | { kind: 'at most'; rows: bigint; reason: string }
  /** A source is not there yet: known after what fills it. */
  | { kind: 'follows'; reason: string }

export async function flowStatus(context: FlowContext, flow: Flow): Promise<FlowStatus> {
  try {
    return isWhole(flow) ? await wholeStatus(context, flow) : await streamStatus(context, flow)
  } catch (error) {
    if (error instanceof Problem && error.code === 'FLOW_SOURCE_MISSING')
      return { kind: 'follows', reason: error.message }
    throw error
  }
}

async function wholeStatus(context: FlowContext, flow: WholeFlow): Promise<FlowStatus> {
  const inputs = await readInputs(context, flow)
  const target = await readTable(context, flow.target)
  if (!context.fullRefresh && isComputed(flow, inputs, target)) {
    return { kind: 'unchanged', reason: 'definition and inputs are unchanged' }
  }
  const rows = [...inputs.values()].reduce((sum, snapshot) => sum + rowCount(snapshot), 0n)
  return { kind: 'at most', rows, reason: target === undefined ? 'first computation' : 'definition or inputs changed' }
}

async function streamStatus(context: FlowContext, flow: StreamFlow): Promise<FlowStatus> {
  const decision = await decideBatch(context, flow, await readTable(context, flow.target))
  if (decision.kind === 'nothing') return { kind: 'unchanged', reason: decision.reason }
  const rows = await batchSize(context, decision.record)
  return {
    kind: 'at most',
    rows,
    reason: decision.kind === 'open' ? `finishes batch ${decision.record.batch}` : 'new rows',
  }
}

/** Rows of a batch by the statistics of its files. */
async function batchSize(context: FlowContext, record: BatchRecord): Promise<bigint> {
  const { table, after, upTo } = record.source
  const source = await getSource(context, record.flow, table, upTo)
  if (after === undefined) return rowCount(source)
  const commits = await readCommits(context.store, source.tablePath, { after, upTo })
  const files = commits.flatMap(commit => addedFiles(commit).map(f => [f.path, f] as const))
  return rowCount({ ...source, files: new Map(files) })
}
