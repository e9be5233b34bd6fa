/**
 * System facts: small immutable objects written once, one when a run starts and one when it ends. They are read as
 * `system.runs`, tell `plan` what was proved last, and close runs that died.
 */
import type { ObjectStore, StoredObject } from '@tidemark/delta'
import { Problem } from '../errors/problem.ts'
import { RUN_FACT_UNREADABLE } from '../errors/run.ts'
import type { ProblemFact, RunStatus, StepResult } from '../model/event.ts'
import { parseRunEnd, parseRunStart } from './parse-fact.ts'

export interface RunStart {
  runId: string
  startedAt: number
  target: string
  host: string
  pid: number
}

export interface RunEnd {
  runId: string
  status: RunStatus
  startedAt: number
  endedAt: number
  target: string
  steps: readonly StepResult[]
  /** Why the run as a whole could not go on, when that is not the failure of a step. */
  problem?: ProblemFact | undefined
}

const FOLDER = 'system/runs'
const startPath = (runId: string): string => `${FOLDER}/${runId}.start.json`
/** Where a run's end is kept. */
export const endPath = (runId: string): string => `${FOLDER}/${runId}.end.json`

export async function writeRunStart(store: ObjectStore, start: RunStart): Promise<void> {
  await store.putIfAbsent(startPath(start.runId), encode(start))
}

/** Write a run's end once; a run that was already closed keeps its first end. */
export async function writeRunEnd(store: ObjectStore, end: RunEnd): Promise<'created' | 'exists'> {
  return store.putIfAbsent(endPath(end.runId), encode(end))
}

/** Run ids with what is known of them, oldest first. */
export async function listRuns(store: ObjectStore): Promise<{ runId: string; end: StoredObject | undefined }[]> {
  const runs = new Map<string, StoredObject | undefined>()
  for await (const object of store.list(FOLDER)) {
    const match = /^system\/runs\/([^/]+)\.(start|end)\.json$/.exec(object.path)
    if (match?.[1] !== undefined) runs.set(match[1], match[2] === 'end' ? object : runs.get(match[1]))
  }
  return [...runs].map(([runId, end]) => ({ runId, end })).sort((a, b) => (a.runId < b.runId ? -1 : 1))
}

/** @throws {RUN_FACT_UNREADABLE} */
function readRunStart(store: ObjectStore, runId: string): Promise<RunStart> {
  return readFact(store, startPath(runId), parseRunStart)
}

/** @throws {RUN_FACT_UNREADABLE} */
export function readRunEnd(store: ObjectStore, runId: string): Promise<RunEnd> {
  return readFact(store, endPath(runId), parseRunEnd)
}

/** Runs that have ended, oldest first, as one listing showed them. */
export type EndedRuns = readonly string[]

async function listEnded(store: ObjectStore): Promise<EndedRuns> {
  return (await listRuns(store)).flatMap(({ runId, end }) => (end === undefined ? [] : [runId]))
}

/**
 * The newest ended runs, newest first, and why others among them cannot be read: one broken fact hides no other.
 *
 * @param ended from a listing made before; there is one more without
 */
export async function readRuns(
  store: ObjectStore,
  limit: number,
  ended?: EndedRuns,
): Promise<{ runs: readonly RunEnd[]; problems: readonly Problem[] }> {
  const newest = (ended ?? (await listEnded(store))).slice(-limit).reverse()
  const read = await Promise.all(newest.map(runId => readRunEnd(store, runId).catch(onlyProblem)))
  return {
    runs: read.flatMap(one => (one instanceof Problem ? [] : [one])),
    problems: read.filter(one => one instanceof Problem),
  }
}

/** The newest ended runs that can be read, newest first. */
export async function readLatestRuns(store: ObjectStore, limit: number, ended?: EndedRuns): Promise<readonly RunEnd[]> {
  return (await readRuns(store, limit, ended)).runs
}

/**
 * The ends of runs that have a start and no end, except `current`: they died. The caller writes them. Of a start that
 * cannot be read no more is known than that. `ended` are those that have one, from the same listing.
 */
export async function findAbandoned(
  store: ObjectStore,
  current: string,
  now: number,
): Promise<{ abandoned: readonly RunEnd[]; ended: EndedRuns }> {
  const runs = (await listRuns(store)).filter(({ runId }) => runId !== current)
  const ended = runs.flatMap(({ runId, end }) => (end === undefined ? [] : [runId]))
  const open = runs.filter(run => run.end === undefined)
  const abandoned = await Promise.all(
    open.map(async ({ runId }): Promise<RunEnd> => {
      const start = await readRunStart(store, runId).catch(onlyProblem)
      const { startedAt, target } = start instanceof Problem ? { startedAt: now, target: 'unknown' } : start
      return { runId, status: 'abandoned', startedAt, endedAt: now, target, steps: [] }
    }),
  )
  return { abandoned, ended }
}

function onlyProblem(error: unknown): Problem {
  if (error instanceof Problem) return error
  throw error
}

async function readFact<T>(store: ObjectStore, path: string, parse: (text: string) => T): Promise<T> {
  const bytes = await store.get(path)
  try {
    return parse(new TextDecoder().decode(bytes))
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw RUN_FACT_UNREADABLE({ path, reason }, { cause: error })
  }
}

function encode(value: object): Uint8Array {
  const json = JSON.stringify(value, (_key, v: unknown) => (typeof v === 'bigint' ? v.toString() : v))
  return new TextEncoder().encode(`${json}\n`)
}
