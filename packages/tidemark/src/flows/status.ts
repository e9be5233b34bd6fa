/**
 * What a flow would do now, for `plan`. Reads the log alone, never rows, and writes nothing.
 */
import { addedFiles, readCommits, type Snapshot } from '@tidemark/delta'
import { Problem } from '../errors/problem.ts'
import type { Flow } from '../model/flow.ts'
import { decideBatch, streamedTable } from './batch.ts'
import { describeChanges } from './changes.ts'
import { differingProperties, getSource, readTable } from './commit-table.ts'
import { isComputed, isRedefined, isVolatile, isWholeTable, type WholeFlow } from './computed.ts'
import type { FlowContext } from './context.ts'
import { isWhole } from './execute.ts'
import type { BatchRecord, StreamFlow } from './record.ts'
import { readInputs, rowCount } from './whole.ts'

export type FlowStatus =
  /** Proved from the log of this version of its target: running it writes nothing, as long as its sources stay as they are. */
  | { kind: 'unchanged'; reason: string; version: bigint | undefined }
  /** It has this many rows to read at most. */
  | { kind: 'at most'; rows: bigint }
  /** A source is not there yet: known after what fills it. */
  | { kind: 'follows' }
  /** It cannot run as it is declared now. */
  | { kind: 'refused'; problem: Problem }

/** A status with what a person should know beside it, such as what a changed declaration will and will not do. */
export interface FlowForecast {
  status: FlowStatus
  notes: readonly string[]
}

/** Throws {DeltaError} when the lake cannot be read. */
export async function forecastFlow(context: FlowContext, flow: Flow): Promise<FlowForecast> {
  try {
    return isWhole(flow) ? await forecastWhole(context, flow) : await forecastStream(context, flow)
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    return { status: error.code === 'FLOW_SOURCE_MISSING' ? { kind: 'follows' } : refused(error), notes: [] }
  }
}

const refused = (problem: Problem): FlowStatus => ({ kind: 'refused', problem })

async function forecastWhole(context: FlowContext, flow: WholeFlow): Promise<FlowForecast> {
  const inputs = await readInputs(context, flow)
  const target = await readTable(context, flow.target)
  if (!context.fullRefresh && isComputed(flow, inputs, target)) {
    const reason = 'definition and inputs are unchanged'
    return { status: { kind: 'unchanged', reason, version: target?.version }, notes: [] }
  }
  const rows = [...inputs.values()].reduce((sum, snapshot) => sum + rowCount(snapshot), 0n)
  const notes = [
    ...describeProperties(flow, target),
    ...(isVolatile(flow) ? ['it depends on the time: computed again in every run'] : []),
    ...(isRedefined(flow, target) ? ['the definition changed: computed again as a whole'] : []),
  ]
  return { status: { kind: 'at most', rows }, notes }
}

async function forecastStream(context: FlowContext, flow: StreamFlow): Promise<FlowForecast> {
  const target = await readTable(context, flow.target)
  const decision = await decideBatch(context, flow, target)
  if (decision.kind === 'nothing') {
    const notes = describeChanges(flow, decision.last, target)
    return { status: { kind: 'unchanged', reason: decision.reason, version: target?.version }, notes }
  }
  const { record } = decision
  const status: FlowStatus = { kind: 'at most', rows: await batchSize(context, record) }
  if (decision.kind === 'open') return { status, notes: [`finishes batch ${record.batch} as it was decided`] }
  const isRebuilt = record.source.after === undefined && (context.fullRefresh || isWholeTable(target))
  if (isRebuilt && target !== undefined)
    return { status, notes: [`every row is made anew from ${streamedTable(flow)}`] }
  const changes = describeChanges(flow, decision.last, target)
  return { status, notes: [...changes, ...describeProperties(flow, target)] }
}

/** Properties that the flow's next commit sets. */
function describeProperties({ properties }: Flow, target: Snapshot | undefined): string[] {
  const all = Object.entries(target === undefined ? {} : differingProperties(target, properties))
  return all.map(([name, value]) => `sets ${name} = ${value}`)
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
