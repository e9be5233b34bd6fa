/**
 * Mail server addresses, read without ever repeating them: an error says what is wrong, never what was written, since
 * the text holds a password. Pure.
 */
import { ALERT_SMTP_URL } from '../errors/alert.ts'

export interface SmtpServer {
  host: string
  port: number
  /** `implicit` from the first byte (smtps), `starttls` required before anything is said, `off` in clear text. */
  tls: 'implicit' | 'starttls' | 'off'
  user?: string
  password?: string
}

/**
 * Read `smtp://user:password@host:port` or `smtps://…`. STARTTLS is required with smtp unless the host is loopback or
 * the address ends in `?tls=off`; `?tls=starttls` requires it on loopback too. The port defaults to 587 or 465. The
 * last `@` ends the password, so that one inside it does no harm.
 *
 * @throws {ALERT_SMTP_URL} without any part of the text
 */
export function parseSmtpUrl(text: string, channel: string): SmtpServer {
  const wrong = (reason: string): never => {
    throw ALERT_SMTP_URL({ channel, reason })
  }
  const trimmed = text.trim()
  const scheme = /^(smtps?):\/\//i.exec(trimmed)
  if (scheme === null) return wrong('does not begin with smtp:// or smtps://')
  const rest = trimmed.slice(scheme[0].length)
  const at = rest.lastIndexOf('@')
  const where = /^(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::([0-9]*))?\/?(?:\?(.*))?$/i.exec(rest.slice(at + 1))
  if (where === null) return wrong('has no host where one is expected')
  const secure = scheme[1]?.toLowerCase() === 'smtps'
  const host = (where[1] ?? '').replace(/^\[(.*)\]$/, '$1')
  const port = where[2] === undefined || where[2] === '' ? (secure ? 465 : 587) : Number(where[2])
  if (port < 1 || port > 65535) return wrong('has a port that is not a number from 1 to 65535')
  const tls = secure ? 'implicit' : readTls(where[3], host, wrong)
  if (secure && where[3] !== undefined && where[3] !== '') return wrong('has parameters, which smtps:// does not take')
  return { host, port, tls, ...(at < 0 ? {} : readCredentials(rest.slice(0, at), wrong)) }
}

function readTls(query: string | undefined, host: string, wrong: (reason: string) => never): 'starttls' | 'off' {
  switch (query ?? '') {
    case '':
      return isLoopback(host) ? 'off' : 'starttls'
    case 'tls=off':
      return 'off'
    case 'tls=starttls':
      return 'starttls'
    default:
      return wrong('has a parameter other than tls=off and tls=starttls')
  }
}

function readCredentials(text: string, wrong: (reason: string) => never): { user: string; password: string } {
  const colon = text.indexOf(':')
  if (colon < 1) return wrong('has a user without a password')
  try {
    return { user: decodeURIComponent(text.slice(0, colon)), password: decodeURIComponent(text.slice(colon + 1)) }
  } catch {
    return wrong('has a % in user or password that is not an escape; write %25')
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}
