/** What a store in the cloud promises when the network and the service behave badly, as one suite for each of them. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Claim } from '@tidemark/delta'
import type { RemoteStore } from '../../../packages/tidemark/src/storage/remote-store.ts'
import type { RequestLimits } from '../../../packages/tidemark/src/storage/requests.ts'
import type { RetryPorts } from '../../../packages/tidemark/src/storage/retry.ts'
import { systemClock, systemIds } from '../../../packages/tidemark/src/run/system.ts'
import { type Fault, type FaultProxy, faults, type SeenRequest, startFaultProxy } from './fault-proxy.ts'

export interface StoreFaults {
  name: string
  /** Address of the running emulator. */
  endpoint: () => string
  /** Open a store on a container of that name through this address, made when it is not there. */
  open: (at: { endpoint: string; container: string; ports: RetryPorts; limits?: RequestLimits }) => Promise<RemoteStore>
  /** How the service says that the object is there already. */
  exists: { status: number; code: string }
  /** How it says that the login is no longer good. */
  stale: { status: number; code: string }
  /** How it says that a request was signed by a wrong clock. */
  skewed: { status: number; code: string }
  /** Uploads that were begun and neither finished nor given up. */
  countUploads: (container: string) => Promise<number>
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const textOf = (data: Uint8Array): string => new TextDecoder().decode(data)
const isPart = ({ url }: SeenRequest): boolean => /comp=block(?:&|$)|partNumber=/.test(url)
const isJoin = ({ method, url }: SeenRequest): boolean =>
  /comp=blocklist/.test(url) || (method === 'POST' && /uploadId=/.test(url))
const isCreate = (request: SeenRequest): boolean => request.method === 'PUT' && !isPart(request) && !isJoin(request)
const isRead = ({ method }: SeenRequest): boolean => method === 'GET'
const isLook = ({ method }: SeenRequest): boolean => method === 'HEAD'
const error = (code: string): string => `<?xml version="1.0"?><Error><Code>${code}</Code><Message>m</Message></Error>`
const refuse = (status: number, code: string, headers: Record<string, string> = {}): Fault & { do: 'answer' } => {
  const all = { 'content-type': 'application/xml', 'x-ms-error-code': code, ...headers }
  return { do: 'answer', status, headers: all, body: error(code) }
}

