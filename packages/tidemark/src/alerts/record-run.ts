/**
 * From the end of a run to alerts in the outbox. Called before the run counts as ended, so whatever moment a crash picks,
 * somebody is told: what is recorded is sent by a later run, and a run that left no end is reported as abandoned.
 */
import type { ObjectStore } from '../model/ports.ts'
import type { AlertConfig } from '../model/project.ts'
import { type EndedRuns, readLatestRuns, type RunEnd } from '../run/facts.ts'
import { lastFailures } from './earlier-failures.ts'
import { recordAlerts } from './outbox.ts'
import type { AlertRecord } from './record.ts'
import { decideAlerts, draftAlerts } from './rules.ts'
import { forgetTold, readTold, toldKey, writeTold } from './told.ts'

/** Ended runs searched for the last state of each table. */
const RUNS_SEARCHED = 50

export interface RunRecording {
  store: ObjectStore
  config: AlertConfig
  /** Name of the project. */
  pipeline: string
  /** Masks secrets in text. */
  redact: (text: string) => string
}

/**
 * Record the alerts of a run that ends. Alerts come before the notes of who was told: a crash in between tells again.
 *
 * @param before the runs that had ended when it began, where they were listed
 * @throws {DeltaError} when the store fails
 */
export async function recordRunAlerts(recording: RunRecording, end: RunEnd, before?: EndedRuns): Promise<void> {
  const { store, config, pipeline, redact } = recording
  if (config.rules.length === 0) return
  const { runId, status, target, endedAt: finishedAt, steps: results, problem } = end
  const run = { runId, status, target, finishedAt, results, problem, pipeline }
  const failedBefore = lastFailures(await readLatestRuns(store, RUNS_SEARCHED, before))
  const drafts = draftAlerts(run, failedBefore, config)
  const told = await readTold(store, drafts.map(toldKey))
  const records = decideAlerts(run, { failedBefore, told }, config)
  await recordAlerts(store, records, redact)
  for (const record of records) await note(store, record)
}

async function note(store: ObjectStore, record: AlertRecord): Promise<void> {
  const { kind, body, created } = record
  if (kind === 'recovery') await forgetTold(store, toldKey(record))
  else await writeTold(store, toldKey(record), { since: body.failing_since ?? created, at: created })
}
