/** A lake in S3 as the machine itself: whichever way of the AWS client's chain there is signs the requests, and is named. */
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { openS3 } from '../../packages/tidemark/src/storage/s3/open-s3.ts'
import { systemClock, systemIds } from '../../packages/tidemark/src/run/system.ts'
import { type FaultProxy, startFaultProxy } from '../support/cloud/fault-proxy.ts'
import { findMissingMoto, type Moto, startMoto } from '../support/cloud/moto.ts'

const missing = findMissingMoto()

describe.skipIf(missing !== undefined)(
  `S3 without keys${missing === undefined ? '' : ` (left out: ${missing})`}`,
  () => {
    let moto: Moto
    let proxy: FaultProxy
    let folder: string

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'tidemark-aws-'))
      moto = await startMoto()
      proxy = await startFaultProxy(moto.endpoint)
      await moto.makeBucket('identity')
    })
    afterEach(() => vi.unstubAllEnvs())
    afterAll(async () => {
      await proxy[Symbol.asyncDispose]()
      await moto[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    })

    /** Write and read as the machine that these variables make; gives who signed, and as whom the store says it was. */
    const tryAs = async (env: Readonly<Record<string, string>>): Promise<{ signed: string[]; login: string }> => {
      for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined)
      const nobody = {
        AWS_EC2_METADATA_DISABLED: 'true',
        AWS_CONFIG_FILE: '/dev/null',
        AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
      }
      for (const [name, value] of Object.entries({ ...nobody, AWS_REGION: 'us-east-1', ...env }))
        vi.stubEnv(name, value)
      const address = { kind: 's3' as const, bucket: 'identity', path: 'lake' }
      const login = { kind: 'identity' as const }
      const options = { address, region: undefined, endpoint: proxy.endpoint, login }
      const store = await openS3(options, { clock: systemClock, ids: systemIds })
      proxy.use(() => undefined)
      try {
        await store.put('t/1', Buffer.from('kept'))
        expect(Buffer.from(await store.get('t/1')).toString()).toBe('kept')
        const keys = proxy.seen.map(
          ({ headers }) => /Credential=([^/]+)/.exec(String(headers['authorization']))?.[1] ?? '',
        )
        return { signed: [...new Set(keys)], login: await store.describeLogin() }
      } finally {
        store.close()
      }
    }

    test('the environment signs, and is named by its access key', async () => {
      const env = { AWS_ACCESS_KEY_ID: 'AKIAENVIRONMENT', AWS_SECRET_ACCESS_KEY: 'canary-of-the-environment' }
      const { signed, login } = await tryAs(env)
      expect([signed, login]).toEqual([['AKIAENVIRONMENT'], 'the environment (access key AKIAENVIRONMENT)'])
    })

    test('the role of a container signs, whose token is asked for by its word', async () => {
      const asked: unknown[] = []
      const server = createServer((request, response) => {
        asked.push([request.url, request.headers.authorization])
        const Expiration = new Date(Date.now() + 3_600_000).toISOString()
        const role = { AccessKeyId: 'ASIACONTAINER', SecretAccessKey: 's', Token: 'session', Expiration }
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(role))
      })
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      try {
        const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/role`
        const env = { AWS_CONTAINER_CREDENTIALS_FULL_URI: url, AWS_CONTAINER_AUTHORIZATION_TOKEN: 'word' }
        const { signed, login } = await tryAs(env)
        expect([signed, login]).toEqual([['ASIACONTAINER'], 'the role of the container (access key ASIACONTAINER)'])
        expect(asked).toEqual([['/role', 'word']])
      } finally {
        server.closeAllConnections()
        server.close()
      }
    })

    test('a web identity is changed for a role, which signs', async () => {
      const file = join(folder, 'web-identity')
      await writeFile(file, 'token-of-the-cluster')
      const { signed, login } = await tryAs({
        AWS_WEB_IDENTITY_TOKEN_FILE: file,
        AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/lake',
        AWS_ENDPOINT_URL_STS: moto.endpoint,
      })
      expect(login).toMatch(/^web identity \(access key ASIA\w+, account 123456789012\)$/)
      expect(signed).toEqual([expect.stringMatching(/^ASIA/)])
      expect(login).toContain(signed[0])
    })

    test('a machine without any identity says so', async () => {
      await expect(tryAs({})).rejects.toMatchObject({ cause: { code: 'STORAGE_LOGIN_FAILED' } })
    })
  },
)
