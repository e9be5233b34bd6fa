/** A lake in an S3 bucket, opened: which region or endpoint, and as whom. */
import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3'
import { describeAwsIdentity } from '../../identity/aws-identity.ts'
import { type LakeAddress, printLakeAddress } from '../lake-address.ts'
import { loadPackage } from '../load-package.ts'
import { RemoteStore } from '../remote-store.ts'
import type { RequestLimits } from '../requests.ts'
import type { RetryPorts } from '../retry.ts'
import { S3Service } from './s3-service.ts'

/** As whom requests are made. Secrets are asked for when they are needed, and kept nowhere here. */
export type S3Login =
  /** Whatever identity the machine has: a role, a web identity, a person's login. */
  { readonly kind: 'identity' } | { readonly kind: 'access key'; readonly reveal: () => S3AccessKey }

export interface S3AccessKey {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
}

export interface S3Options {
  readonly address: LakeAddress & { kind: 's3' }
  /** That of the environment when left out. */
  readonly region: string | undefined
  /** Address of a store that speaks like S3; the bucket is then part of the path. */
  readonly endpoint: string | undefined
  readonly login: S3Login
  /** The usual ones when left out. */
  readonly limits?: RequestLimits | undefined
}

/**
 * Open the store; nothing is asked of it yet.
 *
 * @throws {STORAGE_PACKAGE_MISSING}
 */
export async function openS3(options: S3Options, ports: RetryPorts): Promise<RemoteStore> {
  const { bucket, path } = options.address
  const address = printLakeAddress(options.address)
  const sdk = await loadPackage('@aws-sdk/client-s3', address, () => import('@aws-sdk/client-s3'))
  const connect = (): S3Client => new sdk.S3Client(clientConfig(options))
  const service = new S3Service({
    sdk,
    connect,
    bucket,
    describe: client => describe(client, options.login),
    now: () => ports.clock.now(),
  })
  return new RemoteStore({ ...ports, service, address, prefix: path === '' ? '' : `${path}/`, limits: options.limits })
}

function clientConfig({ region, endpoint, login }: S3Options): S3ClientConfig {
  // A region is part of every signature, though a store with an address of its own does not look at it.
  const zone = region ?? (endpoint === undefined ? undefined : 'us-east-1')
  return {
    // Requests are tried again by the store, which knows what is open.
    maxAttempts: 1,
    ...(zone === undefined ? {} : { region: zone }),
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    ...(login.kind === 'identity' ? {} : { credentials: () => Promise.resolve(keyOf(login.reveal())) }),
  }
}

async function describe(client: S3Client, { kind }: S3Login): Promise<string> {
  return kind === 'identity' ? await describeAwsIdentity(() => client.config.credentials()) : `a secret: ${kind}`
}

function keyOf({ accessKeyId, secretAccessKey, sessionToken }: S3AccessKey): {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
} {
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) }
}
