/** A lake in an Azure container, opened: which account, and as whom. */
import type { StoragePipelineOptions } from '@azure/storage-blob'
import { STORAGE_OPTION } from '../../errors/storage.ts'
import { openIdentity } from '../../identity/azure-identity.ts'
import { type LakeAddress, printLakeAddress } from '../lake-address.ts'
import { loadPackage } from '../load-package.ts'
import { RemoteStore } from '../remote-store.ts'
import type { RequestLimits } from '../requests.ts'
import type { RetryPorts } from '../retry.ts'
import { type AzureConnection, AzureService } from './azure-service.ts'

/** As whom requests are made. Secrets are asked for when they are needed, and kept nowhere here. */
export type AzureLogin =
  /** Whatever identity the machine has: workload or managed identity, or a person's login. */
  | { readonly kind: 'identity' }
  | { readonly kind: 'account key'; readonly reveal: () => string }
  | { readonly kind: 'signature'; readonly reveal: () => string }
  | { readonly kind: 'connection string'; readonly reveal: () => string }

export interface AzureOptions {
  readonly address: LakeAddress & { kind: 'azure' }
  /** Account of an `az://` address. */
  readonly account: string | undefined
  /** Address of the blob service, when it is not that of the account in the public cloud. */
  readonly endpoint: string | undefined
  readonly login: AzureLogin
  /** Which managed identity, where the machine has several. */
  readonly clientId?: string | undefined
  /** The usual ones when left out. */
  readonly limits?: RequestLimits | undefined
}

const BLOB = '@azure/storage-blob'
/** Requests are tried again by the store, which knows what is open. */
const PIPELINE: StoragePipelineOptions = { retryOptions: { maxTries: 1 } }

/**
 * Open the store; nothing is asked of it yet.
 *
 * @throws {STORAGE_PACKAGE_MISSING}
 * @throws {STORAGE_OPTION} the account cannot be told, or a key is none
 */
export async function openAzure(options: AzureOptions, ports: RetryPorts): Promise<RemoteStore> {
  const { path } = options.address
  const connect = await prepareClient(options, ports)
  const service = new AzureService(connect, () => ports.clock.now())
  const address = printLakeAddress(options.address)
  return new RemoteStore({ ...ports, service, address, prefix: path === '' ? '' : `${path}/`, limits: options.limits })
}

async function prepareClient(
  { address, login, ...rest }: AzureOptions,
  ports: Pick<RetryPorts, 'clock'>,
): Promise<() => AzureConnection> {
  const lake = printLakeAddress(address)
  const sdk = await loadPackage(BLOB, lake, () => import('@azure/storage-blob'))
  const { container } = address
  const describe = (): string => `a secret: ${login.kind}`
  const refuse = (reason: string): Error => STORAGE_OPTION({ lake, reason })
  if (login.kind === 'connection string') {
    return () => {
      try {
        const service = sdk.BlobServiceClient.fromConnectionString(login.reveal(), PIPELINE)
        return { container: service.getContainerClient(container), describe }
      } catch {
        // What the client says of a wrong connection string can repeat it.
        throw refuse('its connection string is none')
      }
    }
  }
  const account = address.account ?? rest.account
  if (account === undefined && (rest.endpoint === undefined || login.kind === 'account key'))
    throw refuse('which account? `lake_options.account` names it')
  const endpoint = rest.endpoint?.replace(/\/+$/, '') ?? `https://${account}.blob.core.windows.net`
  const url = `${endpoint}/${encodeURIComponent(container)}`
  switch (login.kind) {
    case 'account key':
      return () => {
        const key = new sdk.StorageSharedKeyCredential(account ?? '', login.reveal())
        return { container: new sdk.ContainerClient(url, key, PIPELINE), describe }
      }
    case 'signature':
      return () => {
        const signed = `${url}?${login.reveal().replace(/^\?/, '')}`
        return { container: new sdk.ContainerClient(signed, new sdk.AnonymousCredential(), PIPELINE), describe }
      }
    case 'identity': {
      const identities = await loadPackage(`${BLOB} @azure/identity`, lake, () => import('@azure/identity'))
      return () => {
        const identity = openIdentity(identities, { clock: ports.clock, clientId: rest.clientId })
        const connected = new sdk.ContainerClient(url, identity, PIPELINE)
        return { container: connected, describe: () => identity.description ?? 'the identity of this machine' }
      }
    }
  }
}
