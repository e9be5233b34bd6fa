import { describe, expect, onTestFinished, test } from 'vitest'
import { sql } from '../../packages/tidemark/src/engine/sql.ts'
import type { SqlServerConnection } from '../../packages/tidemark/src/sources/sqlserver/address.ts'
import { openSession } from '../../packages/tidemark/src/sources/sqlserver/connection.ts'
import type { SqlServerSession } from '../../packages/tidemark/src/sources/sqlserver/session.ts'
import { never, problemOf } from '../support/source.ts'
import { startTdsServer, type TdsAnswer, type TdsOptions, type TdsServer } from '../support/tds-server.ts'

const certificate = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgH5/bCc8gpTTpBf05
GEmm7t5Dz7zzX1zCF0J4a1pf5ayhRANCAATJcs1nd7atCMRtUPet5rLEU84eB9fm
mmBzN588FwOefUHqtplAXWaTMENBR65akF3zhvBG7SEMb0PsQYw/ok8u
-----END PRIVATE KEY-----`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBnDCCAUGgAwIBAgIUHVl/uD33cNxbyYiCxgAu4/h6FBUwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNjEzMjI0NVoYDzIxMjYxMTAy
MTMyMjQ1WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATJcs1nd7atCMRtUPet5rLEU84eB9fmmmBzN588FwOefUHqtplAXWaT
MENBR65akF3zhvBG7SEMb0PsQYw/ok8uo28wbTAdBgNVHQ4EFgQUnLwP46n3H9Qj
b5bcHtMr8/h/fB0wHwYDVR0jBBgwFoAUnLwP46n3H9Qjb5bcHtMr8/h/fB0wDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSQAwRgIhALEasDbXHpgNrbQKZIuV/MSpdFhk5hAHaLWJxTY2bAtIAiEA
2mUmlcXdT1ifLTcsWGP1tm6JCEqS1dbvZUKzOKXMX+g=
-----END CERTIFICATE-----`,
}

async function serve(options: TdsOptions = {}): Promise<TdsServer> {
  const server = await startTdsServer(options)
  onTestFinished(() => server[Symbol.asyncDispose]())
  return server
}

function connectionOf(server: TdsServer, more: Partial<SqlServerConnection> = {}): SqlServerConnection {
  return { host: '127.0.0.1', port: server.port, database: 'music', user: 'reader', password: 'p w;"', ...more }
}

async function open(server: TdsServer, more: Partial<SqlServerConnection> = {}): Promise<SqlServerSession> {
  const session = await openSession('app', connectionOf(server, more), never)
  onTestFinished(() => session.close())
  return session
}

function* numbered(most: number, width = 100): Generator<[string, string]> {
  for (let n = 0; n < most; n += 1) yield ['0', `${n}:${'x'.repeat(width)}`]
}

const copied = sql`SELECT many`
/** The stream's statement is answered, every other batch has no rows. */
const answering =
  (answer: TdsAnswer) =>
  (batch: string): TdsAnswer =>
    batch === copied.text ? answer : {}
const options = { forms: ['bare', 'quoted'], chunkBytes: 10_000, signal: never } as const

