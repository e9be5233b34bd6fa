/** Alerts of a run: recorded in the lake before the run counts as ended, delivered afterwards as far as possible. */
import { type DeliveryReport, deliverPending } from '../alerts/deliver.ts'
import { openChannels } from '../alerts/open-channels.ts'
import { lakeOutbox, type Outbox, passingOutbox } from '../alerts/outbox.ts'
import { recordRunAlerts } from '../alerts/record-run.ts'
import { decideAlerts } from '../alerts/rules.ts'
import type { LoadedProject } from '../config/load-project.ts'
import { knownSecrets } from '../config/known-secrets.ts'
import { makeRedactor } from '../config/redact.ts'
import { openText } from '../config/secret.ts'
import type { ObjectStore } from '../model/ports.ts'
import type { BeforeEnd } from '../run/account.ts'
import { problemFact } from '../run/problem-fact.ts'
import type { CliPorts } from './ports.ts'

export interface Alerting {
  /** Record what the finished run gives rise to. */
  record: BeforeEnd
  /** Send what is pending, from this run and earlier ones. */
  deliver(store: ObjectStore): Promise<DeliveryReport>
  /** Tell of a run that could leave nothing in the lake: once, now, without a record. */
  tell(error: unknown): Promise<DeliveryReport>
  redact: (text: string) => string
}

export function createAlerting(ports: CliPorts, loaded: LoadedProject): Alerting {
  const { project } = loaded
  const context = { env: loaded.env, root: project.root, vault: loaded.vault }
  const redact = makeRedactor(knownSecrets(project, loaded))
  const send = (outbox: Outbox): Promise<DeliveryReport> => {
    const { clock, signal } = ports
    const channels = openChannels(project.alerts, {
      mode: project.target.mode,
      clock,
      reveal: value => openText(value, context).reveal(),
      print: text => void ports.stderr.write(`${text}\n`),
    })
    return deliverPending({ outbox, channels, clock, signal, redact })
  }
  return {
    redact,
    record: (store, end, before) =>
      recordRunAlerts({ store, config: project.alerts, pipeline: project.name, redact }, end, before),
    deliver: store => send(lakeOutbox(store)),
    tell(error) {
      const finishedAt = ports.clock.now()
      const problem = problemFact(error, 'the run')
      const named = { runId: ports.ids.runId(finishedAt), pipeline: project.name, target: project.target.name }
      const run = { ...named, status: 'failed' as const, finishedAt, results: [], problem }
      const records = decideAlerts(run, { failedBefore: [], told: new Map() }, project.alerts)
      return send(passingOutbox(records, redact))
    },
  }
}
