/** Any error as the plain fact that is stored, sent and printed. Low-level errors are translated here, once. */
import { DeltaError } from '@tidemark/delta'
import { firstLine } from '../errors/first-line.ts'
import { Problem, Problems } from '../errors/problem.ts'
import { RUN_CANCELLED, STEP_FAILED_UNEXPECTEDLY } from '../errors/run.ts'
import { DELTA_LOG_UNREADABLE } from '../errors/delta.ts'
import type { ProblemFact } from '../model/event.ts'
import { findFileSystemProblem } from './file-system-problem.ts'

/** The Problem behind any error; what nobody foresaw becomes STEP_FAILED_UNEXPECTEDLY with its cause kept. */
export function toProblem(error: unknown, step: string): Problem {
  return findProblem(error, step) ?? STEP_FAILED_UNEXPECTEDLY({ step, reason: firstLine(error) }, { cause: error })
}

/** The Problem behind an error whose kind is known; undefined for what is a bug until proved otherwise. */
export function findProblem(error: unknown, step: string): Problem | undefined {
  if (error instanceof Problem) return error
  if (error instanceof Problems && error.problems[0] !== undefined)
    return foremost(error.problems[0], error.problems.length)
  for (let e: unknown = error; e instanceof Error; e = e.cause) {
    if (e instanceof Problem) return e
    if (e instanceof Problems && e.problems[0] !== undefined) return e.problems[0]
    const problem = findFileSystemProblem(e, error)
    if (problem !== undefined) return problem
  }
  if (error instanceof DOMException && error.name === 'AbortError')
    return RUN_CANCELLED({ by: error.message.replace(/^stopped by /, '') }, { cause: error })
  if (!(error instanceof DeltaError)) return undefined
  const reason = firstLine(error)
  return DELTA_LOG_UNREADABLE({ step, code: error.code, reason }, { cause: error })
}

/** True when the table itself, in the lake, cannot be read as it is. */
export function isBrokenTable({ code }: Problem): boolean {
  return code === DELTA_LOG_UNREADABLE.code
}

/** A step tells one problem; that there are more is said with it. */
function foremost(first: Problem, count: number): Problem {
  if (count === 1) return first
  const message = `${first.message} (the first of ${count} problems)`
  return Object.assign(Object.create(first) as Problem, { message })
}

/** A Problem as plain text fields. */
export function problemFact(error: unknown, step: string): ProblemFact {
  const { code, title, message, hint, place } = toProblem(error, step)
  const where = place === undefined ? undefined : `${place.file}:${place.line}:${place.column}`
  return { code, title, message, hint, place: where }
}