export function storeFaults({ name, endpoint, open, exists, stale, skewed, countUploads }: StoreFaults): void {
  describe(`${name} in trouble`, () => {
    let proxy: FaultProxy
    let folder: string
    let made = 0
    let container = ''
    /** Pauses are told, not waited for. */
    let pauses: number[] = []
    const ports: RetryPorts = {
      ids: systemIds,
      clock: { ...systemClock, sleep: ms => Promise.resolve(void pauses.push(ms)) },
    }
    const openHere = (limits?: RequestLimits): Promise<RemoteStore> =>
      open({ endpoint: proxy.endpoint, container, ports, ...(limits === undefined ? {} : { limits }) })
    const other = (): Promise<RemoteStore> => open({ endpoint: endpoint(), container, ports })

    beforeAll(async () => {
      proxy = await startFaultProxy(endpoint())
      folder = await mkdtemp(join(tmpdir(), 'tidemark-faults-'))
    })
    afterAll(async () => {
      await proxy[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    })
    beforeEach(() => {
      made += 1
      container = `trouble-${made}`
      pauses = []
      proxy.use(() => undefined)
    })

    const lost: [string, Fault[]][] = [
      ['whose answer is lost', [{ do: 'apply then drop' }]],
      ['that is done and answered with 500', [{ do: 'apply then answer', status: 500 }]],
      [
        'that is done and answered with 503, then with 429',
        ([503, 429] as const).map(status => ({ do: 'apply then answer', status })),
      ],
      [
        `that is done and answered with ${exists.status}`,
        [{ do: 'apply then answer', status: exists.status, body: error(exists.code) }],
      ],
      [
        'that is done and answered with what makes no sense',
        [{ do: 'apply then answer', status: 200, body: '<html>' }],
      ],
      ['that something on the way sends twice', [{ do: 'apply twice' }]],
      ['whose answers are lost each time', Array.from({ length: 50 }, () => ({ do: 'apply then drop' }))],
      ['that is cut off, then refused as too many, then done', [{ do: 'reset' }, refuse(429, 'TooManyRequests')]],
    ]
    test.each(lost)('a create %s is known as created, and its bytes are there', async (_, list) => {
      const store = await openHere()
      proxy.use(faults(isCreate, ...list))
      expect(await store.putIfAbsent('t/1.json', bytes('ours'))).toBe('created')
      proxy.use(() => undefined)
      expect(textOf(await store.get('t/1.json'))).toBe('ours')
    })

    test.each(lost)("a create %s is never taken for ours when another writer's is there", async (_, list) => {
      const store = await openHere()
      expect(await (await other()).putIfAbsent('t/1.json', bytes('theirs'))).toBe('created')
      proxy.use(faults(isCreate, ...list))
      expect(await store.putIfAbsent('t/1.json', bytes('ours'))).toBe('exists')
      expect(textOf(await store.get('t/1.json'))).toBe('theirs')
    })

    test.each(['apply then drop', 'apply twice'] as const)(
      'a claim is had, kept, let go and had by the next, where any one request meets: %s',
      async kind => {
        for (let n = 1; ; n += 1) {
          const store = await openHere()
          const take = async (text: string): Promise<Claim> => {
            const claimed = await store.claim(`held-${n}`, bytes(text), { leaseMs: 60_000 })
            if (claimed.kind === 'rival') throw new Error(`request ${n}: held by ${textOf(claimed.bytes)}`)
            return claimed
          }
          let seen = 0
          proxy.use(() => ((seen += 1) === n ? { do: kind } : undefined))
          const first = await take('one')
          expect([n, await first.renew(bytes('one again'))]).toEqual([n, 'kept'])
          expect([n, await first.renew(bytes('one more time'))]).toEqual([n, 'kept'])
          await first.release()
          await (await take('two')).release()
          if (seen < n) return
        }
      },
    )

    test('a renewal of which nothing was heard is no loss of the claim', async () => {
      const store = await openHere()
      const held = await store.claim('held', bytes('one'), { leaseMs: 60_000 })
      if (held.kind === 'rival') throw new Error('held by another')
      proxy.use(() => ({ do: 'apply then drop' }))
      for (const text of ['two', 'three']) await expect(held.renew(bytes(text))).rejects.toThrow()
      proxy.use(() => undefined)
      expect(await held.renew(bytes('four'))).toBe('kept')
      const rival = await (await other()).claim('held', bytes('theirs'), { leaseMs: 60_000 })
      expect(rival.kind === 'rival' && textOf(rival.bytes)).toBe('four')
    })

    test.each([0, 1])('a renewal that was given up at its request %i, done or not, is let go of', async n => {
      for (const isDone of [false, true]) {
        const path = `given-up-${n}-${isDone}`
        const store = await openHere()
        const held = await store.claim(path, bytes('one'), { leaseMs: 60_000 })
        if (held.kind === 'rival') throw new Error('held by another')
        const stop = new AbortController()
        const abort = async (): Promise<void> => stop.abort(new Error('enough'))
        let seen = -1
        proxy.use(() => {
          seen += 1
          if (seen !== n) return undefined
          if (isDone) return { do: 'after', work: abort }
          void abort()
          return { do: 'hang' }
        })
        // Of two requests a service with leases needs both, another is done with one.
        const renewed = await held.renew(bytes('two'), { signal: stop.signal }).catch((error: unknown) => String(error))
        expect(['Error: enough', 'kept']).toContain(renewed)
        proxy.use(() => undefined)
        await held.release()
        expect((await (await other()).claim(path, bytes('theirs'), { leaseMs: 60_000 })).kind).toBe('claim')
      }
    })

    test('a create of which nothing more can be learnt is neither done nor undone', async () => {
      const store = await openHere()
      proxy.use(request =>
        isCreate(request) ? { do: 'apply then drop' } : isLook(request) ? refuse(403, 'No') : undefined,
      )
      const failure = await store.putIfAbsent('t/1', bytes('x')).catch((thrown: unknown) => thrown)
      expect(failure).toMatchObject({ code: 'STORAGE_UNREACHABLE' })
      expect(textOf(await store.get('t/1'))).toBe('x')
    })

    test('a create that was refused outright is NOT_WRITTEN, after one request', async () => {
      const store = await openHere()
      proxy.use(faults(isCreate, refuse(403, 'AuthorizationFailure')))
      await expect(store.putIfAbsent('t/1', bytes('x'))).rejects.toMatchObject({
        code: 'NOT_WRITTEN',
        cause: expect.objectContaining({ code: 'STORAGE_REFUSED' }) as unknown,
      })
      expect(proxy.seen).toHaveLength(1)
    })

    test.each([
      ['seconds', () => '7', 7000],
      // What goes by before it is read, on a machine that stands still for a while, is not waited for again.
      ['a date', () => new Date(Date.now() + 90_000).toUTCString(), 60_000],
    ])('Retry-After in %s is waited for, and counted', async (_, after, leastMs) => {
      const store = await openHere()
      proxy.use(faults(isCreate, ...[429, 503].map(status => refuse(status, 'SlowDown', { 'retry-after': after() }))))
      const before = store.usage
      expect(await store.putIfAbsent('t/1', bytes('four'))).toBe('created')
      expect(pauses).toHaveLength(2)
      for (const pause of pauses) expect(pause).toBeGreaterThanOrEqual(leastMs)
      expect(store.usage).toMatchObject({ requests: before.requests + 3, retries: 2, sentBytes: 12 })
      expect(store.usage.waitedMs).toBeGreaterThanOrEqual(2 * leastMs)
    })

    test('all requests of a store share one budget of retries', async () => {
      const store = await openHere({ budget: { ms: 3_600_000, retries: 7 } })
      proxy.use(() => refuse(503, 'ServerBusy'))
      for (const _ of [1, 2]) await expect(store.get('t/1')).rejects.toMatchObject({ code: 'STORAGE_BUSY' })
      expect(store.usage.retries).toBe(7)
      await expect(store.get('t/1')).rejects.toMatchObject({ code: 'STORAGE_BUSY' })
      expect(proxy.seen).toHaveLength(7 + 3)
    })

    test('a store that hangs or crawls is given up in time, and says so', async () => {
      const store = await openHere({ requestMs: 1500 })
      await store.put('t/1', Buffer.alloc(4000, 'x'))
      proxy.use(faults(isRead, { do: 'hang' }, { do: 'slow', bytesPerSecond: 1000 }))
      expect((await store.get('t/1')).length).toBe(4000)
      proxy.use(() => ({ do: 'slow', bytesPerSecond: 1000 }))
      const impatient = await openHere({ requestMs: 300 })
      proxy.use(request => (isRead(request) ? { do: 'slow', bytesPerSecond: 1000 } : undefined))
      await expect(impatient.get('t/1')).rejects.toMatchObject({
        code: 'STORAGE_UNREACHABLE',
        message: expect.stringContaining('no whole answer in 0.3 s') as unknown,
      })
    })

    test('at 1 kB/s a small object arrives whole', async () => {
      const store = await openHere()
      await store.put('t/1', bytes('0123456789'.repeat(200)))
      proxy.use(() => ({ do: 'slow', bytesPerSecond: 1000 }))
      expect(textOf(await store.get('t/1'))).toBe('0123456789'.repeat(200))
    })

    test('cut answers and wrong lengths never pass for the object', async () => {
      const store = await openHere()
      await store.put('t/1', bytes('whole and right'))
      proxy.use(faults(isRead, { do: 'cut', bytes: 5 }, { do: 'claim more', bytes: 3 }, { do: 'cut', bytes: 0 }))
      expect(textOf(await store.get('t/1'))).toBe('whole and right')
      expect(store.usage.retries).toBe(3)
      proxy.use(request => (isRead(request) ? { do: 'cut', bytes: 5 } : undefined))
      await expect(store.get('t/1')).rejects.toMatchObject({ code: 'STORAGE_UNREACHABLE' })
    })

    test('an aborted caller is told at once, also between two tries', async () => {
      const store = await openHere()
      const stop = new AbortController()
      proxy.use(request => {
        if (isCreate(request)) stop.abort(new Error('enough'))
        return { do: 'hang' }
      })
      await expect(store.putIfAbsent('t/1', bytes('x'), { signal: stop.signal })).rejects.toThrow('enough')
    })

    test('a login that was renewed meanwhile goes on, one that stays refused is named with the clocks', async () => {
      const store = await openHere()
      const answer = refuse(stale.status, stale.code)
      proxy.use(faults(isCreate, answer))
      expect(await store.putIfAbsent('t/1', bytes('x'))).toBe('created')
      const date = new Date(Date.now() + 1_200_000).toUTCString()
      const late = refuse(skewed.status, skewed.code)
      proxy.use(() => ({ ...late, headers: { ...late.headers, date } }))
      await expect(store.get('t/1')).rejects.toMatchObject({
        code: 'STORAGE_CLOCK_WRONG',
        message: expect.stringMatching(/the clock here is (19|20) minutes behind the store’s/) as unknown,
      })
      expect(proxy.seen).toHaveLength(2)
    })

    describe('with files of many parts', () => {
      const content = Buffer.alloc(9_000_001, 'every part is another one; ')
      const local = (): string => join(folder, 'big')
      beforeAll(() => writeFile(local(), content))

      test('lost answers on the way leave one whole object', async () => {
        const store = await openHere()
        const parts = faults(isPart, { do: 'reset' }, { do: 'apply then drop' })
        const join_ = faults(
          isJoin,
          { do: 'reset' },
          { do: 'apply then drop' },
          { do: 'apply then answer', status: 500 },
        )
        proxy.use(request => parts(request) ?? join_(request))
        expect(await store.putFile('t/big', local())).toBe('created')
        expect(Buffer.compare(await store.get('t/big'), content)).toBe(0)
        expect(await countUploads(container)).toBe(0)
      })

      test('two that are joined in turn leave the first, and no parts of the second', async () => {
        const [one, two] = [await openHere(), await openHere()]
        proxy.use(() => undefined, isJoin)
        const outcomes = await Promise.all([one.putFile('t/big', local()), two.putFile('t/big', local())])
        expect(outcomes.toSorted()).toEqual(['created', 'exists'])
        expect(await countUploads(container)).toBe(0)
      })

      test('an upload that cannot go on is given up', async () => {
        const store = await openHere()
        proxy.use(request => (isPart(request) ? refuse(403, 'AccessDenied') : undefined))
        await expect(store.putFile('t/big', local())).rejects.toMatchObject({ code: 'NOT_WRITTEN' })
        expect(await countUploads(container)).toBe(0)
        await expect(store.get('t/big')).rejects.toMatchObject({ code: 'NOT_FOUND' })
      })

      test('a download is whole whatever happens to its ranges', async () => {
        const store = await openHere()
        await store.putFile('t/big', local())
        proxy.use(faults(isRead, { do: 'cut', bytes: 1_000_000 }, { do: 'reset' }, { do: 'claim more', bytes: 1 }))
        const target = join(folder, 'whole')
        await store.download('t/big', content.length, target)
        expect(Buffer.compare(await readFile(target), content)).toBe(0)
      })

      test('a download of another object than the expected one is refused, and leaves no file', async () => {
        const store = await openHere()
        await store.putFile('t/big', local())
        const target = join(folder, 'never')
        for (const size of [content.length + 1, content.length - 1, 2 * content.length, 5]) {
          await expect(store.download('t/big', size, target)).rejects.toMatchObject({ code: 'FILE_INVALID' })
        }
        const replacer = await other()
        const isSecondRange = (request: SeenRequest): boolean =>
          /8388608-/.test(String(request.headers['range'] ?? request.headers['x-ms-range']))
        const replace = (): Promise<void> => replacer.put('t/big', Buffer.alloc(content.length, 'y'))
        proxy.use(request => (isSecondRange(request) ? { do: 'after', work: replace } : undefined))
        await expect(store.download('t/big', content.length, target)).rejects.toMatchObject({ code: 'FILE_INVALID' })
        expect(await readdir(folder)).not.toContain('never')
      })
    })
  })
}
