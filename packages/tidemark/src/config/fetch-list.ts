/**
 * A table list over HTTP: at most 5 MB, 10 seconds and 3 redirects, never from https to http, and to public addresses
 * only unless `allow_private` is written. The address is checked when the socket connects.
 */
import type { Agent, IncomingMessage } from 'node:http'
import { LIST_ADDRESS_REFUSED, LIST_UNREACHABLE } from '../errors/list.ts'
import { Problem } from '../errors/problem.ts'
import { addressLiteral, isPublicAddress, publicLookup, type ResolveName } from './public-address.ts'

export interface FetchRequest {
  url: string
  headers: Readonly<Record<string, string>>
  allowPrivate: boolean
  /** The version that is here already; the server need not send it again. */
  etag: string | undefined
  signal: AbortSignal
}

export type Fetched = { kind: 'text'; text: string; etag: string | undefined } | { kind: 'unchanged' }

/** Fetch a text or throw a Problem; tests bring their own. */
export type FetchText = (request: FetchRequest) => Promise<Fetched>

/** The way to the network; the system's own unless a test brings one. */
export interface Network {
  readonly resolve?: ResolveName | undefined
  /** Opens the sockets, each to an address that `lookup` of its options permits. */
  readonly agent?: Agent | undefined
  /** For everything together: redirects, and the text to its last byte. */
  readonly timeoutMs?: number | undefined
}

export const MAX_LIST_BYTES: number = 5 * 1024 * 1024
const TIMEOUT_MS = 10_000
const MAX_REDIRECTS = 3

/** Fetch the text of a list. @throws {LIST_UNREACHABLE}, {LIST_ADDRESS_REFUSED} */
export const fetchText: FetchText = request => fetchOver({}, request)

/** `fetchText` over a network of the caller's choice. */
export async function fetchOver(network: Network, request: FetchRequest): Promise<Fetched> {
  const { timeoutMs = TIMEOUT_MS } = network
  const timeout = AbortSignal.timeout(timeoutMs)
  const signal = AbortSignal.any([request.signal, timeout])
  let url = parseAddress(request.url)
  let headers = request.etag === undefined ? request.headers : { ...request.headers, 'if-none-match': request.etag }
  for (let redirects = 0; ; redirects++) {
    try {
      const response = await get(url, { headers, allowPrivate: request.allowPrivate, signal, network })
      const location = response.headers.location
      const isRedirect = [301, 302, 303, 307, 308].includes(response.statusCode ?? 0) && location !== undefined
      if (!isRedirect) return await readAnswer(response, url, 'if-none-match' in headers)
      response.destroy()
      if (redirects === MAX_REDIRECTS)
        throw LIST_UNREACHABLE({ host: url.host, reason: `redirects more than ${MAX_REDIRECTS} times` })
      const next = parseAddress(location, url)
      if (url.protocol === 'https:' && next.protocol !== 'https:') {
        throw LIST_UNREACHABLE({ host: url.host, reason: 'redirects from https to http, which is not followed' })
      }
      if (next.origin !== url.origin) headers = {}
      url = next
    } catch (error) {
      if (error instanceof Problem) throw error
      request.signal.throwIfAborted()
      const reason = timeout.aborted ? `did not answer within ${timeoutMs / 1000} s` : explain(error)
      throw LIST_UNREACHABLE({ host: url.host, reason, isPassing: !isDistrusted(error) }, { cause: error })
    }
  }
}

/** True for a fetch that may succeed the next time and says nothing about the list: nobody was there, or had no time. */
export function isOutOfReach({ code, params }: Problem): boolean {
  return code === LIST_UNREACHABLE.code && params['isPassing'] === true
}

/** The address without what may be private: no user, password, query or fragment. */
export function printAddress(text: string): string {
  const url = URL.parse(text)
  return url === null ? 'the address of the table list' : `${url.origin}${url.pathname}`
}

function parseAddress(text: string, base?: URL): URL {
  const url = base === undefined ? URL.parse(text) : URL.parse(text, base.href)
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw LIST_UNREACHABLE({ host: base?.host ?? 'The table list', reason: 'has an address that is not http or https' })
  }
  if (url.username !== '' || url.password !== '') {
    throw LIST_UNREACHABLE({
      host: url.host,
      reason: 'has an address with a user or password in it',
      hint: 'Write `tables: { url: …, headers: { Authorization: { secret: env:LIST_AUTHORIZATION } } }`.',
    })
  }
  return url
}

type Get = Pick<FetchRequest, 'headers' | 'allowPrivate' | 'signal'> & { network: Network }

async function get(url: URL, { headers, allowPrivate, signal, network }: Get): Promise<IncomingMessage> {
  const refuse = (address: string): Problem => LIST_ADDRESS_REFUSED({ host: url.host, address })
  const literal = addressLiteral(url.hostname)
  if (!allowPrivate && literal !== undefined && !isPublicAddress(literal)) throw refuse(literal)
  // Loaded by who fetches: no other command pays for it.
  const { request } = await (url.protocol === 'https:' ? import('node:https') : import('node:http'))
  return await new Promise((resolve, reject) => {
    request(
      url,
      {
        headers: {
          accept: 'application/json, text/plain, */*',
          'accept-encoding': 'identity',
          'user-agent': 'tidemark',
          ...headers,
        },
        signal,
        agent: network.agent ?? false,
        ...(allowPrivate ? {} : { lookup: publicLookup(refuse, network.resolve) }),
      },
      resolve,
    )
      .on('error', reject)
      .end()
  })
}

async function readAnswer(response: IncomingMessage, url: URL, isAsked: boolean): Promise<Fetched> {
  const fail = (reason: string, hint?: string, isPassing = false): Problem =>
    LIST_UNREACHABLE({ host: url.host, reason, hint, isPassing })
  const status = response.statusCode ?? 0
  if (status !== 200) {
    response.destroy()
    if (status === 304 && isAsked) return { kind: 'unchanged' }
    const isBusy = status === 408 || status === 429 || status >= 500
    throw fail(`answered ${status}`, statusHint(status), isBusy)
  }
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MAX_LIST_BYTES) {
      response.destroy()
      throw fail('sends more than 5 MB', 'A table list is small; check the address.')
    }
    chunks.push(chunk)
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
    return { kind: 'text', text, etag: response.headers.etag }
  } catch {
    throw fail('sends something that is not UTF-8 text', 'Check the address, and that the server does not compress.')
  }
}

function statusHint(status: number): string | undefined {
  if (status === 401 || status === 403)
    return 'Give the credentials with `tables: { url: …, headers: { Authorization: { secret: env:NAME } } }`.'
  if (status === 404) return 'Check the address; on a Git host it must be the one of the raw file.'
  return undefined
}

/** Somebody answers there who cannot prove to be the server. */
function isDistrusted(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? ''
  return /CERT|^ERR_TLS|SELF_SIGNED|UNABLE_TO_VERIFY|^ERR_SSL|^EPROTO$/.test(code)
}

/** A driver's error in words; its own text could hold the address with its query. */
function explain(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | undefined)?.code
  switch (code) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'is not a known host'
    case 'ECONNREFUSED':
      return 'refuses the connection'
    default:
      return code === undefined ? 'broke the connection' : `cannot be reached (${code})`
  }
}
