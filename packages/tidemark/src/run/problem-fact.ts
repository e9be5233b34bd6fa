/** Any error as the plain fact that is stored, sent and printed. Low-level errors are translated here, once. */
import { DeltaError } from '@tidemark/delta'
import { Problem, Problems } from '../errors/problem.ts'
import {
  LAKE_FULL,
  LAKE_NOT_READABLE,
  LAKE_NOT_WRITABLE,
  RUN_CANCELLED,
  STEP_FAILED_UNEXPECTEDLY,
} from '../errors/run.ts'
import { DELTA_LOG_UNREADABLE } from '../errors/delta.ts'
import type { ProblemFact } from '../model/event.ts'

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
    const problem = ofFileSystem(e, error)
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

const READING = /^(open|read|scandir|opendir|stat|lstat|access|realpath)$/

/** The system's own error, under the name of the lake. Whether it was reading or writing decides the way out. */
function ofFileSystem(e: Error, whole: unknown): Problem | undefined {
  const { code, syscall, path } = e as NodeJS.ErrnoException
  if (typeof code !== 'string' || typeof syscall !== 'string') return undefined
  const lake = path ?? 'the lake'
  const at = { cause: whole }
  const isWrite = whole instanceof DeltaError && whole.code === 'NOT_WRITTEN'
  const isReading = READING.test(syscall) && !isWrite
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return LAKE_FULL({ lake }, at)
    case 'EROFS':
      return LAKE_NOT_WRITABLE({ lake, reason: `the file system is read-only (${code})` }, at)
    case 'EACCES':
    case 'EPERM':
      return (isReading ? LAKE_NOT_READABLE : LAKE_NOT_WRITABLE)({ lake, reason: `no permission (${code})` }, at)
    case 'EEXIST':
    case 'ENOTDIR':
      return isWrite
        ? LAKE_NOT_WRITABLE({ lake, reason: `something that is no folder is in the way (${code})` }, at)
        : undefined
    default:
      return isWrite ? LAKE_NOT_WRITABLE({ lake, reason: firstLine(e) }, at) : undefined
  }
}

function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return message.split('\n')[0] ?? message
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
