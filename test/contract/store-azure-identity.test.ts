/** A lake in Azure as the machine itself, over TLS and without any key: the emulator takes tokens, the identity is a fake. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { loginByIdentity } from '../../packages/tidemark/src/sources/sqlserver/address.ts'
import { openSession } from '../../packages/tidemark/src/sources/sqlserver/connection.ts'
import { openAzure } from '../../packages/tidemark/src/storage/azure/open-azure.ts'
import type { RemoteStore } from '../../packages/tidemark/src/storage/remote-store.ts'
import { systemClock, systemIds } from '../../packages/tidemark/src/run/system.ts'
import { type Azurite, AZURITE_ACCOUNT, AZURITE_KEY, startAzurite } from '../support/cloud/azurite.ts'
import { findMissingOpenssl, trustNewCertificate } from '../support/cloud/certificate.ts'
import { type ManagedIdentity, startManagedIdentity } from '../support/cloud/managed-identity.ts'
import { MACHINE } from '../support/cloud/unsigned-token.ts'
import { startTokenService } from '../support/cloud/token-service.ts'
import { startTdsServer } from '../support/tds-server.ts'

const missing = findMissingOpenssl()
const CONTAINER = 'identity'

describe.skipIf(missing !== undefined)(
  `a lake without keys${missing === undefined ? '' : ` (left out: ${missing})`}`,
  () => {
    let folder: string
    let certificate: { cert: string; key: string }
    let azurite: Azurite
    let identity: ManagedIdentity

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'tidemark-tls-'))
      certificate = trustNewCertificate(folder)
      azurite = await startAzurite(certificate)
      // The client keeps the first endpoint that a process has.
      identity = await startManagedIdentity()
      await azurite.makeContainer(CONTAINER)
    })
    afterAll(async () => {
      await identity[Symbol.asyncDispose]()
      await azurite[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    })
    afterEach(() => {
      vi.unstubAllEnvs()
      identity.forget()
    })

    const onThisMachine = (env: Readonly<Record<string, string>>): void => {
      for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
    }
    const openHere = (clientId?: string): Promise<RemoteStore> => {
      const address = { kind: 'azure' as const, container: CONTAINER, path: 'lake', account: undefined }
      const { endpoint } = azurite
      const login = { kind: 'identity' as const }
      return openAzure(
        { address, account: AZURITE_ACCOUNT, endpoint, login, clientId },
        { clock: systemClock, ids: systemIds },
      )
    }

    test('is read and written as the managed identity, whose tokens are renewed on the way', async () => {
      onThisMachine(identity.env)
      // The client renews beside its requests what ends in less than minutes; the token it gets then ends later.
      identity.lifetimeS = 100
      const store = await openHere()
      expect(await store.putIfAbsent('t/1', Buffer.from('kept'))).toBe('created')
      identity.lifetimeS = 3600
      const first = identity.tokens.length
      expect(Buffer.from(await store.get('t/1')).toString()).toBe('kept')
      await vi.waitFor(() => expect(identity.tokens.length).toBeGreaterThan(first), { timeout: 60_000 })
      await store.delete('t/1')
      expect(await store.describeLogin()).toBe('managed identity (application 22222222-2222-2222-2222-222222222222)')
      expect(azurite.endpoint).toMatch(/^https:/)
    })

    test('is one of the managed identities of a machine, when client_id names it', async () => {
      onThisMachine(identity.env)
      const client = '33333333-3333-3333-3333-333333333333'
      const store = await openHere(client)
      expect(await store.putIfAbsent('t/named', Buffer.from('kept'))).toBe('created')
      expect(identity.asked).toEqual([client])
      expect(await store.describeLogin()).toBe(`managed identity (application ${client})`)
      vi.stubEnv('AZURE_CLIENT_ID', client.replaceAll('3', '4'))
      await (await openHere()).get('t/named')
      expect(identity.asked).toEqual([client, client.replaceAll('3', '4')])
    })

    test('is the workload identity where the platform has put its token, before any other', async () => {
      await using service = await startTokenService(certificate)
      const file = join(folder, 'federated-token')
      await writeFile(file, 'token-of-the-cluster')
      const client = '55555555-5555-5555-5555-555555555555'
      onThisMachine({ ...identity.env, ...service.env, AZURE_CLIENT_ID: client, AZURE_FEDERATED_TOKEN_FILE: file })
      const store = await openHere()
      expect(await store.putIfAbsent('t/workload', Buffer.from('kept'))).toBe('created')
      expect(await store.describeLogin()).toBe(`workload identity (application ${client})`)
      expect(Object.fromEntries(service.asked[0] ?? [])).toMatchObject({
        client_id: client,
        client_assertion: 'token-of-the-cluster',
        scope: 'https://storage.azure.com/.default',
      })
      expect(identity.tokens).toEqual([])
    })

    test('is a service principal of the environment, whose secret is told nowhere', async () => {
      await using service = await startTokenService(certificate)
      const [client, secret] = ['66666666-6666-6666-6666-666666666666', 'canary-of-the-principal']
      onThisMachine({ ...identity.env, ...service.env, AZURE_CLIENT_ID: client, AZURE_CLIENT_SECRET: secret })
      const store = await openHere()
      const failure = await store.get('t/nothing').catch((thrown: unknown) => thrown)
      expect(failure).toMatchObject({ code: 'NOT_FOUND' })
      expect(await store.describeLogin()).toBe(`the environment (application ${client})`)
      expect(service.asked[0]?.get('client_secret')).toBe(secret)
      expectNoSecret([failure, await store.describeLogin()], [secret, ...service.tokens])
    })

    test('gives a SQL Server the token of that identity, and asks once for as long as it holds', async () => {
      onThisMachine(identity.env)
      await using server = await startTdsServer()
      const login = loginByIdentity('app', { clock: systemClock, clientId: '' })
      const connection = { host: '127.0.0.1', port: server.port, database: 'music', user: '', password: '', ...login }
      for (const _ of [1, 2]) await (await openSession('app', connection, AbortSignal.timeout(60_000))).close()
      expect(server.logins.map(login => login.token)).toEqual([identity.tokens[0], identity.tokens[0]])
      expect(identity.tokens[0]).toContain('.')
      expect(login.describeLogin?.()).toBe(`managed identity (application ${MACHINE})`)
    })

    test('is refused with an expired token, and the refusal repeats nothing of it', async () => {
      onThisMachine(identity.env)
      identity.lifetimeS = -30
      // An identity of this test's own: the client keeps the tokens of a process by identity.
      const store = await openHere('77777777-7777-7777-7777-777777777777')
      const failure = await store.get('t/1').catch((thrown: unknown) => thrown)
      expect(failure).toMatchObject({ code: 'STORAGE_LOGIN_FAILED' })
      expect(identity.tokens.length).toBeGreaterThan(0)
      expectNoSecret(failure, [...identity.tokens, identity.env.IDENTITY_HEADER])
    })
  },
)

describe('a lake with a secret', () => {
  const SIGNATURE = 'sv=2025-01-05&sp=rl&sig=c2VjcmV0LXNpZ25hdHVyZQ%3D%3D'

  test.each([
    ['a signed address', { kind: 'signature' as const, reveal: (): string => SIGNATURE }, ['c2VjcmV0', SIGNATURE]],
    ['an account key', { kind: 'account key' as const, reveal: (): string => AZURITE_KEY }, [AZURITE_KEY]],
  ])('tells nothing of %s, whatever fails', async (_, login, secrets) => {
    const address = { kind: 'azure' as const, container: 'nowhere', path: 'lake', account: undefined }
    const limits = { budget: { ms: 0, retries: 0 } }
    const endpoint = `http://127.0.0.1:9/${AZURITE_ACCOUNT}`
    const ports = { clock: systemClock, ids: systemIds }
    const store = await openAzure({ address, account: AZURITE_ACCOUNT, endpoint, login, limits }, ports)
    for (const work of [
      () => store.get('t/1'),
      () => store.putIfAbsent('t/1', Buffer.from('x')),
      () => store.delete('t/1'),
    ]) {
      const failure = await work().catch((thrown: unknown) => thrown)
      expect(failure).toBeInstanceOf(Error)
      expectNoSecret(failure, secrets)
    }
    expectNoSecret(await store.describeLogin(), secrets)
    expectNoSecret(store.locate('t/1'), secrets)
    expectNoSecret(store, secrets)
  })
})

/** All that a log, an alert or a crash report could make of a value, its causes and hidden fields among it. */
function expectNoSecret(value: unknown, secrets: readonly string[]): void {
  const shown = [inspect(value, { depth: 20, showHidden: true }), String(value), JSON.stringify(value) ?? ''].join('\n')
  for (const secret of secrets) {
    for (const form of [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64')]) {
      expect(shown.includes(form), `shows ${secret.slice(0, 6)}…`).toBe(false)
    }
  }
}
