/** Alerts of a run: recorded in the lake before the run counts as ended, delivered afterwards as far as possible. */
import { decideAlerts, type EarlierFailure } from '../alerts/rules.ts'
import { type DeliveryReport, deliverPending } from '../alerts/deliver.ts'
import { openChannels } from '../alerts/open-channels.ts'
import { recordAlerts } from '../alerts/outbox.ts'
import type { LoadedProject } from '../config/load-project.ts'
import { makeRedactor } from '../config/redact.ts'
import { openText } from '../config/secret.ts'
import type { ObjectStore } from '../model/ports.ts'
import type { Project, TextOrSecret } from '../model/project.ts'
import { readLatestRuns, type RunEnd } from '../run/facts.ts'
import type { CliPorts } from './ports.ts'

/** Ended runs searched for the last state of each table. */
const RUNS_SEARCHED = 50

export interface Alerting {
  /** Record what the finished run gives rise to. */
  record(store: ObjectStore, end: RunEnd): Promise<void>
  /** Send what is pending, from this run and earlier ones. */
  deliver(store: ObjectStore): Promise<DeliveryReport>
  redact: (text: string) => string
}

export function createAlerting(ports: CliPorts, loaded: LoadedProject): Alerting {
  const { project } = loaded
  const context = { env: loaded.env, root: project.root }
  const redact = makeRedactor(secretTexts(project).flatMap(value => reveal(value, context)))
  return {
    redact,
    async record(store, end) {
      if (project.alerts.rules.length === 0) return
      const before = lastFailures(await readLatestRuns(store, RUNS_SEARCHED))
      const { runId, status, target, endedAt: finishedAt, steps: results, problem } = end
      const run = { runId, status, target, finishedAt, results, problem, pipeline: project.name }
      await recordAlerts(store, decideAlerts(run, before, project.alerts), redact)
    },
    deliver(store) {
      const { clock, signal } = ports
      const channels = openChannels(project.alerts, {
        mode: project.target.mode,
        clock,
        reveal: value => openText(value, context).reveal(),
        print: text => void ports.stderr.write(`${text}\n`),
      })
      return deliverPending({ store, channels, clock, signal, redact })
    },
  }
}

/** Tables whose last attempt failed, and the last run if it failed as a whole. Newest runs come first in `runs`. */
function lastFailures(runs: readonly RunEnd[]): EarlierFailure[] {
  const seen = new Set<string>()
  const failures: EarlierFailure[] = []
  const whole = runs[0]?.problem
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

function secretTexts(project: Project): TextOrSecret[] {
  const sources = project.sources.map(({ connection }) => ('url' in connection ? connection.url : connection.password))
  const channels = project.alerts.channels.flatMap(channel =>
    channel.kind === 'webhook' ? [channel.url, channel.sign] : [channel.smtp],
  )
  return [...sources, ...channels].filter(value => value !== undefined)
}

/** A secret that is missing is reported where it is used, not here. */
function reveal(value: TextOrSecret, context: Parameters<typeof openText>[1]): ReturnType<typeof openText>[] {
  try {
    return [openText(value, context)]
  } catch {
    return []
  }
}
