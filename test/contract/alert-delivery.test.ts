/** What every channel promises, kept against real servers: an alert reaches its receiver, under one id, at least once. */
import { type AddressInfo, createServer } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import type { AlertChannel } from '../../packages/tidemark/src/alerts/channel.ts'
import { type DeliveryReport, deliverPending } from '../../packages/tidemark/src/alerts/deliver.ts'
import { createEmailChannel } from '../../packages/tidemark/src/alerts/email.ts'
import { createPrintingChannel, openChannels } from '../../packages/tidemark/src/alerts/open-channels.ts'
import { lakeOutbox, recordAlerts } from '../../packages/tidemark/src/alerts/outbox.ts'
import type { AlertRecord } from '../../packages/tidemark/src/alerts/record.ts'
import { decideAlerts } from '../../packages/tidemark/src/alerts/rules.ts'
import { parseSigningSecret, signWebhook } from '../../packages/tidemark/src/alerts/signature.ts'
import { createWebhookChannel } from '../../packages/tidemark/src/alerts/webhook.ts'
import { alertConfig, failingBefore, finishedRun, hook, mail, runEnd, stepResult } from '../support/alerts.ts'
import { type MemoryStore, memoryStore, type SteppingClock, steppingClock } from '../support/memory.ts'
import { startBrokenServer, startHookServer, startMailServer } from '../support/receivers.ts'

const hour = 3_600_000

interface Receiver extends AsyncDisposable {
  channel: AlertChannel
  /** Ids of what the receiver took, in order. */
  ids(): string[]
}

/** How a receiver behaves: refusing the first tries, or every one. */
interface Kind {
  name: string
  accept(refusals: number): Promise<Receiver>
  broken(how: 'silent' | 'drop'): Promise<Receiver>
  records(): AlertRecord[]
}

function failureRecords(channel: string): AlertRecord[] {
  const config = alertConfig([{ on: ['failure'], send: [channel] }], [hook, { ...mail, to: ['ann@example.org'] }])
  return decideAlerts(finishedRun([stepResult('bronze.DimUser', 'failed')]), failingBefore([]), config)
}

function mailChannel(port: number, more: { timeoutMs?: number; to?: string[]; url?: string } = {}): AlertChannel {
  const smtpUrl = more.url ?? `smtp://127.0.0.1:${port}`
  return createEmailChannel({
    name: 'mail',
    from: 'Tidemark <lake@example.org>',
    to: ['ann@example.org'],
    ...more,
    smtpUrl,
  })
}

function hookChannel(port: number, more: { timeoutMs?: number; signingSecret?: string } = {}): AlertChannel {
  const url = `http://127.0.0.1:${port}/in?sig=hunter2`
  return createWebhookChannel({ name: 'hook', url, allowPrivate: true, clock: steppingClock(runEnd), ...more })
}

