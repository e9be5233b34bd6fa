/**
 * Sending what the outbox holds: each channel by itself, with growing pauses, within a budget of time. What cannot be
 * sent now is a warning and is tried by the next run; after 24 hours it is given up, visibly.
 */
import { ALERT_CHANNEL_MISSING, ALERT_NOT_DELIVERED, ALERT_UNDELIVERABLE } from '../errors/alert.ts'
import { plainLine } from '../errors/plain-text.ts'
import { Problem } from '../errors/problem.ts'
import { isoInstant } from '../model/instant.ts'
import type { Clock } from '../model/ports.ts'
import type { AlertChannel } from './channel.ts'
import type { Outbox } from './outbox.ts'
import type { AlertRecord } from './record.ts'

export interface Delivery {
  outbox: Outbox
  channels: readonly AlertChannel[]
  clock: Clock
  signal: AbortSignal
  /** Masks secrets in text. */
  redact: (text: string) => string
  /** No try begins later than this; 30,000 when left out. A try that has begun ends by its channel's own limit. */
  budgetMs?: number
}

export interface DeliveryReport {
  sent: readonly { record: AlertRecord; detail: string }[]
  /** ALERT_NOT_DELIVERED and ALERT_UNDELIVERABLE, to be shown as warnings. */
  problems: readonly Problem[]
}

const giveUpAfterMs = 24 * 60 * 60 * 1000
const firstPauseMs = 1000

/**
 * Send every pending alert; what cannot be sent is in the report. Only an error of the outbox, or an abort by the
 * caller, rejects. Channels work side by side; one channel tries its alerts in turn, then those that failed again
 * after a pause, so that one receiver in trouble does not hold up the others.
 *
 * @throws whatever the outbox does: the alerts stay pending
 */
export async function deliverPending(delivery: Delivery): Promise<DeliveryReport> {
  const pending = await delivery.outbox.listPending(delivery.signal)
  const deadline = delivery.clock.monotonic() + (delivery.budgetMs ?? 30_000)
  const queues = [...Map.groupBy(pending, record => record.channel)]
  const reports = await Promise.all(
    queues.map(([name, records]) => {
      const channel = delivery.channels.find(one => one.name === name) ?? missingChannel(name)
      return deliverQueue(delivery, channel, records, deadline)
    }),
  )
  return { sent: reports.flatMap(one => one.sent), problems: reports.flatMap(one => one.problems) }
}

async function deliverQueue(
  delivery: Delivery,
  channel: AlertChannel,
  records: readonly AlertRecord[],
  deadline: number,
): Promise<DeliveryReport> {
  const { clock, signal } = delivery
  const sent: { record: AlertRecord; detail: string }[] = []
  const failures = new Map<AlertRecord, unknown>()
  let waiting = records
  for (let pause = firstPauseMs; waiting.length > 0; pause *= 2) {
    const again: AlertRecord[] = []
    for (const record of waiting) {
      if (clock.monotonic() >= deadline) break
      const outcome = await sendOnce(delivery, channel, record)
      failures.delete(record)
      if ('detail' in outcome) sent.push({ record, detail: outcome.detail })
      else {
        failures.set(record, outcome.failure)
        if (mayPass(outcome.failure)) again.push(record)
      }
    }
    waiting = again
    if (waiting.length === 0 || clock.monotonic() + pause >= deadline) break
    await clock.sleep(pause, signal)
  }
  const done = new Set(sent.map(one => one.record))
  const left = records.filter(record => !done.has(record))
  const problems = await Promise.all(left.map(record => postpone(delivery, record, failures.get(record))))
  return { sent, problems }
}

/** One try. The answer is marked in the outbox before anything else is sent; a crash in between sends once more. */
async function sendOnce(
  { outbox, signal, clock, redact }: Delivery,
  channel: AlertChannel,
  record: AlertRecord,
): Promise<{ detail: string } | { failure: unknown }> {
  let answer: { detail: string }
  try {
    answer = await channel.send(record, signal)
  } catch (failure) {
    signal.throwIfAborted()
    return { failure }
  }
  const detail = redact(plainLine(answer.detail)).slice(0, 500)
  await outbox.close(record, { how: 'sent', at: clock.now(), detail })
  return { detail }
}

/** Whether waiting a little may help; what is not a Problem is a surprise and is worth another try. */
function mayPass(failure: unknown): boolean {
  return !(failure instanceof Problem) || failure.retry === 'later'
}

/** Leave an alert for the next run, or give it up when it is too old or can never be sent. */
async function postpone({ outbox, clock, redact }: Delivery, record: AlertRecord, failure: unknown): Promise<Problem> {
  const reason = redact(reasonText(failure))
  const params = { channel: record.channel, subject: record.subject, reason }
  const hopeless = failure instanceof Problem && failure.retry === 'never'
  if (!hopeless && record.created > isoInstant(clock.now() - giveUpAfterMs)) {
    return ALERT_NOT_DELIVERED(params, { cause: failure })
  }
  await outbox.close(record, { how: 'undeliverable', at: clock.now(), detail: reason })
  return ALERT_UNDELIVERABLE(params, { cause: failure })
}

function reasonText(failure: unknown): string {
  if (failure === undefined) return 'there was no time left to try.'
  return plainLine(failure instanceof Error ? failure.message : 'the channel failed').slice(0, 500)
}

function missingChannel(name: string): AlertChannel {
  return { name, send: () => Promise.reject(ALERT_CHANNEL_MISSING({ channel: name })) }
}
