/** The work of running one flow: what it is handed, and what its step tells. */
import type { Session } from '../engine/engine.ts'
import type { FlowContext } from '../flows/context.ts'
import { executeFlow } from '../flows/execute.ts'
import { createPortableSql } from '../flows/language/portable/portable-sql.ts'
import type { PlanStep } from '../model/plan.ts'
import type { Clock, Ids, LakeStore } from '../model/ports.ts'
import type { CompiledFlows } from './compile-flows.ts'
import type { StepOutcome } from './execute.ts'
import { stepId } from './plan.ts'
import type { RunScope } from './run-project.ts'

/** Run one flow's step in a session of its own. */
export async function runFlow(scope: RunScope, compiled: CompiledFlows, step: PlanStep): Promise<StepOutcome> {
  const flow = compiled.flows.find(planned => stepId(planned.flow) === step.id)?.flow
  if (flow === undefined) throw new TypeError(`this is a bug in tidemark: ${step.id} is no flow`)
  const { ports, lake, runId, request } = scope
  const { clock, ids } = ports
  const { signal } = request
  await using session = await lake.engine.session()
  const context: FlowContext = {
    ...bareContext({ lake, clock, ids, signal }, session),
    runId,
    progress: ({ rows, phase }) =>
      request.emit({ kind: 'step progress', runId, at: clock.now(), step: step.id, rows, bytes: 0n, phase }),
    warn: text => request.emit({ kind: 'warning', runId, at: clock.now(), step: step.id, text }),
    fullRefresh: compiled.refreshed.has(flow.target),
  }
  const { status, reason, ledger, versionBefore, versionAfter, warnings } = await executeFlow(context, flow)
  return { status, reason, ledger, versionBefore, versionAfter, warnings }
}

/** What a flow is handed when it is only looked at. */
export function bareContext(
  ports: { lake: LakeStore; clock: Clock; ids: Ids; signal: AbortSignal },
  session: Session,
): FlowContext {
  const { lake, clock, ids, signal } = ports
  const { store, logParquet } = lake
  const portable = createPortableSql(session)
  const nothing = { runId: '', progress: () => undefined, warn: () => undefined, fullRefresh: false }
  return { store, logParquet, session, clock, ids, portable, signal, ...nothing }
}