const kinds: Kind[] = [
  {
    name: 'mail',
    records: () => failureRecords('mail'),
    async accept(refusals) {
      const server = await startMailServer(n => (n < refusals ? 451 : undefined))
      const ids = (): string[] => server.mails.map(one => one.header('Message-ID')?.slice(1, 37) ?? '')
      return { channel: mailChannel(server.port), ids, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
    },
    async broken(how) {
      const server = await startBrokenServer(how)
      const channel = mailChannel(server.port, { timeoutMs: 50 })
      return { channel, ids: () => [], [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
    },
  },
  {
    name: 'webhook',
    records: () => failureRecords('hook'),
    async accept(refusals) {
      const server = await startHookServer((n, response) => response.writeHead(n < refusals ? 500 : 200).end('thanks'))
      const ids = (): string[] => server.posts.slice(refusals).map(one => String(one.headers['webhook-id']))
      return { channel: hookChannel(server.port), ids, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
    },
    async broken(how) {
      const server = await startBrokenServer(how)
      const channel = hookChannel(server.port, { timeoutMs: 50 })
      return { channel, ids: () => [], [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
    },
  },
]

interface Desk {
  store: MemoryStore
  clock: SteppingClock
  deliver: (...channels: AlertChannel[]) => Promise<DeliveryReport>
}

/** A lake with these alerts recorded. */
async function outbox(records: readonly AlertRecord[], store: MemoryStore = memoryStore()): Promise<Desk> {
  const clock = steppingClock(runEnd)
  await recordAlerts(store, records, text => text)
  const deliver = (...channels: AlertChannel[]): Promise<DeliveryReport> =>
    deliverPending({
      outbox: lakeOutbox(store),
      channels,
      clock,
      signal: new AbortController().signal,
      redact: text => text,
    })
  return { store, clock, deliver }
}

describe.each(kinds)('$name', kind => {
  let receiver: Receiver | undefined
  afterEach(async () => {
    await receiver?.[Symbol.asyncDispose]()
    receiver = undefined
  })

  test('an alert recorded by a process that died is delivered by the next one, once', async () => {
    receiver = await kind.accept(0)
    const { store, deliver } = await outbox(kind.records())
    const report = await deliver(receiver.channel)
    await deliver(receiver.channel)
    expect(receiver.ids()).toEqual(kind.records().map(one => one.id))
    expect(report.problems).toEqual([])
    expect([...store.objects.keys()]).toEqual(
      kind.records().flatMap(({ id }) => [`system/alerts/${id}.json`, `system/alerts/${id}.sent.json`]),
    )
  })

  test('a receiver that is busy twice gets the alert after growing pauses', async () => {
    receiver = await kind.accept(2)
    const { clock, deliver } = await outbox(kind.records())
    const { sent } = await deliver(receiver.channel)
    expect(sent).toHaveLength(1)
    expect(clock.pauses).toEqual([1000, 2000])
    expect(receiver.ids()).toEqual(kind.records().map(one => one.id))
  })

  test('a crash after the answer and before the mark sends again under the same id', async () => {
    receiver = await kind.accept(0)
    let crash = true
    const store = memoryStore(path => {
      if (crash && path.endsWith('.sent.json')) throw new Error('power cut')
    })
    const { deliver } = await outbox(kind.records(), store)
    await expect(deliver(receiver.channel)).rejects.toThrow('power cut')
    crash = false
    await deliver(receiver.channel)
    const [id] = kind.records().map(one => one.id)
    expect(receiver.ids()).toEqual([id, id])
    expect(await lakeOutbox(store).listPending()).toEqual([])
  })

  test.each(['silent', 'drop'] as const)('a receiver that is %s costs a warning and the alert waits', async how => {
    receiver = await kind.broken(how)
    const { store, clock, deliver } = await outbox(kind.records())
    const { sent, problems } = await deliver(receiver.channel)
    expect(sent).toEqual([])
    expect(problems.map(one => one.code)).toEqual(['ALERT_NOT_DELIVERED'])
    expect(clock.pauses.reduce((a, b) => a + b, 0)).toBeLessThan(30_000)
    expect(await lakeOutbox(store).listPending()).toEqual(kind.records())
  })

  test('after a day without success the alert is given up and says why', async () => {
    receiver = await kind.broken('drop')
    const { store, clock, deliver } = await outbox(kind.records())
    clock.advance(23 * hour)
    expect((await deliver(receiver.channel)).problems.map(one => one.code)).toEqual(['ALERT_NOT_DELIVERED'])
    clock.advance(hour)
    expect((await deliver(receiver.channel)).problems.map(one => one.code)).toEqual(['ALERT_UNDELIVERABLE'])
    expect(await lakeOutbox(store).listPending()).toEqual([])
    const closing = store.objects.get(`system/alerts/${kind.records()[0]?.id}.undeliverable.json`)
    expect(JSON.parse(closing ?? '{}')).toMatchObject({
      at: expect.any(String),
      detail: expect.stringMatching(/127\.0\.0\.1/),
    })
  })

  test('an abort stops waiting for a silent receiver and leaves the alert pending', async () => {
    receiver = await kind.broken('silent')
    const { store, clock } = await outbox(kind.records())
    const controller = new AbortController()
    const channel = receiver.channel
    const stopping: AlertChannel = {
      name: channel.name,
      send(record, signal) {
        queueMicrotask(() => controller.abort(new Error('stopped')))
        return channel.send(record, signal)
      },
    }
    const delivering = deliverPending({
      outbox: lakeOutbox(store),
      channels: [stopping],
      clock,
      signal: controller.signal,
      redact: text => text,
    })
    await expect(delivering).rejects.toThrow('stopped')
    expect(await lakeOutbox(store).listPending()).toEqual(kind.records())
  })
})

describe('mail', () => {
  test('one receiver refused for good does not keep the alert from the others, nor send it to them twice', async () => {
    const server = await startMailServer(undefined, {
      onRcptTo: ({ address }, _session, done) =>
        done(address === 'bob@example.org' ? Object.assign(new Error('no such user'), { responseCode: 550 }) : null),
    })
    await using _ = server
    const config = alertConfig([{ on: ['failure'], send: ['mail'] }])
    const records = decideAlerts(finishedRun([stepResult('bronze.DimUser', 'failed')]), failingBefore([]), config)
    const { deliver } = await outbox(records)
    const channel = mailChannel(server.port, { to: ['ann@example.org', 'bob@example.org'] })
    const first = await deliver(channel)
    const second = await deliver(channel)
    expect(server.mails.map(one => one.to)).toEqual([['ann@example.org']])
    expect(first.problems.map(one => one.message)).toEqual([expect.stringContaining('550 no such user')])
    expect(second.sent).toEqual([])
  })

  test('is text and HTML without headers that data could have added', async () => {
    await using server = await startMailServer()
    const [record] = failureRecords('mail')
    if (record === undefined) throw new Error('no alert')
    const hostile = { ...record, subject: 'x\r\nBcc: eve@example.org\r\n\r\nhello' }
    await mailChannel(server.port).send(hostile, new AbortController().signal)
    const [received] = server.mails
    expect(received?.header('Subject')).toBe('x Bcc: eve@example.org hello')
    expect(received?.header('Bcc')).toBeUndefined()
    expect(received?.header('Auto-Submitted')).toBe('auto-generated')
    expect(received?.header('Date')).toBe('Sun, 22 Nov 2026 12:00:03 +0000')
    expect(received?.message).toMatch(/text\/plain[\s\S]*text\/html/)
  })

  test('a wrong password is reported by the server answer and never repeated', async () => {
    await using server = await startMailServer(undefined, {
      allowInsecureAuth: true,
      onAuth: ({ password }, _session, done) =>
        done(Object.assign(new Error(`${password} is wrong`), { responseCode: 535 })),
    })
    const channel = mailChannel(0, { url: `smtp://ann:hunter2@127.0.0.1:${server.port}` })
    const [record] = failureRecords('mail')
    if (record === undefined) throw new Error('no alert')
    const error: unknown = await channel.send(record, new AbortController().signal).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'ALERT_MAIL_REFUSED', retry: 'after-change' })
    expect(String((error as Error).stack) + JSON.stringify(error)).not.toContain('hunter2')
    expect((error as Error).message).toContain('535')
  })

  test('is not sent in the clear to a server that should encrypt and does not', async () => {
    await using server = await startMailServer()
    const channel = mailChannel(0, { url: `smtp://127.0.0.1:${server.port}?tls=starttls` })
    const [record] = failureRecords('mail')
    if (record === undefined) throw new Error('no alert')
    await expect(channel.send(record, new AbortController().signal)).rejects.toMatchObject({
      code: 'ALERT_MAIL_REFUSED',
    })
    expect(server.mails).toEqual([])
  })

  test('is not sent to a server whose certificate nobody vouches for', async () => {
    await using server = await startMailServer(undefined, { disabledCommands: [] })
    const channel = mailChannel(0, { url: `smtp://ann:hunter2@127.0.0.1:${server.port}?tls=starttls` })
    const [record] = failureRecords('mail')
    if (record === undefined) throw new Error('no alert')
    await expect(channel.send(record, new AbortController().signal)).rejects.toMatchObject({
      code: 'ALERT_MAIL_UNREACHABLE',
      message: expect.stringContaining('certificate'),
    })
    expect(server.mails).toEqual([])
  })

  test('goes to nobody who was taken off the list since', async () => {
    await using server = await startMailServer()
    const { store, deliver } = await outbox(failureRecords('mail'))
    const { problems } = await deliver(mailChannel(server.port, { to: ['bob@example.org'] }))
    expect(problems.map(one => one.code)).toEqual(['ALERT_UNDELIVERABLE'])
    expect(server.mails).toEqual([])
    expect(await lakeOutbox(store).listPending()).toEqual([])
  })
})

describe('webhook', () => {
  const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`

  test('posts the seed keys as JSON, signed over id, time and body', async () => {
    await using server = await startHookServer((_n, response) => response.writeHead(204).end())
    const [record] = failureRecords('hook')
    if (record === undefined) throw new Error('no alert')
    const answer = await hookChannel(server.port, { signingSecret: secret }).send(record, new AbortController().signal)
    const [post] = server.posts
    const body = JSON.parse(post?.body ?? '{}') as Record<string, unknown>
    expect(answer).toEqual({ detail: 'HTTP 204' })
    expect(body).toMatchObject({
      id: record.id,
      pipeline_name: 'music',
      pipeline_runId: body['pipeline_id'],
      table: 'bronze.DimUser',
    })
    const timestamp = Number(post?.headers['webhook-timestamp'])
    expect(timestamp).toBe(runEnd / 1000)
    const key = parseSigningSecret(secret) ?? new Uint8Array()
    const signature = signWebhook(key, { id: record.id, timestamp, body: post?.body ?? '' })
    expect(post?.headers['webhook-signature']).toBe(signature)
  })

  test('a redirect is refused, not followed', async () => {
    await using server = await startHookServer((_n, response) =>
      response.writeHead(302, { location: '/elsewhere' }).end(),
    )
    const { store, clock, deliver } = await outbox(failureRecords('hook'))
    const { problems } = await deliver(hookChannel(server.port))
    expect(problems.map(one => one.message)).toEqual([expect.stringContaining('answered 302')])
    expect(server.posts).toHaveLength(1)
    expect(clock.pauses).toEqual([])
    expect(await lakeOutbox(store).listPending()).toHaveLength(1)
  })

  test('an endless answer is cut off and its control characters removed', async () => {
    await using server = await startHookServer((_n, response) => {
      response.writeHead(200)
      response.on('error', () => {})
      const more = (): boolean => response.destroyed || response.write('\u001b[31mab'.repeat(1000), () => more())
      more()
    })
    const [record] = failureRecords('hook')
    if (record === undefined) throw new Error('no alert')
    const { detail } = await hookChannel(server.port).send(record, new AbortController().signal)
    expect(detail.length).toBeLessThan(220)
    expect(detail).toMatch(/^HTTP 200 abab/)
  })

  test('an answer that never comes ends in time and names the host without the key in the address', async () => {
    await using server = await startHookServer(() => {})
    const [record] = failureRecords('hook')
    if (record === undefined) throw new Error('no alert')
    const error: unknown = await hookChannel(server.port, { timeoutMs: 50 })
      .send(record, new AbortController().signal)
      .catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      code: 'ALERT_WEBHOOK_UNREACHABLE',
      message: expect.stringContaining('did not answer in time'),
    })
    expect(String((error as Error).stack)).not.toContain('hunter2')
  })

  test.each(['https://127.0.0.1', 'https://localhost', 'https://[::1]', 'https://2130706433'])(
    '%s is not reached unless private addresses are permitted',
    async base => {
      let connections = 0
      const server = createServer(socket => {
        connections++
        socket.destroy()
      })
      await new Promise<void>(resolve => server.listen(0, () => resolve()))
      const url = `${base}:${(server.address() as AddressInfo).port}/`
      const channel = createWebhookChannel({ name: 'hook', url, allowPrivate: false, clock: steppingClock(runEnd) })
      const [record] = failureRecords('hook')
      if (record === undefined) throw new Error('no alert')
      await expect(channel.send(record, new AbortController().signal)).rejects.toMatchObject({
        code: 'ALERT_ADDRESS_REFUSED',
      })
      await new Promise<void>(resolve => server.close(() => resolve()))
      expect(connections).toBe(0)
    },
  )

  test.each(['http://hooks.example.org/', 'https://user:pw@hooks.example.org/', 'nonsense', 'file:///etc/passwd'])(
    '%s is no address for a webhook',
    url => {
      const make = (): AlertChannel =>
        createWebhookChannel({ name: 'hook', url, allowPrivate: false, clock: steppingClock(0) })
      expect(make).toThrow(expect.objectContaining({ code: 'ALERT_WEBHOOK_URL' }))
    },
  )
})

describe('the outbox', () => {
  test('a channel in trouble does not hold up another', async () => {
    await using dead = await startBrokenServer('drop')
    await using server = await startMailServer()
    const { deliver } = await outbox([...failureRecords('hook'), ...failureRecords('mail')])
    const { sent, problems } = await deliver(hookChannel(dead.port), mailChannel(server.port))
    expect(sent.map(one => one.record.channel)).toEqual(['mail'])
    expect(problems).toHaveLength(1)
  })

  test('an alert for a channel that is gone waits for it', async () => {
    const { store, deliver } = await outbox(failureRecords('hook'))
    expect((await deliver()).problems.map(one => one.code)).toEqual(['ALERT_NOT_DELIVERED'])
    expect(await lakeOutbox(store).listPending()).toHaveLength(1)
  })

  test('recording again changes nothing, and objects of others are left alone', async () => {
    const store = memoryStore()
    await store.put('system/alerts/readme.txt', new TextEncoder().encode('hello'))
    const [record] = failureRecords('hook')
    if (record === undefined) throw new Error('no alert')
    await recordAlerts(store, [record], text => text)
    await recordAlerts(store, [{ ...record, subject: 'other' }], text => text)
    expect(await lakeOutbox(store).listPending()).toEqual([record])
  })

  test('no secret reaches the lake', async () => {
    const store = memoryStore()
    const problem = {
      code: 'SOURCE_LOGIN',
      title: 'x',
      message: 'wrong: hunter2',
      hint: 'not hunter2',
      place: undefined,
    }
    const config = alertConfig([{ on: ['failure'], send: ['hook'] }])
    const records = decideAlerts(
      finishedRun([stepResult('bronze.a', 'failed', { problem })]),
      failingBefore([]),
      config,
    )
    await recordAlerts(store, records, text => text.replaceAll('hunter2', '***'))
    expect([...store.objects.values()].join()).not.toContain('hunter2')
    expect([...store.objects.values()].join()).toContain('wrong: ***')
  })

  test('a development target prints alerts instead of sending them', async () => {
    const printed: string[] = []
    const reveal = (): never => {
      throw new Error('a development target needs no secret')
    }
    const clock = steppingClock(runEnd)
    const channels = openChannels(
      { channels: [hook], rules: [] },
      { mode: 'development', clock, reveal, print: text => printed.push(text) },
    )
    const { store, deliver } = await outbox(failureRecords('hook'))
    await deliver(...channels)
    expect(printed.join('\n')).toContain(
      'alert to hook, printed because this is a development target:\n  bronze.DimUser failed',
    )
    expect(await lakeOutbox(store).listPending()).toEqual([])
    expect(createPrintingChannel('x', () => {}).name).toBe('x')
  })

  test('a channel without its secret fails by itself', async () => {
    await using server = await startMailServer()
    const reveal = (value: unknown): string => {
      if (value === hook.url) throw new Error('ALERT_URL is not set')
      return `smtp://127.0.0.1:${server.port}`
    }
    const clock = steppingClock(runEnd)
    const channels = openChannels(
      { channels: [hook, mail], rules: [] },
      { mode: 'production', clock, reveal, print: () => {} },
    )
    const { deliver } = await outbox([...failureRecords('hook'), ...failureRecords('mail')])
    const { sent, problems } = await deliver(...channels)
    expect(sent.map(one => one.record.channel)).toEqual(['mail'])
    expect(problems.map(one => one.message)).toEqual([expect.stringContaining('ALERT_URL is not set')])
  })
})
