/**
 * A proxy of our own before an emulator, in this process: it hands requests on and, where a rule says so, does to them
 * what networks and busy services do. What it hands on is applied whole before the answer is touched.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, request as send, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

export type Fault =
  /** Handed on when that is done. */
  | { readonly do: 'after'; readonly work: () => Promise<void> }
  /** Never handed on; this is the answer. */
  | {
      readonly do: 'answer'
      readonly status: number
      readonly headers?: Record<string, string>
      readonly body?: string
    }
  /** Handed on; this is the answer in place of the true one. */
  | { readonly do: 'apply then answer'; readonly status: number; readonly body?: string }
  /** Handed on; the connection ends without an answer. */
  | { readonly do: 'apply then drop' }
  /** Handed on twice; the answer to the second is the answer. */
  | { readonly do: 'apply twice' }
  /** Never handed on; the connection ends. */
  | { readonly do: 'reset' }
  /** Never handed on, never answered. */
  | { readonly do: 'hang' }
  /** The answer's body ends after so many bytes, and the connection with it. */
  | { readonly do: 'cut'; readonly bytes: number }
  /** The answer claims so many bytes more than it has. */
  | { readonly do: 'claim more'; readonly bytes: number }
  /** The answer's body comes at this speed. */
  | { readonly do: 'slow'; readonly bytesPerSecond: number }

export interface SeenRequest {
  readonly method: string
  /** Path and query, as sent. */
  readonly url: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

/** What to do to a request; undefined leaves it alone. */
export type Rule = (request: SeenRequest) => Fault | undefined

export interface FaultProxy extends AsyncDisposable {
  readonly endpoint: string
  /** All requests since the last rule was set. */
  readonly seen: readonly SeenRequest[]
  /** Replaces the rule before. Requests that are `inTurn` are handed on one at a time. */
  use(rule: Rule, inTurn?: (request: SeenRequest) => boolean): void
}

interface Answer {
  readonly status: number
  readonly headers: Record<string, string | string[]>
  readonly body: Buffer
}

/** @param target address of the emulator, whose path stays part of the proxy's */
export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const { origin, pathname } = new URL(target)
  let rule: Rule = () => undefined
  let isInTurn: (request: SeenRequest) => boolean = () => false
  let seen: SeenRequest[] = []
  let turn: Promise<unknown> = Promise.resolve()
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await read(request)
    const { method = 'GET', url = '/', headers } = request
    const known = { method, url, headers }
    seen.push(known)
    const fault = rule(known)
    const apply = (): Promise<Answer> => {
      const work = (): Promise<Answer> => handOn(origin, known, body)
      if (!isInTurn(known)) return work()
      const done = turn.then(work)
      turn = done.catch(() => undefined)
      return done
    }
    await misbehave(fault, apply, response)
  }
  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.socket?.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}${pathname.replace(/\/$/, '')}`,
    get seen() {
      return seen
    },
    use(next, inTurn = () => false) {
      rule = next
      isInTurn = inTurn
      seen = []
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

/** A rule that does these faults to the requests it is about, one after the other, and then nothing. */
export function faults(about: (request: SeenRequest) => boolean, ...list: readonly Fault[]): Rule {
  const left = list.values()
  return request => (about(request) ? left.next().value : undefined)
}

async function misbehave(
  fault: Fault | undefined,
  apply: () => Promise<Answer>,
  response: ServerResponse,
): Promise<void> {
  switch (fault?.do) {
    case undefined:
      return answer(response, await apply())
    case 'hang':
      return
    case 'reset':
      return void response.socket?.destroy()
    case 'answer':
      return answer(response, ownAnswer(fault))
    case 'after':
      await fault.work()
      return answer(response, await apply())
    case 'apply twice':
      await apply()
      return answer(response, await apply())
    case 'apply then answer':
      await apply()
      return answer(response, ownAnswer(fault))
    case 'apply then drop':
      await apply()
      return void response.socket?.destroy()
    case 'cut':
    case 'claim more':
    case 'slow':
      return await deform(fault, await apply(), response)
  }
}

async function deform(
  fault: Extract<Fault, { do: 'cut' | 'claim more' | 'slow' }>,
  { status, headers, body }: Answer,
  response: ServerResponse,
): Promise<void> {
  const claimed = body.length + (fault.do === 'claim more' ? fault.bytes : 0)
  response.writeHead(status, { ...headers, 'content-length': String(claimed) })
  response.flushHeaders()
  if (fault.do === 'slow') {
    const step = Math.max(1, Math.ceil(fault.bytesPerSecond / 10))
    for (let start = 0; start < body.length && !response.destroyed; start += step) {
      response.write(body.subarray(start, start + step))
      await pause(100)
    }
    response.end()
    return
  }
  await new Promise(resolve => response.write(fault.do === 'cut' ? body.subarray(0, fault.bytes) : body, resolve))
  response.socket?.destroy()
}

function ownAnswer({
  status,
  headers,
  body = '',
}: {
  status: number
  headers?: Record<string, string>
  body?: string
}) {
  return { status, headers: headers ?? {}, body: Buffer.from(body) }
}

function answer(response: ServerResponse, { status, headers, body }: Answer): void {
  // What answers HEAD has a length and no body.
  response.writeHead(status, { 'content-length': String(body.length), ...headers })
  response.end(body)
}

async function handOn(origin: string, { method, url, headers }: SeenRequest, body: Buffer): Promise<Answer> {
  const outgoing = send(`${origin}${url}`, { method, headers: headers as Record<string, string>, agent: false })
  outgoing.end(body)
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
  const { 'transfer-encoding': _, connection: __, ...rest } = incoming.headers
  const kept = Object.entries(rest).filter((entry): entry is [string, string | string[]] => entry[1] !== undefined)
  return { status: incoming.statusCode ?? 500, headers: Object.fromEntries(kept), body: await read(incoming) }
}

async function read(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
