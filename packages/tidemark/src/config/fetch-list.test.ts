import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Problem } from '../errors/problem.ts'
import { afterEach, describe, expect, test } from 'vitest'
import {
  type Fetched,
  fetchOver,
  type FetchRequest,
  fetchText,
  isOutOfReach,
  MAX_LIST_BYTES,
  printAddress,
} from './fetch-list.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  servers.push(server)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

type Options = Partial<FetchRequest>

function ask(url: string, options: Options = {}): Promise<Fetched> {
  const { signal } = new AbortController()
  return fetchText({ url, headers: {}, allowPrivate: true, etag: undefined, signal, ...options })
}

async function get(url: string, options: Options = {}): Promise<string> {
  const fetched = await ask(url, options)
  return fetched.kind === 'text' ? fetched.text : fetched.kind
}

describe('fetching a list', () => {
  test('gives its text and sends the headers', async () => {
    const base = await serve((request, response) =>
      response.end(`[${request.headers.authorization} ${request.headers['accept-encoding']} ö]`),
    )
    expect(await get(`${base}/l`, { headers: { Authorization: 'Bearer x' } })).toBe('[Bearer x identity ö]')
  })
  test('follows three redirects and not a fourth', async () => {
    const base = await serve((request, response) => {
      const left = Number(request.url?.slice(1))
      if (left === 0) response.end('[]')
      else response.writeHead(302, { location: `/${left - 1}` }).end()
    })
    expect(await get(`${base}/3`)).toBe('[]')
    await expect(get(`${base}/4`)).rejects.toThrow('redirects more than 3 times')
  })
  test('does not carry the headers to another server', async () => {
    const other = await serve((request, response) => response.end(String(request.headers.authorization)))
    const base = await serve((_, response) => response.writeHead(307, { location: `${other}/l` }).end())
    expect(await get(base, { headers: { Authorization: 'secret' } })).toBe('undefined')
  })
  test('asks only for what is newer than the version that is here, and not another server', async () => {
    const seen: unknown[] = []
    const base = await serve((request, response) => {
      seen.push(request.headers['if-none-match'])
      if (request.headers['if-none-match'] === '"v1"') response.writeHead(304).end()
      else response.setHeader('etag', '"v1"').end('[]')
    })
    expect(await ask(base)).toEqual({ kind: 'text', text: '[]', etag: '"v1"' })
    expect(await ask(base, { etag: '"v1"' })).toEqual({ kind: 'unchanged' })
    expect(await ask(base, { etag: '"v0"' })).toMatchObject({ kind: 'text' })
    const elsewhere = await serve((_, response) => response.writeHead(302, { location: base }).end())
    expect(await ask(elsewhere, { etag: '"v1"' })).toMatchObject({ kind: 'text' })
    expect(seen).toEqual([undefined, '"v1"', '"v0"', undefined])
  })
  test('takes “not modified” for no answer when nothing was here', async () => {
    const base = await serve((_, response) => response.writeHead(304).end())
    await expect(get(base)).rejects.toThrow('answered 304')
  })
  test.each([
    [401, false],
    [404, false],
    [410, false],
    [408, true],
    [429, true],
    [503, true],
  ])('tells a server that has no time from one that refuses: %i', async (status, expected) => {
    const base = await serve((_, response) => response.writeHead(status).end())
    const error = await get(base).catch((caught: unknown) => caught)
    expect(error instanceof Problem && isOutOfReach(error)).toBe(expected)
  })
  test('takes a broken connection for a server out of reach, and a redirect it does not follow for a refusal', async () => {
    const broken = await serve((_, response) => response.socket?.destroy())
    const circle = await serve((_, response) => response.writeHead(302, { location: '/' }).end())
    const errors = await Promise.all([broken, circle].map(url => get(url).catch((caught: unknown) => caught)))
    expect(errors.map(error => error instanceof Problem && isOutOfReach(error))).toEqual([true, false])
  })
  test.each([401, 404, 500])('says what the server answered: %i', async status => {
    const base = await serve((_, response) => response.writeHead(status).end())
    await expect(get(base)).rejects.toMatchObject({
      code: 'LIST_UNREACHABLE',
      exit: 3,
      message: expect.stringContaining(`answered ${status}`),
    })
  })
  test('stops at 5 MB', async () => {
    const base = await serve((_, response) => response.end(Buffer.alloc(MAX_LIST_BYTES + 1, ' ')))
    await expect(get(base)).rejects.toThrow('sends more than 5 MB')
  })
  test.each<[string, RequestListener]>([
    ['says nothing', () => {}],
    ['begins and never ends', (_, response) => void response.write('[')],
    [
      'redirects, and then says nothing',
      (request, response) => {
        if (request.url === '/') response.writeHead(302, { location: '/list' }).end()
      },
    ],
  ])('gives up a server that %s, as one that may answer the next time', async (_, listener) => {
    const url = await serve(listener)
    const { signal } = new AbortController()
    const error = await fetchOver(
      { timeoutMs: 200 },
      { url, headers: {}, allowPrivate: true, etag: undefined, signal },
    ).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'LIST_UNREACHABLE', exit: 3 })
    expect(error).toMatchObject({ message: expect.stringContaining('did not answer within 0.2 s') })
    expect(error instanceof Problem && isOutOfReach(error)).toBe(true)
  })
  test('refuses what is not text', async () => {
    const base = await serve((_, response) => response.end(Buffer.from([0x1f, 0x8b, 0xff])))
    await expect(get(base)).rejects.toThrow('not UTF-8')
  })
  test('ends with the run that wanted it', async () => {
    const base = await serve(() => {})
    const controller = new AbortController()
    const pending = get(base, { signal: controller.signal })
    controller.abort(new Error('cancelled'))
    await expect(pending).rejects.toThrow('cancelled')
  })
})

describe('addresses', () => {
  test.each([
    'http://127.0.0.1/',
    'http://2130706433/',
    'http://0x7f.1/',
    'https://[::1]/',
    'https://[::ffff:10.0.0.1]/',
    'http://169.254.169.254/latest',
    'http://localhost/',
    'https://192.168.1.1:444/',
  ])('%s is refused unless it is permitted', async url => {
    await expect(get(url, { allowPrivate: false })).rejects.toMatchObject({
      code: 'LIST_ADDRESS_REFUSED',
      hint: expect.stringContaining('allow_private'),
    })
  })
  test.each(['ftp://x/l', 'nonsense', 'https://u:hunter2@x/l'])('%s is no address of a list', async url => {
    const error = await get(url).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'LIST_UNREACHABLE' })
    expect(String(error)).not.toContain('hunter2')
  })
  test('a server that nobody runs is named, without the query of the address', async () => {
    const base = await serve(() => {})
    for (const server of servers.splice(0)) await new Promise(resolve => server.close(resolve))
    const error = await get(`${base}/l?token=hunter2`).catch((caught: unknown) => caught)
    expect(error).toMatchObject({
      code: 'LIST_UNREACHABLE',
      message: expect.stringContaining('refuses the connection'),
    })
    expect(String(error)).not.toContain('hunter2')
    expect(printAddress('https://u:p@x.org/l.json?sig=1#f')).toBe('https://x.org/l.json')
  })
})
