/**
 * Executes one flow. Whatever its kind: the target changes in one commit or not at all, rejected rows are put aside
 * first, and an execution that dies anywhere is finished by the next one.
 */
import { DeltaError } from '@tidemark/delta'
import { firstLine } from '../errors/first-line.ts'
import { FLOW_COMPUTE_FAILED } from '../errors/flow-run.ts'
import { Problem, Problems } from '../errors/problem.ts'
import type { Flow } from '../model/flow.ts'
import type { WholeFlow } from './computed.ts'
import type { FlowContext } from './context.ts'
import { placeOfFlow } from './language/place.ts'
import type { FlowOutcome } from './outcome.ts'
import { executeStream } from './stream.ts'
import { executeWhole } from './whole.ts'

/**
 * Run a flow to the end of what its sources hold now. With `context.fullRefresh` the target is rebuilt from the layer
 * below; `rewritten` in the outcome says that what streams from it has to run after it.
 *
 * @throws {Problem} with the target unchanged since its last commit; {DeltaError} when the lake cannot be read or
 * written; the signal's reason on abort
 */
export async function executeFlow(context: FlowContext, flow: Flow): Promise<FlowOutcome> {
  try {
    return isWhole(flow) ? await executeWhole(context, flow) : await executeStream(context, flow)
  } catch (error) {
    context.signal.throwIfAborted()
    throw asProblem(flow, error)
  }
}

/** Flows whose target is replaced as a whole: views, and silver tables without a key. */
export function isWhole(flow: Flow): flow is WholeFlow {
  return flow.kind === 'materialized view' || (flow.kind === 'derived' && flow.keys.length === 0)
}

/** An engine's error at the edge: its kind in the message, its details, which may hold values, in the state. */
function asProblem(flow: Flow, error: unknown): unknown {
  if (error instanceof Problem || error instanceof Problems || error instanceof DeltaError) return error
  if (!(error instanceof Error) || error instanceof TypeError) return error
  const kind = /^([A-Z][A-Za-z ]* Error):/.exec(error.message)?.[1]
  if (kind === undefined) return error
  const state = `${flow.target} is unchanged. ${firstLine(error)}`
  return FLOW_COMPUTE_FAILED({ flow: flow.name, kind }, { place: placeOfFlow(flow), state, cause: error })
}
