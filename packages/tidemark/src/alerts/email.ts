/**
 * Alerts as mail over SMTP, one message to one receiver. A message is the same on each try: Message-ID and Date come
 * from the alert. Errors name the server and its answer, never user or password.
 */
import {
  ALERT_MAIL_ADDRESS,
  ALERT_MAIL_REFUSED,
  ALERT_MAIL_UNREACHABLE,
  ALERT_RECEIVER_REMOVED,
} from '../errors/alert.ts'
import { plainLine } from '../errors/plain-text.ts'
import type { AlertChannel } from './channel.ts'
import { alertHtml, alertText } from './message.ts'
import type { AlertRecord } from './record.ts'
import { parseSmtpUrl, type SmtpServer } from './smtp-url.ts'

export interface EmailOptions {
  name: string
  /** `name@example.org` or `Name <name@example.org>`. */
  from: string
  to: readonly string[]
  /** Address of the server with its password; never shown. */
  smtpUrl: string
  /** PEM text of an authority to trust besides the usual ones. */
  ca?: string
  /** For connection, dialogue and answer together; 15,000 when left out. */
  timeoutMs?: number
}

interface Sender {
  name: string
  address: string
}

/**
 * A channel that sends each alert to the receiver in its record.
 *
 * @throws {ALERT_SMTP_URL} when the server's address cannot be read
 * @throws {ALERT_MAIL_ADDRESS} when sender or a receiver is not a plain address
 */
export function createEmailChannel(options: EmailOptions): AlertChannel {
  const server = parseSmtpUrl(options.smtpUrl, options.name)
  const from = parseSender(options.from)
  if (from === undefined) throw ALERT_MAIL_ADDRESS({ channel: options.name, key: 'from' })
  if (!options.to.every(isPlainAddress)) throw ALERT_MAIL_ADDRESS({ channel: options.name, key: 'to' })
  return {
    name: options.name,
    async send(record, signal) {
      const receiver = record.receiver
      if (receiver === null || !options.to.includes(receiver)) throw ALERT_RECEIVER_REMOVED({ channel: options.name })
      const limit = AbortSignal.any([signal, AbortSignal.timeout(options.timeoutMs ?? 15_000)])
      try {
        const transport = await openTransport(server, options)
        const answer = await transport.sendMail({
          ...composeMail(record, from, receiver),
          signal: limit,
        })
        return { detail: answer.response }
      } catch (error) {
        signal.throwIfAborted()
        throw explainFailure(error, { channel: options.name, server, late: limit.aborted })
      }
    },
  }
}

/** The Message-ID of an alert, in angle brackets. */
function messageId(id: string): string {
  return `<${id}@alerts.tidemark>`
}

function composeMail(record: AlertRecord, from: Sender, receiver: string) {
  return {
    from,
    to: receiver,
    envelope: { from: from.address, to: receiver },
    subject: plainLine(record.subject),
    text: alertText(record),
    html: alertHtml(record),
    messageId: messageId(record.id),
    // Alerts about one thing share a reference, so that mail programs show them as one conversation.
    references: messageId(record.body.dedupe_key),
    date: new Date(record.created),
    headers: { 'Auto-Submitted': 'auto-generated' },
    disableFileAccess: true,
    disableUrlAccess: true,
  }
}

/** Loaded by who sends a mail: every other command starts sooner without the library. */
async function openTransport(server: SmtpServer, { ca, timeoutMs = 15_000 }: EmailOptions) {
  const { createTransport } = await import('nodemailer')
  return createTransport({
    host: server.host,
    port: server.port,
    secure: server.tls === 'implicit',
    requireTLS: server.tls === 'starttls',
    ignoreTLS: server.tls === 'off',
    tls: { minVersion: 'TLSv1.2', ...(ca === undefined ? {} : { ca }) },
    ...(server.user === undefined ? {} : { auth: { user: server.user, pass: server.password ?? '' } }),
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    dnsTimeout: timeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
    logger: false,
  })
}

/**
 * A refusal by a 5xx answer needs a change; everything else may pass with time. The cause is left out on purpose: the
 * library's errors carry the dialogue, in which a server may repeat credentials.
 */
function explainFailure(error: unknown, context: { channel: string; server: SmtpServer; late: boolean }): Error {
  const server = `${context.server.host}:${context.server.port}`
  const { channel } = context
  if (context.late) return ALERT_MAIL_UNREACHABLE({ channel, server, reason: 'did not answer in time' })
  const details =
    error instanceof Error
      ? (error as Error & { code?: unknown; response?: unknown; responseCode?: unknown })
      : undefined
  const code = typeof details?.responseCode === 'number' ? details.responseCode : undefined
  const answer =
    typeof details?.response === 'string' ? withoutCredentials(details.response, context.server) : undefined
  if (code !== undefined && code >= 500) return ALERT_MAIL_REFUSED({ channel, server, answer: answer ?? String(code) })
  if (answer !== undefined && answer !== '')
    return ALERT_MAIL_UNREACHABLE({ channel, server, reason: `answered ${answer}` })
  const why = details === undefined ? '' : withoutCredentials(details.message, context.server)
  return ALERT_MAIL_UNREACHABLE({ channel, server, reason: networkReason(details?.code, why) })
}

/** The library's codes in words; only what the network and TLS layers say is repeated, which holds no dialogue. */
function networkReason(code: unknown, why: string): string {
  switch (code) {
    case 'EDNS':
      return 'has no address'
    case 'ETLS':
      return 'offers no TLS; with smtp:// STARTTLS is required unless the address ends in ?tls=off'
    case 'EAUTH':
      return 'did not accept user and password'
    case 'ETIMEDOUT':
      return 'did not answer in time'
    case 'ECONNECTION':
      return 'closed the connection or refused it'
    case 'ESOCKET':
      return `could not be reached or trusted (${why})`
    default:
      return 'failed'
  }
}

function withoutCredentials(answer: string, server: SmtpServer): string {
  const secrets = [server.password, server.user].filter(one => one !== undefined && one !== '')
  return secrets.reduce((text: string, secret) => text.replaceAll(secret ?? '', '***'), plainLine(answer)).slice(0, 300)
}

/** No quoted local parts, comments, groups or several addresses: forms that readers of addresses disagree about. */
function isPlainAddress(text: string): boolean {
  return /^[^\s@"'<>(),:;\\[\]]+@[^\s@"'<>(),:;\\[\]]+$/.test(text) && text.length <= 254
}

function parseSender(text: string): Sender | undefined {
  const named = /^\s*"?([^"<>]*?)"?\s*<([^<>]+)>\s*$/.exec(text)
  const name = plainLine(named?.[1] ?? '')
  const address = (named?.[2] ?? text).trim()
  return isPlainAddress(address) ? { name, address } : undefined
}
