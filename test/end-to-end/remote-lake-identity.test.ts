/**
 * A project on a lake in Azure by a managed identity alone, over TLS: every command does there what it does in a folder,
 * tokens are renewed on the way, and no key and no token is in anything that is said or left behind.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createProject, expectProblem, readAll } from '../support/cli.ts'
import { runInProcess } from '../support/cli-in-process.ts'
import { AZURITE_ACCOUNT, type Azurite, startAzurite } from '../support/cloud/azurite.ts'
import { findMissingOpenssl, trustNewCertificate } from '../support/cloud/certificate.ts'
import { type ManagedIdentity, startManagedIdentity } from '../support/cloud/managed-identity.ts'
import { remoteLakeStory } from '../support/cloud/remote-lake-story.ts'
import { MACHINE } from '../support/cloud/unsigned-token.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'

const missing = findMissingOpenssl()

describe.skipIf(missing !== undefined)(`without keys${missing === undefined ? '' : ` (left out: ${missing})`}`, () => {
  let folder: string
  let database: TestDatabase
  let azurite: Azurite
  let identity: ManagedIdentity

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tidemark-tls-'))
    const certificate = trustNewCertificate(folder)
    ;[database, azurite, identity] = await Promise.all([
      createDatabase(import.meta.url),
      startAzurite(certificate),
      startManagedIdentity(),
    ])
    // The client renews what ends within minutes, so every request wants a token of its own.
    identity.lifetimeS = 100
    for (const [name, value] of Object.entries(identity.env)) vi.stubEnv(name, value)
  })
  afterAll(async () => {
    vi.unstubAllEnvs()
    await identity[Symbol.asyncDispose]()
    await azurite[Symbol.asyncDispose]()
    await database.drop()
    await rm(folder, { recursive: true })
  })

  const options = (): string[] => [`account: ${AZURITE_ACCOUNT}`, `endpoint: ${azurite.endpoint}`]

  remoteLakeStory('a container of Azure', async () => {
    await azurite.makeContainer('lake')
    // Names that have to be escaped in addresses.
    return { database, lake: "az://lake/mu sic/ø+%41&='(~)*!@:,;<", options: options(), env: {} }
  })

  test('a run whose service of tokens goes away goes on as long as its token holds; the next one is told', async () => {
    await azurite.makeContainer('away')
    const { root } = await createProject({
      'tidemark.yml': `name: shop
lake: az://away/music
lake_options: { ${options().join(', ')} }
sources:
  app: { type: postgres, url: { secret: env:SHOP_URL }, tables: [{ schema: public, table: sale }] }
`,
    })
    const tidemark = (...args: string[]): ReturnType<typeof runInProcess> =>
      runInProcess(args, { cwd: root, env: { SHOP_URL: database.url } })
    // A new lake looks at what lies above it, too, through stores of their own.
    expect((await tidemark('run')).exit).toBe(0)
    identity.left = 1
    const asked = identity.asked.length
    const run = await tidemark('run')
    expect(run.exit, run.stderr).toBe(0)
    // It was asked for the next token beside the requests, in vain.
    expect(identity.asked.length).toBeGreaterThan(asked + 1)
    expectProblem(await tidemark('status'), { exit: 3, code: 'STORAGE_LOGIN_FAILED', says: 'managed identity' })
    identity.left = Infinity
    const next = await tidemark('status')
    expect(next.exit, next.stderr).toBe(0)
  })

  test('a run goes on while its tokens end, doctor says as whom, and no token is in anything', async () => {
    await azurite.makeContainer('short')
    const { root } = await createProject({
      'tidemark.yml': `name: shop
lake: az://short/music
lake_options: { ${options().join(', ')} }
sources:
  app: { type: postgres, url: { secret: env:SHOP_URL }, tables: [{ schema: public, table: sale }] }
`,
    })
    const said: string[] = []
    for (const args of [
      ['run', '--events'],
      ['run', '--json'],
      ['status', '--json'],
      ['doctor'],
      ['query', 'SELECT * FROM system.runs'],
    ]) {
      const { exit, stdout, stderr } = await runInProcess(args, { cwd: root, env: { SHOP_URL: database.url } })
      expect(exit, `${args.join(' ')}: ${stderr}`).toBe(0)
      said.push(stdout, stderr)
    }
    expect(said.join('')).toMatch(new RegExp(`ok +login +managed identity \\(application ${MACHINE}\\)`))
    expect(identity.tokens.length).toBeGreaterThan(10)
    const all = [...said, await readAll(root)].join('\n')
    for (const secret of [identity.env.IDENTITY_HEADER, ...identity.tokens]) expect(all.includes(secret)).toBe(false)
  })
})
