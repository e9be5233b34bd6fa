/** What a look at a source or a lake found out, as facts: `doctor` makes them, reports and programs read them. */
import type { Problem } from '../errors/problem.ts'

export interface Finding {
  level: 'ok' | 'warning' | 'problem'
  /** What was looked at, in a word or two: `encryption`, `rights`. */
  about: string
  says: string
  /** What takes a warning away, mostly a statement for the administrator; undefined when there is nothing to do. */
  remedy: string | undefined
  /** The problem behind it; a finding of that level has one. */
  problem: Problem | undefined
}

/** All is well with it. */
export function ok(about: string, says: string): Finding {
  return { level: 'ok', about, says, remedy: undefined, problem: undefined }
}

/** It works, and should not be left so. */
export function warning(about: string, says: string, remedy: string): Finding {
  return { level: 'warning', about, says, remedy, problem: undefined }
}

/** A run would fail by it. */
export function failing(about: string, problem: Problem): Finding {
  return { level: 'problem', about, says: problem.message, remedy: problem.hint, problem }
}

/** A source: its facts, and the script that makes a login with no more than it needs. */
export interface SourceReport {
  source: string
  type: string
  findings: readonly Finding[]
  /** Statements for an administrator; empty when the source has no logins or its guide has them. */
  grants: readonly string[]
}

export interface DoctorReport {
  /** Secrets that vaults keep, each asked for. */
  secrets: readonly Finding[]
  sources: readonly SourceReport[]
  lake: { place: string; findings: readonly Finding[] }
}
