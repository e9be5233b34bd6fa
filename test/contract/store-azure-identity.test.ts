/** A lake in Azure as the machine itself, over TLS and without any key: the emulator takes tokens, the identity is a fake. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { openAzure } from '../../packages/tidemark/src/storage/azure/open-azure.ts'
import type { RemoteStore } from '../../packages/tidemark/src/storage/remote-store.ts'
import { systemClock, systemIds } from '../../packages/tidemark/src/run/system.ts'
import { type Azurite, AZURITE_ACCOUNT, AZURITE_KEY, startAzurite } from '../support/cloud/azurite.ts'
import { findMissingOpenssl, trustNewCertificate } from '../support/cloud/certificate.ts'
import { type ManagedIdentity, startManagedIdentity } from '../support/cloud/managed-identity.ts'

const missing = findMissingOpenssl()
const CONTAINER = 'identity'

describe.skipIf(missing !== undefined)(
  `a lake without keys${missing === undefined ? '' : ` (left out: ${missing})`}`,
  () => {
    let folder: string
    let azurite: Azurite
    let identity: ManagedIdentity

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'tidemark-tls-'))
      azurite = await startAzurite(trustNewCertificate(folder))
      await azurite.makeContainer(CONTAINER)
    })
    afterAll(async () => {
      await azurite[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    })
    beforeEach(async () => {
      identity = await startManagedIdentity()
    })
    afterEach(async () => {
      vi.unstubAllEnvs()
      await identity[Symbol.asyncDispose]()
    })

    const onThisMachine = (env: Readonly<Record<string, string>>): void => {
      for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
    }
    const openHere = (): Promise<RemoteStore> => {
      const address = { kind: 'azure' as const, container: CONTAINER, path: 'lake', account: undefined }
      const { endpoint } = azurite
      const login = { kind: 'identity' as const }
      return openAzure({ address, account: AZURITE_ACCOUNT, endpoint, login }, { clock: systemClock, ids: systemIds })
    }

    test('is read and written as the managed identity, whose tokens are renewed on the way', async () => {
      onThisMachine(identity.env)
      // The client renews what ends in less than minutes.
      identity.lifetimeS = 100
      const store = await openHere()
      expect(await store.putIfAbsent('t/1', Buffer.from('kept'))).toBe('created')
      const first = identity.tokens.length
      expect(Buffer.from(await store.get('t/1')).toString()).toBe('kept')
      await store.delete('t/1')
      expect(identity.tokens.length).toBeGreaterThan(first)
      expect(store.login).toBe('managed identity (application 22222222-2222-2222-2222-222222222222)')
      expect(azurite.endpoint).toMatch(/^https:/)
    })

    test('is refused with an expired token, and the refusal repeats nothing of it', async () => {
      onThisMachine(identity.env)
      identity.lifetimeS = -30
      const store = await openHere()
      const failure = await store.get('t/1').catch((thrown: unknown) => thrown)
      expect(failure).toMatchObject({ code: 'STORAGE_LOGIN_FAILED' })
      expectNoSecret(failure, [...identity.tokens, identity.env.IDENTITY_HEADER])
    })

    test('names what was tried when the machine has no identity', async () => {
      // An address where nobody listens stands for a machine outside Azure; a PATH without programs has no Azure CLI.
      onThisMachine({ AZURE_POD_IDENTITY_AUTHORITY_HOST: 'http://127.0.0.1:9', PATH: folder })
      const store = await openHere()
      await expect(store.get('t/1')).rejects.toMatchObject({
        code: 'STORAGE_LOGIN_FAILED',
        message: expect.stringContaining(
          'none of managed identity, the login of the Azure CLI is available',
        ) as unknown,
        hint: expect.stringContaining('az login') as unknown,
      })
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
    expectNoSecret(store.login, secrets)
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
