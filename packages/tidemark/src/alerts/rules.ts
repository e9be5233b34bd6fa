/**
 * Which alerts a finished run gives rise to. Pure: the same run and rules always give the same records with the same
 * ids, so deciding twice records once. A failure alert needs a failure; a run without one never makes any.
 */
import { RUN_ENDED_EARLY } from '../errors/alert.ts'
import { plainLine, plainText } from '../errors/plain-text.ts'
import type { ProblemFact, RunStatus, StepResult } from '../model/event.ts'
import { isoInstant } from '../model/instant.ts'
import type { AlertChannelConfig, AlertConfig } from '../model/project.ts'
import type { EarlierFailure } from './earlier-failures.ts'
import { type AlertBody, type AlertKind, type AlertRecord, alertId } from './record.ts'
import { type Told, toldKey } from './told.ts'

export interface FinishedRun {
  runId: string
  pipeline: string
  target: string
  status: RunStatus
  /** Milliseconds since 1970 UTC. */
  finishedAt: number
  results: readonly StepResult[]
  /** Why the run as a whole could not go on, when that is not the failure of a step. */
  problem?: ProblemFact | undefined
}

export interface AlertHistory {
  failedBefore: readonly EarlierFailure[]
  /** What receivers were told last, by `toldKey`; what is missing counts as never told. */
  told: ReadonlyMap<string, Told>
}

/** One thing worth telling, before it is addressed to anybody. */
interface Finding {
  kind: AlertKind
  table: string | null
  problem: ProblemFact
  skipped: readonly string[]
}

/**
 * The alerts of a finished run, one for each receiver of each finding, in the order of the steps.
 *
 * Failure: one finding for each table and code among the failed steps, naming the tables skipped because of it; one for
 * the run itself when it failed or was abandoned without a failed step. A cancelled run reports only the steps that had
 * failed by then. Recovery: a table among `failedBefore` whose steps were all tried now and none failed; a table that
 * was not part of this run has not recovered. Rules that overlap tell a receiver once.
 *
 * A failure goes on while the last attempt of its table failed with the same code. It is told again once `repeat_after`
 * of a rule has passed since the receiver was told, or by every run when a rule has none.
 */
export function decideAlerts(run: FinishedRun, history: AlertHistory, config: AlertConfig): AlertRecord[] {
  return drafts(run, history.failedBefore, config).flatMap(({ record, goesOn, intervals }) => {
    const told = history.told.get(toldKey(record))
    if (record.kind === 'failure' && goesOn && told !== undefined && !isDue(run.finishedAt, told, intervals)) return []
    const isKnown = record.kind === 'recovery' || goesOn
    const since = (isKnown ? told?.since : undefined) ?? (record.kind === 'failure' ? record.created : null)
    return [{ ...record, body: { ...record.body, failing_since: since } }]
  })
}

/** Every alert that could be told, whatever was told before: what to look up for `decideAlerts`. */
export function draftAlerts(
  run: FinishedRun,
  failedBefore: readonly EarlierFailure[],
  config: AlertConfig,
): AlertRecord[] {
  return drafts(run, failedBefore, config).map(({ record }) => record)
}

interface Draft {
  record: AlertRecord
  /** The failure was there before. */
  goesOn: boolean
  /** `repeat_after` of each rule that tells this receiver, in milliseconds. */
  intervals: readonly (number | undefined)[]
}

function drafts(run: FinishedRun, failedBefore: readonly EarlierFailure[], config: AlertConfig): Draft[] {
  const channels = new Map(config.channels.map(channel => [channel.name, channel]))
  const found = new Map<string, Draft>()
  for (const finding of [...findFailures(run), ...findRecoveries(run, failedBefore)]) {
    const goesOn = failedBefore.some(({ table, code }) => table === finding.table && code === finding.problem.code)
    for (const rule of config.rules.filter(one => one.on.includes(finding.kind))) {
      for (const channel of rule.send.flatMap(name => channels.get(name) ?? [])) {
        for (const receiver of receiversOf(channel)) {
          const record = makeRecord(run, finding, channel.name, receiver)
          const intervals = [...(found.get(record.id)?.intervals ?? []), rule.repeatAfterMs]
          found.set(record.id, { record, goesOn, intervals })
        }
      }
    }
  }
  return [...found.values()]
}

