/**
 * System facts: small immutable objects written once, one when a run starts and one when it ends. They are read as
 * `system.runs`, tell `plan` what was proved last, and close runs that died.
 */
import type { ObjectStore } from '@tidemark/delta'
import type { ProblemFact, RunStatus, StepResult } from '../model/event.ts'
import type { Ledger } from '../model/step.ts'

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
export async function listRuns(store: ObjectStore): Promise<{ runId: string; ended: boolean }[]> {
  const runs = new Map<string, boolean>()
  for await (const { path } of store.list(FOLDER)) {
    const match = /\/([^/]+)\.(start|end)\.json$/.exec(path)
    if (match?.[1] !== undefined) runs.set(match[1], (runs.get(match[1]) ?? false) || match[2] === 'end')
  }
  return [...runs].map(([runId, ended]) => ({ runId, ended })).sort((a, b) => (a.runId < b.runId ? -1 : 1))
}

export async function readRunStart(store: ObjectStore, runId: string): Promise<RunStart> {
  return decode(await store.get(startPath(runId))) as RunStart
}

export async function readRunEnd(store: ObjectStore, runId: string): Promise<RunEnd> {
  const end = decode(await store.get(endPath(runId))) as RunEnd
  return { ...end, steps: end.steps.map(reviveStep) }
}

/** The newest ended runs, newest first. */
export async function readLatestRuns(store: ObjectStore, limit: number): Promise<RunEnd[]> {
  const ended = (await listRuns(store)).filter(run => run.ended).slice(-limit)
  return Promise.all(ended.reverse().map(run => readRunEnd(store, run.runId)))
}

/** The ends of runs that have a start and no end, except `current`: they died. The caller writes them. */
export async function findAbandoned(store: ObjectStore, current: string, now: number): Promise<RunEnd[]> {
  const open = (await listRuns(store)).filter(run => !run.ended && run.runId !== current)
  return Promise.all(
    open.map(async ({ runId }): Promise<RunEnd> => {
      const { startedAt, target } = await readRunStart(store, runId)
      return { runId, status: 'abandoned', startedAt, endedAt: now, target, steps: [] }
    }),
  )
}

function encode(value: object): Uint8Array {
  const json = JSON.stringify(value, (_key, v: unknown) => (typeof v === 'bigint' ? v.toString() : v))
  return new TextEncoder().encode(`${json}\n`)
}

function decode(bytes: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(bytes))
}

function reviveStep(step: StepResult): StepResult {
  const version = (value: unknown): bigint | undefined => (value === undefined ? undefined : BigInt(String(value)))
  const { ledger } = step
  return {
    ...step,
    versionBefore: version(step.versionBefore),
    versionAfter: version(step.versionAfter),
    ledger: ledger === undefined ? undefined : reviveLedger(ledger),
  }
}

function reviveLedger(ledger: Ledger): Ledger {
  const counts = Object.entries(ledger).map(([key, value]) => [key, key === 'kind' ? value : BigInt(String(value))])
  // Runs of older versions counted what silver changes left out as quarantined.
  return { ...(ledger.kind === 'append' ? { filtered: 0n } : {}), ...Object.fromEntries(counts) } as Ledger
}
