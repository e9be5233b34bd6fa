/** The second line of defence: known secrets are masked in any text that leaves the process, in each form they take. */
import type { Secret } from './secret.ts'

const MASK = '***'

/** Shorter values would mask ordinary words; a secret of three letters is none. */
const MIN_LENGTH = 4

/**
 * A function that masks the secrets in a text: as they are, URL-encoded, in base64 (alone or inside a longer value, at
 * any offset), and escaped as in JSON. Passwords inside connection URLs, and keys and signatures inside connection strings
 * and signed addresses, are masked on their own too.
 */
export function makeRedactor(secrets: readonly Secret[]): (text: string) => string {
  const values = secrets
    .map(secret => secret.reveal())
    .flatMap(value => [value, ...passwordsIn(value), ...keysIn(value)])
  const forms = new Set(values.filter(value => value.length >= MIN_LENGTH).flatMap(formsOf))
  const ordered = [...forms].filter(form => form.length >= MIN_LENGTH).sort((a, b) => b.length - a.length)
  if (ordered.length === 0) return text => text
  const pattern = new RegExp(ordered.map(escapePattern).join('|'), 'g')
  return text => text.replace(pattern, MASK)
}

/**
 * A text of the user's, to be shown around a problem: passwords in URLs and after keys such as `password:` are masked.
 * Each keeps its length, so that places in the text stay right.
 */
export function maskLiteralSecrets(text: string): string {
  const mask = (secret: string): string => '*'.repeat(secret.length)
  return text
    .replace(urlPassword, (_all, lead: string, password: string) => `${lead}${mask(password)}@`)
    .replace(keyedSecret, (_all, lead: string, value: string) => `${lead}${mask(value)}`)
    .replace(wrongReference, (_all, lead: string, value: string) => `${lead}${mask(value)}`)
    .replace(keyInText, (_all, lead: string, value: string) => `${lead}${mask(value)}`)
}

/** True when a text holds a URL with a password in it. */
export function hasUrlPassword(text: string): boolean {
  return text.search(urlPassword) >= 0
}

/** The value of a secret key that is written out; a reference begins with a brace. */
const keyedSecret: RegExp =
  /(\b(?:password|authorization|x-api-key|webhook|smtp|sign|account_key|sas|connection_string|secret_access_key|session_token|salt)["']?\s*:[^\S\n]*)("[^"\n]*"|'[^'\n]*'|[^\s{},][^\n,}]*)/gi

/** What stands in place of a reference: perhaps the secret itself. */
const wrongReference: RegExp =
  /(\bsecret["']?\s*:[^\S\n]*)(?!["']?(?:env|file|azure-kv|aws-sm):)("[^"\n]*"|'[^'\n]*'|[^\s{},][^\n,}]*)/gi

/** What alone opens a store, in a connection string or in the query that signs an address. */
const keyInText: RegExp = /((?:[?&]sig|\b(?:AccountKey|SharedAccessKey))=)([^&;\s"'},]+)/gi

const urlPassword: RegExp = /([a-z][a-z0-9+.-]*:\/\/[^\s/:@?#]*:)([^\s/]+)@/gi

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}

/** One that is also the name of the user or the scheme is told with every message, and masking it would hide nothing. */
function passwordsIn(value: string): string[] {
  return Array.from(value.matchAll(urlPassword)).flatMap(([, lead = '', password = '']) =>
    lead.split(/:\/\/|:/).includes(password) ? [] : [password, decoded(password)],
  )
}

/** What alone opens a store, of a connection string or of the query that signs an address. */
function keysIn(value: string): string[] {
  const keys = value.matchAll(/(?:^|[?&;])(?:AccountKey|sig)=([^&;\s]+)/gi)
  return Array.from(keys, match => match[1] ?? '').flatMap(key => [key, decoded(key)])
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function formsOf(value: string): string[] {
  const url = encodeURIComponent(value)
  const json = JSON.stringify(value).slice(1, -1)
  const html = value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
  return [value, url, url.replaceAll('%20', '+'), json, html, ...base64Forms(value)]
}

/**
 * The base64 texts a value has at the three possible offsets inside a longer one, without the characters that mix with
 * neighbouring bytes; and both alphabets.
 */
function base64Forms(value: string): string[] {
  const bytes = Buffer.from(value, 'utf8')
  const inner = [0, 1, 2].map(offset => {
    const padded = Buffer.concat([Buffer.alloc(offset), bytes])
    const whole = padded.toString('base64').replace(/=+$/, '')
    const end = padded.length % 3 === 0 ? whole.length : whole.length - 1
    return whole.slice(offset === 0 ? 0 : offset + 1, end)
  })
  const forms = [bytes.toString('base64'), ...inner.filter(form => form.length >= 8)]
  return forms.flatMap(form => [form, form.replaceAll('+', '-').replaceAll('/', '_')])
}
