/** Secrets of Azure Key Vault, asked of a fake of it by a fake managed identity, over TLS. */
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { parseSecretRef } from '../../packages/tidemark/src/config/secret.ts'
import { Vaults } from '../../packages/tidemark/src/config/vaults.ts'
import { Problem } from '../../packages/tidemark/src/errors/problem.ts'
import type { AzureSecretRef } from '../../packages/tidemark/src/model/project.ts'
import { systemClock, systemIds } from '../../packages/tidemark/src/run/system.ts'
import { createProject, readAll } from '../support/cli.ts'
import { runInProcess } from '../support/cli-in-process.ts'
import { findMissingOpenssl, trustNewCertificate } from '../support/cloud/certificate.ts'
import { type FakeKeyVault, startKeyVault } from '../support/cloud/key-vault.ts'
import { type ManagedIdentity, startManagedIdentity } from '../support/cloud/managed-identity.ts'
import { MACHINE } from '../support/cloud/unsigned-token.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { startHookServer } from '../support/receivers.ts'

const missing = findMissingOpenssl()

describe.skipIf(missing !== undefined)(
  `a secret of a vault${missing === undefined ? '' : ` (left out: ${missing})`}`,
  () => {
    let folder: string
    let identity: ManagedIdentity
    let vault: FakeKeyVault
    let database: TestDatabase

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'tidemark-vault-'))
      const certificate = trustNewCertificate(folder)
      ;[identity, database] = await Promise.all([startManagedIdentity(), createDatabase(import.meta.url)])
      vault = await startKeyVault(certificate, token => identity.tokens.includes(token))
      for (const [name, value] of Object.entries(identity.env)) vi.stubEnv(name, value)
    })
    afterEach(() => {
      vault.resource = vault.address
      vault.secrets.clear()
      vault.refused.clear()
      vault.troubles.length = 0
      pauses.length = 0
    })
    afterAll(async () => {
      vi.unstubAllEnvs()
      await vault[Symbol.asyncDispose]()
      await identity[Symbol.asyncDispose]()
      await database.drop()
      await rm(folder, { recursive: true })
    })

    const refTo = (name: string, address = vault.address): AzureSecretRef => {
      const ref = parseSecretRef(`azure-kv:${address}/secrets/${name}`)
      if (ref instanceof Problem || ref.kind !== 'azure-kv') throw new Error('no reference to a vault')
      return ref
    }
    const pauses: number[] = []
    /** Pauses are noted instead of waited for. */
    const clock: typeof systemClock = { ...systemClock, sleep: ms => Promise.resolve(void pauses.push(ms)) }
    const newVaults = (): Vaults => new Vaults({ clock, ids: systemIds })
    const opened = async (ref: AzureSecretRef): Promise<string> => {
      const asked = newVaults()
      await asked.fetch([ref])
      return asked.open(ref).reveal()
    }

    test('is given for the token that the vault asks for, newest or of a version, and asked for once', async () => {
      vault.secrets.set('app-url', 'newest ').set('app-url/0123abc', 'older')
      const asked = newVaults()
      const refs = ['app-url', 'app-url/0123abc'].map(name => refTo(name))
      const before = vault.seen.length
      await Promise.all([asked.fetch(refs), asked.fetch(refs)])
      await asked.fetch(refs)
      expect(refs.map(ref => asked.open(ref).reveal())).toEqual(['newest ', 'older'])
      expect(vault.seen.length - before).toBe(4)
    })

    test('that is not there, empty or not allowed is told by name, and never with what the vault said', async () => {
      vault.secrets.set('blank', ' ')
      vault.refused.set('closed', 'ForbiddenByRbac')
      await expect(opened(refTo('gone'))).rejects.toMatchObject({
        code: 'SECRET_MISSING',
        message: expect.stringMatching(
          /^Secret azure-kv:https.*\/secrets\/gone does not exist in the vault\.$/,
        ) as unknown,
      })
      await expect(opened(refTo('blank'))).rejects.toMatchObject({ code: 'SECRET_MISSING' })
      const refused = await opened(refTo('closed')).catch((thrown: unknown) => thrown)
      expect(refused).toMatchObject({
        code: 'SECRET_REFUSED',
        message: expect.stringContaining(
          `is refused to managed identity (application ${MACHINE}): ForbiddenByRbac`,
        ) as unknown,
        hint: expect.stringContaining('Key Vault Secrets User') as unknown,
      })
      expect(String(refused)).not.toContain('secret words')
    })

    test('is asked for again while the vault has no time, as long after as it says, and with a new token once', async () => {
      vault.secrets.set('app-url', 'here')
      vault.troubles.push({ status: 429, headers: { 'retry-after': '7' } }, { status: 503, headers: {} }, 'new token')
      expect(await opened(refTo('app-url'))).toBe('here')
      expect(pauses).toHaveLength(3)
      expect(pauses[0]).toBeGreaterThanOrEqual(7000)
      vault.troubles.push('new token', 'new token')
      await expect(opened(refTo('app-url'))).rejects.toMatchObject({ code: 'SECRET_REFUSED' })
      expect(pauses).toHaveLength(4)
    })

    test('of a vault that stays busy is told so, and no request is made in vain where it says no', async () => {
      vault.troubles.push(...Array.from({ length: 6 }, () => ({ status: 503, headers: {} })))
      await expect(opened(refTo('app-url'))).rejects.toMatchObject({
        code: 'SECRET_VAULT_UNREACHABLE',
        message: expect.stringContaining('Throttled, HTTP 503') as unknown,
      })
      vault.refused.set('closed', 'ForbiddenByRbac')
      const before = vault.seen.length
      await expect(opened(refTo('closed'))).rejects.toMatchObject({ code: 'SECRET_REFUSED' })
      // One that learns which token is wanted, and one with it.
      expect(vault.seen.length - before).toBe(2)
    })

    test('of a vault that does not answer is told so, and the others are had', async () => {
      vault.secrets.set('app-url', 'here')
      const asked = newVaults()
      const away = refTo('app-url', 'https://127.0.0.1:9')
      await asked.fetch([away, refTo('app-url')])
      expect(asked.open(refTo('app-url')).reveal()).toBe('here')
      expect(() => asked.open(away)).toThrow(
        expect.objectContaining({
          code: 'SECRET_VAULT_UNREACHABLE',
          message: expect.stringContaining('ECONNREFUSED') as unknown,
        }),
      )
    })

    test.each(['https://vault.azure.net', 'https://storage.azure.com', 'http://127.0.0.1', '', 'https://0.0.1'])(
      'is not worth a token for %s, which is none of its own vault',
      async resource => {
        vault.resource = resource
        const [tokens, before] = [identity.tokens.length, vault.seen.length]
        await expect(opened(refTo('app-url'))).rejects.toMatchObject({
          code: 'SECRET_VAULT_UNREACHABLE',
          message: expect.stringContaining('asks for a token that is not for a vault of its name') as unknown,
        })
        expect([identity.tokens.length, vault.seen.length]).toEqual([tokens, before + 1])
      },
    )

    const at = (name: string): { secret: string } => ({ secret: `azure-kv:${vault.address}/secrets/${name}` })

    test('opens the source and the alert of a project, and is in nothing that a run says or leaves', async () => {
      await database.query('CREATE TABLE item (id int PRIMARY KEY); INSERT INTO item VALUES (1)')
      await using hook = await startHookServer((_, response) => void response.writeHead(204).end())
      const word = 'canary-of-the-vault-41c9'
      vault.secrets.set('app-url', database.url).set('hook', `http://127.0.0.1:${hook.port}/in?word=${word}`)
      const tables = [
        { schema: 'public', table: 'item' },
        { schema: 'public', table: 'none' },
      ]
      const project = await createProject({
        'tidemark.yml': JSON.stringify({
          name: 'shop',
          sources: {
            app: { type: 'postgres', url: at('app-url'), tables },
            other: { type: 'postgres', url: at('gone'), tables: [{ schema: 'public', table: 'x' }] },
          },
          alerts: {
            channels: { hook: { webhook: at('hook'), allow_private: true } },
            rules: [{ on: ['failure'], send: 'hook' }],
          },
          targets: { prod: { default: true, mode: 'production' } },
        }),
      })
      const said: string[] = []
      const audit = ['audit', 'public.item', '--source', at('app-url').secret, '--against', 'lake/silver/item']
      for (const args of [['run', '--json'], ['run', '--events'], ['doctor'], ['status', '--json'], audit]) {
        const { stdout, stderr } = await runInProcess(args, { cwd: project.root, env: {} })
        said.push(stdout, stderr)
      }
      const all = [...said, await readAll(project.root), JSON.stringify(hook.posts)].join('\n')
      expect(hook.posts.length).toBeGreaterThan(0)
      expect(all).toContain('SECRET_MISSING')
      expect(said.join('')).toContain('item: the copy equals the source')
      expect(await readAll(join(project.lake, 'bronze', 'item'))).toContain('PAR1')
      for (const secret of [word, database.url, ...identity.tokens]) {
        for (const form of [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64')])
          expect(all.includes(form)).toBe(false)
      }
    })

    test('is asked for by the commands that open it alone, and doctor says to whom each is given', async () => {
      vault.secrets.set('hook', 'https://hooks.example/in')
      const { root } = await createProject({
        'tidemark.yml': JSON.stringify({
          name: 'shop',
          sources: { app: { type: 'postgres', url: at('app-url'), tables: [{ schema: 'public', table: 'item' }] } },
          alerts: { channels: { hook: { webhook: at('hook') } }, rules: [{ on: ['recovery'], send: 'hook' }] },
        }),
      })
      const asked = async (...args: string[]): Promise<string[]> => {
        const before = vault.seen.length
        await runInProcess(args, { cwd: root, env: {} })
        return [...new Set(vault.seen.slice(before).map(({ path }) => path))].sort()
      }
      const [app, hook] = ['/secrets/app-url', '/secrets/hook']
      for (const command of ['status', 'tables', 'runs', 'validate', 'optimize'])
        expect(await asked(command), command).toEqual([])
      expect(await asked('plan')).toEqual([app])
      expect(await asked('run')).toEqual([app, hook])
      const { exit, stdout } = await runInProcess(['doctor'], { cwd: root, env: {} })
      expect(exit).toBe(3)
      expect(stdout).toContain(`/secrets/hook is given to managed identity (application ${MACHINE})`)
      expect(stdout).toContain('/secrets/app-url does not exist in the vault')
    })

    test('opens a table list at an address', async () => {
      vault.secrets.set('list-word', 'Bearer of-the-list')
      const heard: (string | undefined)[] = []
      const server = createServer((request, response) => {
        heard.push(request.headers.authorization)
        response.writeHead(200, { 'content-type': 'application/json' }).end('[]')
      })
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      try {
        const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/list.json`
        const tables = { url, headers: { Authorization: at('list-word') }, allow_private: true }
        const app = { type: 'postgres', url: 'postgres://127.0.0.1:9/none', tables }
        const { root } = await createProject({ 'tidemark.yml': JSON.stringify({ name: 'shop', sources: { app } }) })
        await runInProcess(['status'], { cwd: root, env: {} })
        expect(heard).toEqual(['Bearer of-the-list'])
      } finally {
        server.closeAllConnections()
        server.close()
      }
    })
  },
)
