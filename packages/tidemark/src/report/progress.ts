/**
 * A run as it stands: the state a live display shows, folded from events one by one. Pure, so that every picture can be
 * tested as text.
 */
import type { AnnouncedStep, RunEvent, StepResult } from '../model/event.ts'
import type { StepId } from '../model/step.ts'

export type StepProgress =
  | { state: 'pending' }
  | { state: 'waiting'; for: string }
  /** `since` and `rowsAt` are event times; the rate is rows over the time between them. */
  | { state: 'running'; phase: string; rows: bigint; since: number; rowsAt: number }
  | { state: 'finished'; result: StepResult }

export interface Progress {
  runId: string | undefined
  target: string
  startedAt: number
  /** In the order of the plan. */
  steps: ReadonlyMap<StepId, { announced: AnnouncedStep; progress: StepProgress }>
  warnings: readonly { step: StepId | undefined; text: string }[]
  /** Set once the run is over. */
  finished: Extract<RunEvent, { kind: 'run finished' }> | undefined
}

export const noProgress: Progress = {
  runId: undefined,
  target: '',
  startedAt: 0,
  steps: new Map(),
  warnings: [],
  finished: undefined,
}

/** The state after one more event. Events about steps that were not announced add them at the end. */
export function applyEvent(progress: Progress, event: RunEvent): Progress {
  switch (event.kind) {
    case 'run started': {
      const steps = event.steps.map(
        announced => [announced.id, { announced, progress: { state: 'pending' } as const }] as const,
      )
      return { ...noProgress, runId: event.runId, target: event.target, startedAt: event.at, steps: new Map(steps) }
    }
    case 'step started':
      return setStep(progress, event.step, { state: 'running', phase: '', rows: 0n, since: event.at, rowsAt: event.at })
    case 'step waiting':
      return setStep(progress, event.step, { state: 'waiting', for: event.for })
    case 'step progress': {
      const before = progress.steps.get(event.step)?.progress
      // A new phase counts from zero, so its rate must not include the time of the phases before.
      const same = before?.state === 'running' && (before.phase === event.phase || before.phase === '')
      const since = same ? before.since : event.at
      return setStep(progress, event.step, {
        state: 'running',
        phase: event.phase,
        rows: event.rows,
        since,
        rowsAt: event.at,
      })
    }
    case 'step finished':
      return setStep(progress, event.result.step, { state: 'finished', result: event.result })
    case 'warning':
      return { ...progress, warnings: [...progress.warnings, { step: event.step, text: event.text }] }
    case 'run finished':
      return { ...progress, finished: event }
  }
}

function setStep(progress: Progress, id: StepId, next: StepProgress): Progress {
  const announced = progress.steps.get(id)?.announced ?? { id, kind: 'extract' }
  return { ...progress, steps: new Map(progress.steps).set(id, { announced, progress: next }) }
}
