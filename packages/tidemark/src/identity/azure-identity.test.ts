/** A machine without any identity of its own: whoever is logged in there, or nobody. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as sdk from '@azure/identity'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { MACHINE, unsignedToken } from '../../../../test/support/cloud/unsigned-token.ts'
import { systemClock, systemIds } from '../run/system.ts'
import { openAzure } from '../storage/azure/open-azure.ts'
import { openIdentity } from './azure-identity.ts'

let programs: string

beforeEach(async () => {
  programs = await mkdtemp(join(tmpdir(), 'tidemark-programs-'))
  // An address where nobody listens stands for a machine outside Azure.
  vi.stubEnv('AZURE_POD_IDENTITY_AUTHORITY_HOST', 'http://127.0.0.1:9')
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(programs, { recursive: true })
})

test.skipIf(process.platform === 'win32')(
  'the login of the Azure CLI is used where there is nothing else',
  async () => {
    const { token, expires } = unsignedToken({ resource: 'https://vault.azure.net', lifetimeS: 3600 })
    const answer = JSON.stringify({ accessToken: token, expires_on: expires, tokenType: 'Bearer' })
    const said = join(programs, 'said')
    await writeFile(join(programs, 'az'), `#!/bin/sh\necho "$@" >> '${said}'\ncat <<'EOF'\n${answer}\nEOF\n`, {
      mode: 0o755,
    })
    vi.stubEnv('PATH', `${programs}:/usr/bin:/bin`)
    const identity = openIdentity(sdk, { clock: systemClock })
    expect(identity.description).toBeUndefined()
    expect((await identity.getToken('https://vault.azure.net/.default')).token).toBe(token)
    expect(identity.description).toBe(`the login of the Azure CLI (application ${MACHINE})`)
    expect(await readFile(said, 'utf8')).toMatch(/account get-access-token .*--resource https:\/\/vault\.azure\.net/)
  },
)

test('what was tried is named when there is nobody, and what to do about it', async () => {
  // A PATH without programs has no Azure CLI.
  vi.stubEnv('PATH', programs)
  const address = { kind: 'azure' as const, container: 'lake', path: 'music', account: undefined }
  const options = { address, account: 'nobody', endpoint: 'https://127.0.0.1:9', login: { kind: 'identity' as const } }
  const store = await openAzure(options, { clock: systemClock, ids: systemIds })
  await expect(store.get('t/1')).rejects.toMatchObject({
    code: 'STORAGE_LOGIN_FAILED',
    message: expect.stringContaining(
      'none of the environment, managed identity, the login of the Azure CLI is available',
    ) as unknown,
    hint: expect.stringContaining('az login') as unknown,
  })
})
