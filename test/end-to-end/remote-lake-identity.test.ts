/**
 * A project on a lake in Azure by a managed identity alone, over TLS: every command does there what it does in a folder,
 * tokens are renewed on the way, and no key and no token is in anything that is said or left behind.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createProject, readAll } from '../support/cli.ts'
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
