/** A store on an emulator that runs already, for processes that are told by words where it is. */
import { openAzure } from '../../../packages/tidemark/src/storage/azure/open-azure.ts'
import type { RemoteStore } from '../../../packages/tidemark/src/storage/remote-store.ts'
import { openS3 } from '../../../packages/tidemark/src/storage/s3/open-s3.ts'
import { systemClock, systemIds } from '../../../packages/tidemark/src/run/system.ts'
import { AZURITE_ACCOUNT, AZURITE_KEY } from './azurite.ts'
import { MOTO_LOGIN } from './moto.ts'

export interface EmulatedStore {
  readonly kind: 'azure' | 's3'
  readonly endpoint: string
  readonly container: string
}

export async function openEmulated({ kind, endpoint, container }: EmulatedStore): Promise<RemoteStore> {
  const ports = { clock: systemClock, ids: systemIds }
  if (kind === 's3') {
    const address = { kind, bucket: container, path: 'lake' }
    const login = { kind: 'access key' as const, reveal: () => MOTO_LOGIN }
    return await openS3({ address, region: undefined, endpoint, login }, ports)
  }
  const address = { kind, container, path: 'lake', account: undefined }
  const login = { kind: 'account key' as const, reveal: () => AZURITE_KEY }
  return await openAzure({ address, account: AZURITE_ACCOUNT, endpoint, login }, ports)
}
