/** A whole run on a lake in S3: the key that opens it is in nothing that the run says, sends or leaves behind. */
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createProject, readAll } from '../support/cli.ts'
import { runInProcess } from '../support/cli-in-process.ts'
import { findMissingMoto, type Moto, MOTO_LOGIN, startMoto } from '../support/cloud/moto.ts'
import { startHookServer } from '../support/receivers.ts'
import { createSqliteFile } from '../support/sqlite.ts'

const missing = findMissingMoto()
const [KEY, TOKEN] = ['canary-of-the-access-key/7d+2', 'canary-of-the-session=/99+1']

describe.skipIf(missing !== undefined)(`S3${missing === undefined ? '' : ` (left out: ${missing})`}`, () => {
  let moto: Moto
  beforeAll(async () => {
    moto = await startMoto()
    await moto.makeBucket('canary')
  })
  afterAll(() => moto[Symbol.asyncDispose]())

  /** Everything the bucket holds. */
  async function contents(): Promise<string> {
    const client = new S3Client({
      endpoint: moto.endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: MOTO_LOGIN,
    })
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: 'canary' }))
    const texts = await Promise.all(
      Contents.map(async ({ Key = '' }) => {
        const { Body, Metadata } = await client.send(new GetObjectCommand({ Bucket: 'canary', Key }))
        return [Key, JSON.stringify(Metadata), await Body?.transformToString('latin1')].join('\n')
      }),
    )
    client.destroy()
    return texts.join('\n')
  }

  test('a lake opened by an access key with a session token shows neither anywhere', async () => {
    await using hook = await startHookServer((_, response) => void response.writeHead(204).end())
    const { url } = await createSqliteFile('CREATE TABLE item (id INTEGER PRIMARY KEY); INSERT INTO item VALUES (1)')
    const { root } = await createProject({
      'tidemark.yml': JSON.stringify({
        name: 'shop',
        lake: 's3://canary/music',
        lake_options: {
          endpoint: moto.endpoint,
          access_key_id: 'AKIANAME',
          secret_access_key: { secret: 'env:LAKE_KEY' },
          session_token: { secret: 'env:LAKE_TOKEN' },
        },
        sources: { app: { type: 'sqlite', url, tables: ['item', 'gone'].map(table => ({ schema: 'main', table })) } },
        alerts: {
          channels: { hook: { webhook: { secret: 'env:HOOK' }, allow_private: true } },
          rules: [{ on: ['failure'], send: 'hook' }],
        },
        targets: { prod: { default: true, mode: 'production' } },
      }),
    })
    const env = { LAKE_KEY: KEY, LAKE_TOKEN: TOKEN, HOOK: `http://127.0.0.1:${hook.port}/in` }
    const said: string[] = []
    for (const args of [
      ['run', '--events'],
      ['run', '--json'],
      ['status', '--json'],
      ['doctor'],
      ['vacuum', '--yes'],
    ]) {
      const { stdout, stderr } = await runInProcess(args, { cwd: root, env })
      said.push(stdout, stderr)
    }
    const left = await contents()
    expect(said.join('\n')).toContain('"changed"')
    expect(left).toContain('music/silver/item/')
    expect(hook.posts.length).toBeGreaterThan(0)
    const all = [...said, left, await readAll(root), JSON.stringify(hook.posts)].join('\n')
    for (const secret of [KEY, TOKEN]) {
      for (const form of [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64')])
        expect(all.includes(form)).toBe(false)
    }
  })
})
