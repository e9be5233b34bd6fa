/**
 * A run as it stands: the state a live display shows, folded from events one by one. Pure, so that every picture can be
 * tested as text.
 */
import type { AnnouncedStep, PhaseProgress, RunEvent, StepResult } from '../model/event.ts'
import type { StepId } from '../model/step.ts'

export type StepProgress =
  | { state: 'pending' }
  | { state: 'waiting'; for: string }
  | ({ state: 'running' } & RunningPhase)
  | { state: 'finished'; result: StepResult }

type Told = Omit<PhaseProgress, 'bytes'>

export interface RunningPhase extends Told {
  /** When the phase began, and how many rows there were then: those that an earlier run had read. */
  since: number
  rowsBefore: bigint
  /** Time of the event that `rows` come from. */
  rowsAt: number
}

export interface Progress {
  runId: string | undefined
  target: string
  startedAt: number
  /** In the order of the plan. */
  steps: ReadonlyMap<StepId, { announced: AnnouncedStep; progress: StepProgress }>
  /** Set once the run is over. */
  finished: Extract<RunEvent, { kind: 'run finished' }> | undefined
}

export const noProgress: Progress = {
  runId: undefined,
  target: '',
  startedAt: 0,
  steps: new Map(),
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
      return setStep(progress, event.step, running({ ...event, phase: '', rows: 0n }, undefined))
    case 'step waiting':
      return setStep(progress, event.step, { state: 'waiting', for: event.for })
    case 'step progress': {
      const before = progress.steps.get(event.step)?.progress
      return setStep(progress, event.step, running(event, before?.state === 'running' ? before : undefined))
    }
    case 'step finished':
      return setStep(progress, event.result.step, { state: 'finished', result: event.result })
    case 'warning':
      return progress
    case 'run finished':
      return { ...progress, finished: event }
  }
}

/** A new phase counts from where it begins, so its rate includes neither time nor rows from before. */
function running(event: Told & { at: number }, before: RunningPhase | undefined): StepProgress {
  const { at, phase, rows, expectedRows, parts, held } = event
  const { since, rowsBefore } = before?.phase === phase ? before : { since: at, rowsBefore: rows }
  return { state: 'running', phase, rows, expectedRows, parts, held, since, rowsBefore, rowsAt: at }
}

function setStep(progress: Progress, id: StepId, next: StepProgress): Progress {
  const announced = progress.steps.get(id)?.announced ?? { id, kind: 'extract' }
  return { ...progress, steps: new Map(progress.steps).set(id, { announced, progress: next }) }
}
