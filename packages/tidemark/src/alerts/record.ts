/**
 * An alert as it lies in the outbox: complete, so that a later process can send it without the run that caused it.
 * Plain text and counts only, never values of the user's tables.
 */
import { createHash } from 'node:crypto'
import { z } from 'zod'

export type AlertKind = 'failure' | 'recovery'

/** What happened, under the keys that webhooks receive. The pipeline keys exist in every spelling receivers know. */
export interface AlertBody {
  kind: AlertKind
  status: 'failed' | 'recovered'
  pipeline_name: string
  pipeline_runId: string
  pipeline_id: string
  target: string
  /** `schema.table`; null for a failure of the run as a whole. */
  table: string | null
  error_code: string
  message: string
  hint: string | null
  /** Where in the user's files, `file:line:column`. */
  place: string | null
  /** Tables that were not tried because they need this one. */
  skipped: readonly string[]
  /** End of the run, ISO 8601 UTC. */
  time: string
  /** When this receiver was first told of the failure, ISO 8601 UTC; null for a recovery of which that is not known. */
  failing_since: string | null
  /** Equal for alerts about the same thing (pipeline, target, table, code), so that receivers can group them. */
  dedupe_key: string
}

export interface AlertRecord {
  /** Fixed by what the alert is about; the Message-ID and webhook-id of every try. */
  id: string
  channel: string
  /** One mail address, or null for a webhook: each receiver has its own record, so each is told exactly by its own. */
  receiver: string | null
  kind: AlertKind
  subject: string
  body: AlertBody
  /** ISO 8601 UTC. */
  created: string
}

const nullableText = z.string().nullable()
const kind = z.enum(['failure', 'recovery'])
const recordSchema = z.object({
  id: z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
  channel: z.string(),
  receiver: nullableText,
  kind,
  subject: z.string(),
  created: z.iso.datetime(),
  body: z.object({
    kind,
    status: z.enum(['failed', 'recovered']),
    pipeline_name: z.string(),
    pipeline_runId: z.string(),
    pipeline_id: z.string(),
    target: z.string(),
    table: nullableText,
    error_code: z.string(),
    message: z.string(),
    hint: nullableText,
    place: nullableText,
    skipped: z.array(z.string()),
    time: z.iso.datetime(),
    failing_since: z.iso.datetime().nullable().default(null),
    dedupe_key: z.string(),
  }),
})

/** A record's bytes in the lake. */
export function printAlertRecord(record: AlertRecord): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(record, null, 2)}\n`)
}

/** The record in these bytes, or undefined when they are not one of ours. */
export function parseAlertRecord(bytes: Uint8Array): AlertRecord | undefined {
  try {
    return recordSchema.safeParse(JSON.parse(new TextDecoder().decode(bytes))).data
  } catch {
    return undefined
  }
}

/** An id of the usual uuid form that depends on the parts alone: SHA-256, marked as version 8 (RFC 9562). */
export function alertId(parts: readonly string[]): string {
  const hash = createHash('sha256').update(JSON.stringify(parts)).digest()
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x80
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80
  const hex = hash.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-')
}
