/** Secrets of AWS Secrets Manager, asked of the emulator; a proxy before it refuses and delays as the service does. */
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { parseSecretRef } from '../../packages/tidemark/src/config/secret.ts'
import { Vaults } from '../../packages/tidemark/src/config/vaults.ts'
import { Problem } from '../../packages/tidemark/src/errors/problem.ts'
import type { KeptRef } from '../../packages/tidemark/src/model/project.ts'
import { systemClock, systemIds } from '../../packages/tidemark/src/run/system.ts'
import { createProject, readAll } from '../support/cli.ts'
import { runInProcess } from '../support/cli-in-process.ts'
import { type FaultProxy, startFaultProxy } from '../support/cloud/fault-proxy.ts'
import { findMissingMoto, type Moto, MOTO_LOGIN, startMoto } from '../support/cloud/moto.ts'
import { createSqliteFile } from '../support/sqlite.ts'

const missing = findMissingMoto()
const CANARY = 'canary-of-the-manager-77b1'

describe.skipIf(missing !== undefined)(
  `a secret of AWS Secrets Manager${missing === undefined ? '' : ` (left out: ${missing})`}`,
  () => {
    let moto: Moto
    let proxy: FaultProxy
    let arn: string
    const pauses: number[] = []
    const clock: typeof systemClock = { ...systemClock, sleep: ms => Promise.resolve(void pauses.push(ms)) }

    beforeAll(async () => {
      moto = await startMoto()
      proxy = await startFaultProxy(moto.endpoint)
      const client = new SecretsManagerClient({
        endpoint: moto.endpoint,
        region: 'eu-north-1',
        credentials: MOTO_LOGIN,
      })
      const make = async (
        Name: string,
        value: { SecretString: string } | { SecretBinary: Uint8Array },
      ): Promise<string> => (await client.send(new CreateSecretCommand({ Name, ...value }))).ARN ?? ''
      arn = await make('music/app', { SecretString: JSON.stringify({ user: 'reader', password: CANARY, port: 5432 }) })
      await make('plain', { SecretString: CANARY })
      await make('bytes', { SecretBinary: Buffer.from('x') })
      client.destroy()
      vi.stubEnv('AWS_ENDPOINT_URL_SECRETS_MANAGER', proxy.endpoint)
      vi.stubEnv('AWS_REGION', 'eu-north-1')
      vi.stubEnv('AWS_ACCESS_KEY_ID', MOTO_LOGIN.accessKeyId)
      vi.stubEnv('AWS_SECRET_ACCESS_KEY', MOTO_LOGIN.secretAccessKey)
    })
    afterEach(() => {
      proxy.use(() => undefined)
      pauses.length = 0
    })
    afterAll(async () => {
      vi.unstubAllEnvs()
      await proxy[Symbol.asyncDispose]()
      await moto[Symbol.asyncDispose]()
    })

    const refTo = (text: string): KeptRef => {
      const ref = parseSecretRef(`aws-sm:${text}`)
      if (ref instanceof Problem || ref.kind !== 'aws-sm') throw new Error('no reference')
      return ref
    }
    const opened = async (...texts: string[]): Promise<string[]> => {
      const vaults = new Vaults({ clock, ids: systemIds })
      const refs = texts.map(refTo)
      await vaults.fetch(refs)
      return refs.map(ref => vaults.open(ref).reveal())
    }
    const refuse = (status: number, code: string, times = Infinity, headers: Record<string, string> = {}): void => {
      let left = times
      proxy.use(() =>
        (left -= 1) < 0
          ? undefined
          : {
              do: 'answer',
              status,
              headers: { 'content-type': 'application/x-amz-json-1.1', ...headers },
              body: JSON.stringify({ __type: code, Message: 'words of the service' }),
            },
      )
    }

    test('is given whole, by its ARN, or as a text of its JSON, in one request for all of them', async () => {
      expect(await opened('plain')).toEqual([CANARY])
      proxy.use(() => undefined)
      const region = arn.split(':')[3]
      expect(region).toBe('eu-north-1')
      expect(await opened('music/app#user', 'music/app#password')).toEqual(['reader', CANARY])
      expect(proxy.seen).toHaveLength(1)
      vi.stubEnv('AWS_REGION', 'us-east-1')
      expect(await opened(`${arn}#user`)).toEqual(['reader'])
      vi.stubEnv('AWS_REGION', 'eu-north-1')
    })

    test.each([
      ['gone', 'does not exist in the vault'],
      ['bytes', 'holds bytes and no text'],
      ['plain#user', 'holds no JSON'],
      ['music/app#none', 'has no text under that key'],
      ['music/app#port', 'has no text under that key'],
      ['music/app#toString', 'has no text under that key'],
    ])('%s is missing, and what is there is not told', async (name, reason) => {
      const failure = await opened(name).catch((error: unknown) => error)
      expect(failure).toMatchObject({ code: 'SECRET_MISSING', message: expect.stringContaining(reason) as unknown })
      expect(`${String(failure)}${JSON.stringify(failure)}`).not.toContain(CANARY)
    })

    test('is asked for again while the service has no time, and is told when it stays so', async () => {
      refuse(400, 'ThrottlingException', 2, { 'retry-after': '3' })
      expect(await opened('plain')).toEqual([CANARY])
      expect(pauses).toHaveLength(2)
      expect(pauses[0]).toBeGreaterThanOrEqual(3000)
      refuse(503, 'ServiceUnavailable')
      await expect(opened('plain')).rejects.toMatchObject({ code: 'SECRET_VAULT_UNREACHABLE' })
    })

    test('that is refused names who asked and the right that is missing, after one request', async () => {
      refuse(400, 'AccessDeniedException')
      const failure = await opened('plain').catch((error: unknown) => error)
      expect(failure).toMatchObject({
        code: 'SECRET_REFUSED',
        message: expect.stringContaining(
          'refused to the environment (access key emulated): AccessDeniedException',
        ) as unknown,
        hint: expect.stringContaining('secretsmanager:GetSecretValue') as unknown,
      })
      expect(String(failure)).not.toContain('words of the service')
      expect(proxy.seen).toHaveLength(1)
    })

    test('without credentials, a region or a service that answers says which of them is missing', async () => {
      const without = async (env: Record<string, string | undefined>): Promise<unknown> => {
        const nobody = {
          AWS_EC2_METADATA_DISABLED: 'true',
          AWS_CONFIG_FILE: '/dev/null',
          AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
        }
        const before = Object.fromEntries(Object.keys(env).map(name => [name, process.env[name]]))
        for (const [name, value] of Object.entries({ ...nobody, ...env })) vi.stubEnv(name, value)
        const failure = await opened('plain').catch((error: unknown) => error)
        for (const [name, value] of Object.entries(before)) vi.stubEnv(name, value)
        return failure
      }
      expect(await without({ AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined })).toMatchObject({
        code: 'SECRET_LOGIN_FAILED',
        hint: expect.stringContaining('aws sso login') as unknown,
      })
      expect(pauses).toEqual([])
      expect(await without({ AWS_REGION: undefined })).toMatchObject({
        code: 'SECRET_VAULT_UNREACHABLE',
        message: expect.stringContaining('AWS_REGION') as unknown,
      })
      expect(await without({ AWS_ENDPOINT_URL_SECRETS_MANAGER: 'http://127.0.0.1:9' })).toMatchObject({
        code: 'SECRET_VAULT_UNREACHABLE',
        message: expect.stringContaining('ECONNREFUSED') as unknown,
      })
      expect(pauses).toHaveLength(5)
    })

    test('salts the masks of a project, and is in nothing that a run says or leaves', async () => {
      const { url } = await createSqliteFile(
        "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO item VALUES (1, 'a')",
      )
      const { root } = await createProject({
        'tidemark.yml': JSON.stringify({
          name: 'shop',
          sources: {
            app: {
              type: 'sqlite',
              url,
              salt: { secret: 'aws-sm:music/app#password' },
              tables: [{ schema: 'main', table: 'item', masks: { name: 'hash' } }],
            },
          },
        }),
      })
      const { exit, stdout, stderr } = await runInProcess(['run', '--json'], { cwd: root, env: {} })
      expect(exit, stderr).toBe(0)
      expect(proxy.seen).toHaveLength(1)
      const doctor = await runInProcess(['doctor'], { cwd: root, env: {} })
      expect(doctor.stdout).toContain('aws-sm:music/app#password is given to the environment (access key emulated')
      const all = [stdout, stderr, doctor.stdout, doctor.stderr, await readAll(root)].join('\n')
      for (const form of [CANARY, Buffer.from(CANARY).toString('base64')]) expect(all).not.toContain(form)
    })
  },
)
