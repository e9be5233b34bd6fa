/**
 * Up to which instant of its source each step's table will be complete when the step succeeds. A silver or gold table is
 * as old as the oldest of the bronze tables behind it; it has no instant when one of them is not part of the plan.
 */
import type { Flow, TableName } from '../model/flow.ts'
import type { PlanStep } from '../model/plan.ts'
import type { StepId } from '../model/step.ts'
import { inputsOf, stepId } from './plan.ts'

/**
 * Instants by step.
 *
 * @param steps   the plan's steps, inputs before what reads them
 * @param flows   the flows behind the steps that are no extracts
 * @param sources instant of the snapshot behind each bronze table
 */
export function findInstants(
  steps: readonly PlanStep[],
  flows: readonly Flow[],
  sources: ReadonlyMap<TableName, string>,
): Map<StepId, string> {
  const byId = new Map(flows.map(flow => [stepId(flow), flow]))
  const instants = new Map<StepId, string>()
  const tables = new Map<TableName, string>()
  for (const { id, table, kind } of steps) {
    const flow = byId.get(id)
    const inputs =
      kind === 'extract' || flow === undefined ? [sources.get(table)] : inputsOf(flow).map(t => tables.get(t))
    if (inputs.length === 0 || inputs.includes(undefined)) continue
    const instant = inputs.filter(text => text !== undefined).reduce((a, b) => (a < b ? a : b))
    instants.set(id, instant)
    const other = tables.get(table)
    tables.set(table, other === undefined || instant < other ? instant : other)
  }
  return instants
}
