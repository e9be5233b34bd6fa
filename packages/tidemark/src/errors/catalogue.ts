/**
 * Every kind of problem a user can meet, by its code. An area of the product adds its kinds by exporting them from its
 * own file here in errors/ and naming that file below.
 */
import * as alert from './alert.ts'
import * as audit from './audit.ts'
import * as backfill from './backfill.ts'
import * as config from './config.ts'
import * as delta from './delta.ts'
import * as drift from './drift.ts'
import * as engine from './engine.ts'
import * as explain from './explain.ts'
import * as flow from './flow.ts'
import * as flowRun from './flow-run.ts'
import * as ingest from './ingest.ts'
import * as list from './list.ts'
import * as mask from './mask.ts'
import * as names from './names.ts'
import type { ExitCode, Problem, Retry } from './problem.ts'
import * as reference from './reference.ts'
import * as run from './run.ts'
import * as secret from './secret.ts'
import * as source from './source.ts'
import * as sourceTable from './source-table.ts'
import * as storage from './storage.ts'

/** A ProblemKind whose parameters are not known: what a list of different kinds holds. */
export interface AnyProblemKind {
  readonly code: string
  readonly title: string
  readonly retry: Retry
  readonly exit: ExitCode
  readonly example: object
  (params: never): Problem
}

const areas: readonly object[] = [
  alert,
  audit,
  backfill,
  config,
  delta,
  drift,
  engine,
  explain,
  flow,
  flowRun,
  ingest,
  list,
  mask,
  names,
  reference,
  run,
  secret,
  source,
  sourceTable,
  storage,
]

/** All kinds, ordered by code. A code is never reused and never removed once released. */
export const catalogue: readonly AnyProblemKind[] = areas
  .flatMap(area => Object.values(area).filter(isProblemKind))
  .sort((a, b) => (a.code < b.code ? -1 : 1))

/** The kind with this code, ignoring case and surrounding blanks. */
export function findProblemKind(code: string): AnyProblemKind | undefined {
  const wanted = code.trim().toUpperCase()
  return catalogue.find(kind => kind.code === wanted)
}

/** The problem a kind's own example describes; what `explain` and the reference show. */
export function exampleOf(kind: AnyProblemKind): Problem {
  return kind(kind.example as never)
}

function isProblemKind(value: unknown): value is AnyProblemKind {
  return typeof value === 'function' && 'code' in value && 'title' in value && 'example' in value
}
