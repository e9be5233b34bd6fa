/**
 * A run as one unit of account: once its start is written so is its end, with the reason, whatever happens in between.
 * Only a process that dies leaves a run open, and the next one closes it as abandoned.
 */
import type { RunEvent, RunStatus, StepResult } from '../model/event.ts'
import type { Clock, Ids, ObjectStore } from '../model/ports.ts'
import { sweepEndedLoads } from './ended-loads.ts'
import { type EndedRuns, findAbandoned, type RunEnd, writeRunEnd, writeRunStart } from './facts.ts'
import type { Lake } from './lake.ts'
import type { Processes } from './lease.ts'
import { problemFact, toProblem } from './problem-fact.ts'
import { sweepScratch } from './scratch.ts'

export interface AccountPorts {
  clock: Clock
  ids: Ids
  processes: Processes
}

/**
 * Called before a run's end is written, and for runs found dead: what must survive a crash (alert records) is made
 * durable here, before the run counts as ended.
 *
 * @param before the runs that had ended when this one began, where they were listed
 */
export type BeforeEnd = (store: ObjectStore, end: RunEnd, before?: EndedRuns) => Promise<void>

export interface AccountRequest {
  lake: Lake
  runId: string
  startedAt: number
  target: string
  emit: (event: RunEvent) => void
  beforeEnd: BeforeEnd
  signal: AbortSignal
}

export interface RunOutcome {
  runId: string
  status: RunStatus
  results: readonly StepResult[]
}

/**
 * Do the work of a run between its first and its last fact, and between its first and its last event. Hold the lease.
 *
 * @param work emits what happens and gives the results of the steps; when it rejects, the run ends as failed. It is told
 *   which runs have ended before
 * @throws whatever `work` rejects with; {RUN_CANCELLED} when that is because of the signal
 */
export async function keepAccount(
  ports: AccountPorts,
  request: AccountRequest,
  work: (emit: AccountRequest['emit'], before: EndedRuns) => Promise<readonly StepResult[]>,
): Promise<RunOutcome> {
  const { lake, runId, startedAt, target, signal } = request
  const { host, pid } = ports.processes
  await sweepScratch(lake.root, ports.processes, startedAt)
  const before = await closeAbandoned(ports, request)
  await writeRunStart(lake.store, { runId, startedAt, target, host, pid })
  const emit = announced(request)
  const close = (end: Pick<RunEnd, 'status' | 'steps' | 'problem'>): Promise<void> =>
    closeRun(ports, { ...request, store: lake.store, usage: lake.usage, emit, before }, end)
  try {
    const results = await work(emit, before)
    const status = runStatus(results, signal)
    await close({ status, steps: results })
    return { runId, status, results }
  } catch (error) {
    const problem = signal.aborted ? undefined : problemFact(error, 'the run')
    // When the lake cannot be written the first error says more; the run stays open and the next one closes it.
    await close({ status: signal.aborted ? 'cancelled' : 'failed', steps: [], problem }).catch(() => undefined)
    throw signal.aborted ? toProblem(signal.reason, 'the run') : error
  }
}

/** Write the end of a run and then emit it; the first end of a run stays. */
export async function closeRun(
  { clock }: Pick<AccountPorts, 'clock'>,
  request: Pick<AccountRequest, 'runId' | 'startedAt' | 'target' | 'emit' | 'beforeEnd'> & {
    store: ObjectStore
    usage?: Lake['usage']
    before?: EndedRuns
  },
  { status, steps, problem }: Pick<RunEnd, 'status' | 'steps' | 'problem'>,
): Promise<void> {
  const { store, runId, startedAt, target, before } = request
  const end: RunEnd = { runId, startedAt, endedAt: clock.now(), target, status, steps, problem }
  await request.beforeEnd(store, end, before)
  await writeRunEnd(store, end)
  request.emit({
    kind: 'run finished',
    runId,
    at: end.endedAt,
    status,
    results: steps,
    problem,
    storage: request.usage?.(),
  })
}

async function closeAbandoned(
  { clock }: AccountPorts,
  { lake, runId, beforeEnd, signal }: AccountRequest,
): Promise<EndedRuns> {
  const { abandoned, ended } = await findAbandoned(lake.store, runId, clock.now())
  let before = ended
  for (const end of abandoned) {
    await beforeEnd(lake.store, end, before)
    await writeRunEnd(lake.store, end)
    before = [...before, end.runId].sort()
  }
  if (abandoned.length > 0) await sweepEndedLoads(lake, { now: clock.now(), signal })
  return before
}

/** Every run begins with `run started`; one that ended before its steps were known begins without any. */
export function announced({
  emit,
  target,
  startedAt,
}: Pick<AccountRequest, 'emit' | 'target' | 'startedAt'>): AccountRequest['emit'] {
  let started = false
  return event => {
    const { kind, runId } = event
    if (!started && kind !== 'run started') emit({ kind: 'run started', runId, at: startedAt, target, steps: [] })
    started = true
    emit(event)
  }
}

function runStatus(results: readonly StepResult[], signal: AbortSignal): RunStatus {
  if (signal.aborted) return 'cancelled'
  return results.some(result => result.status === 'failed') ? 'failed' : 'succeeded'
}