describe('the SQL Server protocol', () => {
  test('a login carries user, password, database and intent, and the session is pinned by its first batch', async () => {
    const server = await serve()
    await open(server, { readOnlyIntent: true })
    expect(server.logins).toEqual([
      { user: 'reader', password: 'p w;"', database: 'music', token: undefined, readOnly: true, encrypted: false },
    ])
    const pinned = server.batches.at(-1) ?? ''
    for (const setting of ['DATEFORMAT ymd', 'LANGUAGE us_english', 'LOCK_TIMEOUT 10000', 'TEXTSIZE 2147483647']) {
      expect(pinned).toContain(`SET ${setting}`)
    }
  })

  test('a token takes the place of the password', async () => {
    const server = await serve()
    await open(server, { token: () => Promise.resolve('eyJ0b2tlbg.of.an-identity') })
    expect(server.logins[0]).toMatchObject({ user: '', password: '', token: 'eyJ0b2tlbg.of.an-identity' })
  })

  test('an identity that is given no token is refused before anything is sent, with what it was told', async () => {
    const server = await serve()
    const token = (): Promise<string> => Promise.reject(new Error('no identity was found'))
    const refused = await problemOf(openSession('app', connectionOf(server, { user: '', token }), never))
    expect([refused.code, server.logins]).toEqual(['SOURCE_LOGIN_REFUSED', []])
    expect(refused.message).toContain('refuses user the identity of this process: no identity was found')
  })

  test('rows arrive as text, NULL and empty told apart', async () => {
    const answer = { columns: ['a', 'b'], rows: [['1', null] as const, ['', 'ä🎵"'] as const] }
    const session = await open(await serve({ answer: batch => (batch === 'SELECT 1' ? answer : {}) }))
    expect(await session.query(sql`SELECT 1`)).toEqual([
      { a: '1', b: null },
      { a: '', b: 'ä🎵"' },
    ])
  })

  test('a value that is no text is refused, and the session goes on', async () => {
    const answer = (batch: string): TdsAnswer =>
      batch === 'SELECT n' ? { columns: ['n'], rows: [['7']], type: 'int' } : answering({})(batch)
    const session = await open(await serve({ answer }))
    await expect(session.query(sql`SELECT n`)).rejects.toThrow('arrived as number, not as text')
    expect(await session.query(sql`SELECT nothing`)).toEqual([])
  })

  test('a stream is whole lines, counted by the server', async () => {
    const rows = [['0', 'a,"b'] as const, ['0', ''] as const, ['1', null] as const]
    const session = await open(await serve({ answer: answering({ columns: ['', ''], rows }) }))
    const stream = session.copyOut(copied, options)
    const first = await stream.next()
    expect(String((first.value as { bytes: Buffer }).bytes)).toBe('0,"a,""b"\n0,""\n1,\n')
    expect(await stream.next()).toEqual({ done: true, value: 3n })
  })

  test('a count that differs from the rows is given as the server said it', async () => {
    const session = await open(await serve({ answer: answering({ columns: ['', ''], rows: [['0', 'a']], count: 2 }) }))
    const stream = session.copyOut(copied, options)
    await stream.next()
    expect(await stream.next()).toEqual({ done: true, value: 2n })
  })

  test('a reader that waits stops the server: memory does not grow with the table', async () => {
    const most = 1_000_000
    const server = await serve({
      answer: answering({ columns: ['', ''], rows: numbered(most) }),
    })
    const session = await open(server)
    const stream = session.copyOut(copied, options)
    await stream.next()
    // The server is asked for as long as it writes anything at all.
    for (let before = -1; before !== server.rowsSent; ) {
      before = server.rowsSent
      await new Promise(resolve => setTimeout(resolve, 300))
    }
    expect(server.rowsSent).toBeLessThan(most / 4)
    await stream.return(0n)
  })

  test('a stream left early stops the statement by an attention, and the session goes on', async () => {
    const many = answering({ columns: ['', ''], rows: numbered(1_000_000) })
    const one = { columns: ['n'], rows: [['1']] }
    const answer = (batch: string): TdsAnswer => (batch === 'SELECT 1 AS n' ? one : many(batch))
    const server = await serve({ answer })
    const session = await open(server)
    for await (const chunk of session.copyOut(copied, options)) {
      expect(chunk.rows).toBeGreaterThan(10)
      break
    }
    expect(server.attentions).toBe(1)
    expect(await session.query(sql`SELECT 1 AS n`)).toEqual([{ n: '1' }])
  })

  test('an abort stops the statement on the server and rejects with its reason', async () => {
    const server = await serve({
      answer: answering({ columns: ['', ''], rows: numbered(1_000_000) }),
    })
    const session = await open(server)
    const controller = new AbortController()
    const stream = session.copyOut(copied, { ...options, signal: controller.signal })
    await stream.next()
    controller.abort(new Error('enough'))
    await expect(drain(stream)).rejects.toThrow('enough')
    expect(server.attentions).toBe(1)
  })

  test('half of a UTF-16 pair stops the stream rather than becoming another character', async () => {
    const server = await serve({
      answer: answering({ columns: ['', ''], rows: [['0', '\ud83c']] }),
    })
    const session = await open(server)
    await expect(drain(session.copyOut(copied, options))).rejects.toThrow('half of a UTF-16 pair')
  })

  test.each([
    [18456, 'SOURCE_LOGIN_REFUSED'],
    [4060, 'SOURCE_DATABASE_MISSING'],
    [40613, 'SOURCE_BUSY'],
    [40615, 'SOURCE_UNREACHABLE'],
  ])('login error %i is %s, without the password in it or its cause', async (number, code) => {
    const server = await serve({ login: () => ({ number, message: `refused with ${number}` }) })
    const refused = await problemOf(openSession('app', connectionOf(server), never))
    expect(refused).toMatchObject({ code })
    expect(refused.message).toContain(`refused with ${number}`)
    expect(JSON.stringify([refused, refused.cause, String((refused.cause as Error).stack)])).not.toContain('p w;')
  })

  test.each([
    [1222, 'SOURCE_QUERY_FAILED'],
    [10928, 'SOURCE_BUSY'],
    [596, 'SOURCE_INTERRUPTED'],
    [208, 'SOURCE_QUERY_FAILED'],
  ])('statement error %i is %s', async (number, code) => {
    const session = await open(
      await serve({ answer: batch => (batch === 'SELECT 1' ? { error: { number, message: 'no' } } : {}) }),
    )
    const failed = await problemOf(session.query(sql`SELECT 1`))
    expect([failed.code, (failed.cause as { number?: number }).number]).toEqual([code, number])
  })

  test('a connection that breaks midway is an interruption', async () => {
    const server = await serve({
      answer: answering({ columns: ['', ''], rows: numbered(1_000_000) }),
    })
    const session = await open(server)
    const stream = session.copyOut(copied, options)
    await stream.next()
    server.drop()
    expect((await problemOf(drain(stream))).code).toBe('SOURCE_INTERRUPTED')
  })

  test('a server that is not there is unreachable', async () => {
    const server = await startTdsServer()
    await server[Symbol.asyncDispose]()
    expect((await problemOf(openSession('app', connectionOf(server), never))).code).toBe('SOURCE_UNREACHABLE')
  })

  describe('encryption', () => {
    const local = { host: 'localhost' }

    test('a certificate of a named authority is checked, and the login travels inside', async () => {
      const server = await serve({ tls: certificate })
      await open(server, { ...local, tls: 'verify', ca: certificate.cert })
      expect(server.logins[0]).toMatchObject({ encrypted: true, password: 'p w;"' })
    })

    test('a certificate that nobody vouches for is refused before a password is sent', async () => {
      const server = await serve({ tls: certificate })
      const refused = await problemOf(openSession('app', connectionOf(server, { ...local, tls: 'verify' }), never))
      expect([refused.code, server.logins]).toEqual(['SOURCE_TLS_REFUSED', []])
    })

    test('insecure encrypts without looking', async () => {
      const server = await serve({ tls: certificate })
      await open(server, { ...local, tls: 'insecure' })
      expect(server.logins[0]).toMatchObject({ encrypted: true })
    })

    test('a server that does not encrypt is refused when encryption was asked for', async () => {
      const server = await serve()
      const refused = await problemOf(openSession('app', connectionOf(server, { tls: 'verify' }), never))
      expect([refused.code, server.logins]).toEqual(['SOURCE_TLS_REFUSED', []])
    })
  })
})

async function drain(stream: AsyncGenerator<unknown>): Promise<void> {
  for await (const _ of stream) continue
}
