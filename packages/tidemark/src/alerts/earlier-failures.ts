/** What was failing before a run, from the facts of the runs before it. Pure. */
import type { RunEnd } from '../run/facts.ts'

/** A table that failed when it was last tried; table null for a run as a whole. */
export interface EarlierFailure {
  table: string | null
  code: string
}

/**
 * Tables whose last attempt failed, and the last run that was not stopped if it failed as a whole. A step that was skipped
 * says nothing about its table.
 *
 * @param runs newest first
 */
export function lastFailures(runs: readonly Pick<RunEnd, 'status' | 'steps' | 'problem'>[]): EarlierFailure[] {
  const seen = new Set<string>()
  const failures: EarlierFailure[] = []
  const whole = runs.find(run => run.status !== 'cancelled')?.problem
  if (whole !== undefined) failures.push({ table: null, code: whole.code })
  for (const run of runs) {
    for (const step of run.steps) {
      if (step.status === 'skipped' || seen.has(step.table)) continue
      const failed = run.steps.filter(other => other.table === step.table && other.status === 'failed')
      seen.add(step.table)
      for (const { problem } of failed) failures.push({ table: step.table, code: problem?.code ?? '' })
    }
  }
  return failures
}
