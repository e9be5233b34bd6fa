/**
 * Alerts as HTTP POST. The address is https and public unless the user permits more, redirects are refused, and time
 * and answer are limited. The address may hold a key, so errors name its host only.
 */
import type { IncomingMessage, RequestOptions } from 'node:http'
import { addressLiteral, isPublicAddress, publicLookup } from '../config/public-address.ts'
import {
  ALERT_ADDRESS_REFUSED,
  ALERT_SIGNING_SECRET,
  ALERT_WEBHOOK_REFUSED,
  ALERT_WEBHOOK_UNREACHABLE,
  ALERT_WEBHOOK_URL,
} from '../errors/alert.ts'
import { plainLine } from '../errors/plain-text.ts'
import { Problem } from '../errors/problem.ts'
import type { Clock } from '../model/ports.ts'
import type { AlertChannel } from './channel.ts'
import type { AlertRecord } from './record.ts'
import { parseSigningSecret, signWebhook } from './signature.ts'

export interface WebhookOptions {
  name: string
  /** May contain a secret; never shown. */
  url: string
  /** Permits http and addresses that are not public. */
  allowPrivate: boolean
  clock: Clock
  /** `whsec_…`; without it the request is not signed. */
  signingSecret?: string
  /** For connection, request and answer together; 10,000 when left out. */
  timeoutMs?: number
}

const maxAnswerBytes = 16 * 1024

/**
 * A channel that posts the alert's body as JSON with the headers of the Standard Webhooks specification.
 *
 * @throws {ALERT_WEBHOOK_URL} when the address is not one, is not https, or carries a user name
 * @throws {ALERT_SIGNING_SECRET} when the signing secret is too short or not base64
 */
export function createWebhookChannel(options: WebhookOptions): AlertChannel {
  const url = parseWebhookUrl(options)
  const key = options.signingSecret === undefined ? undefined : parseSigningSecret(options.signingSecret)
  if (options.signingSecret !== undefined && key === undefined) throw ALERT_SIGNING_SECRET({ channel: options.name })
  return {
    name: options.name,
    async send(record, signal) {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(options.timeoutMs ?? 10_000)])
      try {
        return judgeAnswer(options, url, await post(options, url, key, record, limit))
      } catch (error) {
        if (error instanceof Problem) throw error
        signal.throwIfAborted()
        const reason = limit.aborted ? 'did not answer in time' : networkReason(error)
        throw ALERT_WEBHOOK_UNREACHABLE({ channel: options.name, host: url.host, reason }, { cause: error })
      }
    },
  }
}

/** The body of the POST. */
function webhookBody(record: AlertRecord): string {
  return JSON.stringify({ id: record.id, subject: record.subject, ...record.body })
}

function parseWebhookUrl({ name, url: text, allowPrivate }: WebhookOptions): URL {
  const url = URL.parse(text.trim())
  if (url === null) throw ALERT_WEBHOOK_URL({ channel: name, reason: 'is not a URL' })
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && allowPrivate)) {
    throw ALERT_WEBHOOK_URL({ channel: name, reason: 'is not https' })
  }
  if (url.username !== '' || url.password !== '') {
    throw ALERT_WEBHOOK_URL({ channel: name, reason: 'holds a user name or password, which webhooks do not use' })
  }
  return url
}

interface Answer {
  status: number
  text: string
}

async function post(
  { name, allowPrivate, clock }: WebhookOptions,
  url: URL,
  key: Uint8Array | undefined,
  record: AlertRecord,
  signal: AbortSignal,
): Promise<Answer> {
  const refuse = (address: string): Problem => ALERT_ADDRESS_REFUSED({ channel: name, host: url.hostname, address })
  const literal = addressLiteral(url.hostname)
  if (!allowPrivate && literal !== undefined && !isPublicAddress(literal)) throw refuse(literal)
  const body = webhookBody(record)
  const timestamp = Math.floor(clock.now() / 1000)
  const requestOptions: RequestOptions = {
    method: 'POST',
    agent: false,
    signal,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(body),
      'user-agent': 'tidemark',
      'webhook-id': record.id,
      'webhook-timestamp': String(timestamp),
      ...(key === undefined ? {} : { 'webhook-signature': signWebhook(key, { id: record.id, timestamp, body }) }),
    },
    ...(allowPrivate ? {} : { lookup: publicLookup(refuse) }),
  }
  // Loaded by who sends: no other command pays for it.
  const { request } = await (url.protocol === 'https:' ? import('node:https') : import('node:http'))
  return await new Promise((resolve, reject) => {
    const sent = request(url, requestOptions, response => {
      readAnswer(response).then(resolve, reject)
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

/** Status and the beginning of the text; what goes beyond the limit is not read. */
async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    size += chunk.length
    if (size >= maxAnswerBytes) break
  }
  response.destroy()
  const text = plainLine(Buffer.concat(chunks).toString('utf8', 0, 400)).slice(0, 200)
  return { status: response.statusCode ?? 0, text }
}

function judgeAnswer({ name }: WebhookOptions, url: URL, answer: Answer): { detail: string } {
  const { status, text } = answer
  if (status >= 200 && status < 300) return { detail: text === '' ? `HTTP ${status}` : `HTTP ${status} ${text}` }
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    throw ALERT_WEBHOOK_UNREACHABLE({ channel: name, host: url.host, reason: `answered ${status}` })
  }
  throw ALERT_WEBHOOK_REFUSED({ channel: name, host: url.host, status: String(status) })
}

/** Node's error code in words where there are any; messages of the network stack hold host and port only. */
function networkReason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const words: Record<string, string> = {
    ECONNREFUSED: 'refused the connection',
    ECONNRESET: 'closed the connection',
    ENOTFOUND: 'has no address',
    EAI_AGAIN: 'could not be looked up',
  }
  return words[code] ?? plainLine(code === '' ? String(error) : `failed with ${code}`)
}
