/** Types of a derived table grow with those of its bronze table, where the table list lets them. */
import { evolve, type Snapshot, type StructType } from '@tidemark/delta'
import { allowsWidening, allowWidening } from '../ingest/widening.ts'
import { readTable } from './commit-table.ts'
import type { FlowContext } from './context.ts'
import type { StreamFlow } from './record.ts'

/**
 * Let types of a flow's target grow, by a commit of its own, when nothing else keeps the rows to come out of it and the
 * types of its source have grown.
 *
 * @returns true when the target is another version now, and has to be looked at again
 */
export async function growWithSource(
  context: FlowContext,
  flow: StreamFlow,
  target: Snapshot,
  wanted: StructType,
): Promise<boolean> {
  if (flow.kind !== 'derived' || allowsWidening(target) || !onlyGrows(target.schema, wanted)) return false
  const source = await readTable(context, flow.source)
  if (source === undefined || !allowsWidening(source)) return false
  await allowWidening(context, target)
  return true
}

function onlyGrows(current: StructType, wanted: StructType): boolean {
  if (evolve(current, wanted).kind === 'compatible') return false
  return evolve(current, wanted, { widenTypes: true }).kind === 'compatible'
}
