/**
 * The outbox in the lake: an alert is recorded before anything is sent and is marked only after its receiver answered,
 * so it survives a crash at any moment and is sent at least once, always under the same id.
 *
 *   system/alerts/<id>.json                 what to tell whom, written once
 *   system/alerts/<id>.sent.json            when the receiver answered, and what
 *   system/alerts/<id>.undeliverable.json   when it was given up, and why
 */
import { isoInstant } from '../model/instant.ts'
import type { ObjectStore } from '../model/ports.ts'
import { type AlertRecord, parseAlertRecord, printAlertRecord } from './record.ts'
import { forgetTold, toldKey } from './told.ts'

const folder = 'system/alerts'
const recordPath = (id: string): string => `${folder}/${id}.json`
const closedPath = (id: string, how: 'sent' | 'undeliverable'): string => `${folder}/${id}.${how}.json`

/**
 * Record alerts before they are sent. Recording an alert again, as after a crash, leaves the first record in place.
 * `redact` masks secrets in every text: nothing that reaches the lake may hold one.
 */
export async function recordAlerts(
  store: ObjectStore,
  records: readonly AlertRecord[],
  redact: (text: string) => string,
): Promise<void> {
  for (const record of records)
    await store.putIfAbsent(recordPath(record.id), printAlertRecord(redacted(record, redact)))
}

/** Where alerts wait to be sent. */
export interface Outbox {
  /** Alerts that were recorded and neither sent nor given up, the oldest first. */
  listPending(signal?: AbortSignal): Promise<AlertRecord[]>
  /** Close a pending alert with the receiver's answer or the reason for giving up; the first closing stays. */
  close(record: AlertRecord, closing: Closing): Promise<void>
}

export interface Closing {
  how: 'sent' | 'undeliverable'
  /** Milliseconds since 1970 UTC. */
  at: number
  detail: string
}

/** The outbox in the lake. Objects that are not alerts are ignored. */
export function lakeOutbox(store: ObjectStore): Outbox {
  return {
    listPending: signal => listPending(store, signal),
    async close(record, { how, at, detail }) {
      // What was given up was not told: a failure that goes on is told by the next run, whatever the interval.
      if (how === 'undeliverable') await forgetTold(store, toldKey(record))
      const text = `${JSON.stringify({ id: record.id, at: isoInstant(at), detail }, null, 2)}\n`
      await store.putIfAbsent(closedPath(record.id, how), new TextEncoder().encode(text))
    },
  }
}

/** Alerts that nothing can keep, because the lake itself is out of reach: they are tried now and never again. */
export function passingOutbox(records: readonly AlertRecord[], redact: (text: string) => string): Outbox {
  return { listPending: async () => records.map(record => redacted(record, redact)), close: async () => undefined }
}

async function listPending(store: ObjectStore, signal?: AbortSignal): Promise<AlertRecord[]> {
  const recorded: string[] = []
  const closed = new Set<string>()
  for await (const { path } of store.list(folder)) {
    const [, id, how] = /([0-9a-f-]{36})(\.sent|\.undeliverable)?\.json$/.exec(path) ?? []
    if (id === undefined) continue
    if (how === undefined) recorded.push(id)
    else closed.add(id)
  }
  const pending: AlertRecord[] = []
  for (const id of recorded.filter(one => !closed.has(one))) {
    const record = parseAlertRecord(await store.get(recordPath(id), signal === undefined ? {} : { signal }))
    if (record?.id === id) pending.push(record)
  }
  return pending.sort((a, b) => (a.created === b.created ? compare(a.id, b.id) : compare(a.created, b.created)))
}

function redacted(record: AlertRecord, redact: (text: string) => string): AlertRecord {
  const { body } = record
  return {
    ...record,
    subject: redact(record.subject),
    body: { ...body, message: redact(body.message), hint: body.hint === null ? null : redact(body.hint) },
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