/** A note from the future, by a clock that once ran ahead, silences nothing. */
function isDue(now: number, told: Told, intervals: Draft['intervals']): boolean {
  return (
    told.at > isoInstant(now) ||
    intervals.some(interval => interval === undefined || told.at <= isoInstant(Math.max(0, now - interval)))
  )
}

function findFailures(run: FinishedRun): Finding[] {
  const failed = run.results.filter(result => result.status === 'failed')
  const findings = new Map<string, Finding>()
  for (const step of failed) {
    const problem = step.problem ?? unexplained('failed')
    const key = JSON.stringify([step.table, problem.code])
    const skipped = [...(findings.get(key)?.skipped ?? []), ...skippedFor(step, run.results)]
    findings.set(key, { kind: 'failure', table: step.table, problem, skipped: [...new Set(skipped)] })
  }
  if (run.problem !== undefined) {
    findings.set('run', { kind: 'failure', table: null, problem: run.problem, skipped: [] })
  } else if (failed.length === 0 && (run.status === 'failed' || run.status === 'abandoned')) {
    findings.set('run', { kind: 'failure', table: null, problem: unexplained(run.status), skipped: [] })
  }
  return [...findings.values()]
}

/** Tables skipped because of this step; a skipped step that does not say why counts for every failure. */
function skippedFor(failed: StepResult, results: readonly StepResult[]): string[] {
  return results
    .filter(result => result.status === 'skipped' && (result.blockedBy?.includes(failed.step) ?? true))
    .map(result => result.table)
}

function findRecoveries(run: FinishedRun, failedBefore: readonly EarlierFailure[]): Finding[] {
  const recovered = failedBefore.filter(({ table }) => {
    if (table === null) return run.status === 'succeeded'
    const steps = run.results.filter(result => result.table === table)
    return steps.length > 0 && steps.every(step => step.status === 'changed' || step.status === 'unchanged')
  })
  return recovered.map(({ table, code }) => ({
    kind: 'recovery',
    table,
    problem: {
      code,
      title: 'Recovered.',
      message: `${table ?? 'The run'} is well again after ${code}.`,
      hint: undefined,
      place: undefined,
    },
    skipped: [],
  }))
}

function receiversOf(channel: AlertChannelConfig): readonly (string | null)[] {
  return channel.kind === 'email' ? channel.to : [null]
}

function makeRecord(run: FinishedRun, finding: Finding, channel: string, receiver: string | null): AlertRecord {
  const { kind, table, problem } = finding
  const created = isoInstant(run.finishedAt)
  const body: AlertBody = {
    kind,
    status: kind === 'failure' ? 'failed' : 'recovered',
    pipeline_name: run.pipeline,
    pipeline_runId: run.runId,
    pipeline_id: run.runId,
    target: run.target,
    table,
    error_code: problem.code,
    message: shorten(plainText(problem.message), 2000),
    hint: problem.hint === undefined ? null : shorten(plainText(problem.hint), 1000),
    place: problem.place === undefined ? null : plainLine(problem.place),
    skipped: finding.skipped,
    time: created,
    failing_since: null,
    dedupe_key: alertId([run.pipeline, run.target, table ?? '', problem.code]),
  }
  const subject = shorten(
    plainLine(`[${run.pipeline} ${run.target}] ${table ?? 'run'} ${body.status}: ${problem.code}`),
    150,
  )
  const id = alertId([run.runId, kind, channel, receiver ?? '', table ?? '', problem.code])
  return { id, channel, receiver, kind, subject, body, created }
}

function unexplained(status: string): ProblemFact {
  const { code, title, message, hint } = RUN_ENDED_EARLY({ status })
  return { code, title, message, hint, place: undefined }
}

/** Webhook payloads stay under 20 kB (Standard Webhooks, "Payload size"), however long a message is. */
function shorten(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`
}
