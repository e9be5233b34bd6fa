/**
 * Execute a plan's steps in graph order, several at a time. A failed step stops what depends on it and nothing else.
 */
import type { ProblemFact, RunEvent, StepResult } from '../model/event.ts'
import type { Clock } from '../model/ports.ts'
import type { Ledger, StepId } from '../model/step.ts'
import type { PlanStep } from '../model/plan.ts'
import { problemFact, toProblem } from './problem-fact.ts'

/** What a step's work gives back; the rest of its result is the same for all kinds. */
export interface StepOutcome {
  status: 'changed' | 'unchanged'
  reason: string | undefined
  ledger: Ledger | undefined
  versionBefore: bigint | undefined
  versionAfter: bigint | undefined
  source?: StepResult['source']
  warnings: readonly string[]
}

/** What is known of a step's inputs when it starts. */
export interface StepsBefore {
  /** True when none of the steps that it needs has changed its table in this run. */
  readonly isSettled: boolean
}

export interface ExecuteOptions {
  runId: string
  clock: Clock
  /** Steps running side by side. */
  parallel: number
  emit: (event: RunEvent) => void
  work: (step: PlanStep, before: StepsBefore) => Promise<StepOutcome>
  /** Up to which instant of its source a step's table is complete once the step has succeeded. */
  instants: ReadonlyMap<StepId, string>
  signal: AbortSignal
}

/** Run every step once. Never rejects for a failed step: its result says so. Results are in the order of the steps. */
export async function executePlan(steps: readonly PlanStep[], options: ExecuteOptions): Promise<StepResult[]> {
  const results = new Map<StepId, StepResult>()
  const waiting = new Set(steps)
  const running = new Map<StepId, Promise<void>>()
  for (const step of steps) {
    if (step.needs.length === 0) continue
    const [runId, at] = [options.runId, options.clock.now()]
    options.emit({ kind: 'step waiting', runId, at, step: step.id, for: step.needs.join(', ') })
  }
  const settle = (result: StepResult, state?: string): void => {
    results.set(result.step, result)
    options.emit({ kind: 'step finished', runId: options.runId, at: options.clock.now(), result, state })
  }
  while (waiting.size > 0 || running.size > 0) {
    for (const step of waiting) {
      if (!step.needs.every(id => results.has(id))) continue
      const blocked = blocker(step, results, options.signal)
      if (blocked !== undefined) settle(skipped(step, blocked, options.clock.now()))
      else if (running.size >= options.parallel) continue
      else {
        const before = { isSettled: step.needs.every(id => isUntouched(results.get(id))) }
        const work = runStep(step, before, options).then(({ result, state }) => settle(result, state))
        running.set(
          step.id,
          work.finally(() => running.delete(step.id)),
        )
      }
      waiting.delete(step)
    }
    if (running.size > 0) await Promise.race(running.values())
    else if (waiting.size > 0 && ![...waiting].some(step => step.needs.every(id => results.has(id)))) {
      throw new TypeError('this is a bug in tidemark: steps wait for each other')
    }
  }
  return steps.flatMap(step => results.get(step.id) ?? [])
}

/** Also a commit that brings no row, such as a mark alone, is a new version to whoever reads the table. */
function isUntouched(result: StepResult | undefined): boolean {
  return result?.status === 'unchanged' && result.versionBefore === result.versionAfter
}

interface Finished {
  result: StepResult
  /** Of a problem: see the event. */
  state?: string | undefined
}

async function runStep(step: PlanStep, before: StepsBefore, options: ExecuteOptions): Promise<Finished> {
  const { clock, emit, runId } = options
  const startedAt = clock.now()
  const start = clock.monotonic()
  emit({ kind: 'step started', runId, at: startedAt, step: step.id })
  const base = { step: step.id, kind: step.kind, table: step.table, startedAt }
  try {
    const outcome = await options.work(step, before)
    const asOf = options.instants.get(step.id)
    const durationMs = Math.round(clock.monotonic() - start)
    return { result: { ...base, ...outcome, asOf, durationMs, problem: undefined } }
  } catch (error) {
    const durationMs = Math.round(clock.monotonic() - start)
    const ended = (status: 'failed' | 'skipped', reason: string, fact?: ProblemFact): StepResult => {
      return { ...base, ...nothingDone(status, reason, fact), durationMs }
    }
    if (isStopped(error, options.signal)) return { result: ended('skipped', STOPPED) }
    const { title, state } = toProblem(error, step.id)
    return { result: ended('failed', title, problemFact(error, step.id)), state }
  }
}

const STOPPED = 'the run was stopped'

/** Stopped by the signal is not failed: nothing is wrong with the table, and nobody needs to be told. */
function isStopped(error: unknown, signal: AbortSignal): boolean {
  if (!signal.aborted) return false
  for (let e: unknown = error; e instanceof Error; e = e.cause) if (e === signal.reason) return true
  return false
}

interface Blocked {
  reason: string
  by: readonly StepId[]
}

/** Why a step cannot start: the failed steps it waits for, directly or through skipped ones. */
function blocker(step: PlanStep, results: ReadonlyMap<StepId, StepResult>, signal: AbortSignal): Blocked | undefined {
  const by = new Set<StepId>()
  for (const id of step.needs) {
    const result = results.get(id)
    if (result?.status === 'failed') by.add(id)
    for (const root of result?.blockedBy ?? []) by.add(root)
  }
  if (by.size > 0) return { reason: `${[...by].join(', ')} failed`, by: [...by] }
  return signal.aborted ? { reason: STOPPED, by: [] } : undefined
}

function skipped(step: PlanStep, { reason, by }: Blocked, now: number): StepResult {
  const base = { step: step.id, kind: step.kind, table: step.table, startedAt: now, durationMs: 0 }
  return { ...base, ...nothingDone('skipped', reason, undefined), blockedBy: by }
}

function nothingDone(
  status: 'failed' | 'skipped',
  reason: string,
  problem: ProblemFact | undefined,
): Omit<StepResult, 'step' | 'kind' | 'table' | 'startedAt' | 'durationMs'> {
  const none = { ledger: undefined, versionBefore: undefined, versionAfter: undefined }
  return { status, reason, problem, warnings: [], ...none }
}
