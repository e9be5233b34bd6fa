/** moto, the emulator of S3, in the Python environment that scripts/setup-interop.js prepares. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CreateBucketCommand, ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3'
import { startChild } from './child.ts'

const FOLDER = fileURLToPath(new URL('../../../.cache/moto', import.meta.url))
const SERVER =
  process.platform === 'win32' ? join(FOLDER, 'Scripts', 'moto_server.exe') : join(FOLDER, 'bin', 'moto_server')

/** Any pair is taken by the emulator. */
export const MOTO_LOGIN = { accessKeyId: 'emulated', secretAccessKey: 'emulated' }

export interface Moto extends AsyncDisposable {
  readonly endpoint: string
  /** Fine when it is there. */
  makeBucket(name: string): Promise<void>
  /** Uploads that were begun and neither finished nor given up. */
  countUploads(bucket: string): Promise<number>
}

/** Why moto cannot be started here; undefined when it can. */
export function findMissingMoto(): string | undefined {
  return existsSync(SERVER) ? undefined : 'moto is not installed: node scripts/setup-interop.js'
}

export async function startMoto(): Promise<Moto> {
  const server = await startChild(SERVER, ['-H', '127.0.0.1', '-p', '0'], /(127\.0\.0\.1:[1-9]\d*)\D/, {
    PYTHONUNBUFFERED: '1',
  })
  const endpoint = `http://${server.found}`
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: MOTO_LOGIN })
  return {
    endpoint,
    makeBucket: async name => void (await client.send(new CreateBucketCommand({ Bucket: name }))),
    countUploads: async bucket => {
      const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))
      return Uploads.length
    },
    [Symbol.asyncDispose]: async () => {
      client.destroy()
      await server[Symbol.asyncDispose]()
    },
  }
}
