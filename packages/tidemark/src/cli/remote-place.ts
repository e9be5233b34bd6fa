/** A lake in Azure or S3, ready to be opened: settings resolved, secrets revealed at the last moment. */
import { join } from 'node:path'
import type { LoadedProject } from '../config/load-project.ts'
import { openSecret, openText, type SecretContext } from '../config/secret.ts'
import type { RemoteLake } from '../model/project.ts'
import type { RemoteLakePlace } from '../run/lake.ts'
import { type AzureLogin, openAzure } from '../storage/azure/open-azure.ts'
import { CachedStore } from '../storage/cache/cached-store.ts'
import { FileCache } from '../storage/cache/file-cache.ts'
import { giveUpUploads } from '../storage/give-up-uploads.ts'
import { type LakeAddress, printLakeAddress } from '../storage/lake-address.ts'
import { probeLake } from '../storage/probe-lake.ts'
import type { RemoteStore } from '../storage/remote-store.ts'
import { openS3, type S3Login } from '../storage/s3/open-s3.ts'
import type { CliPorts } from './ports.ts'

/** Which lake, and where its copies are kept here. */
export interface RemoteLakeAt {
  readonly address: LakeAddress
  readonly remote: RemoteLake
  /** Tells the lake from all others. */
  readonly identity: string
  readonly local: string
}

/** The place of a lake that is no folder. */
export function remotePlace(
  { clock, ids }: Pick<CliPorts, 'clock' | 'ids'>,
  { env, vault, project: { root } }: Pick<LoadedProject, 'project' | 'env' | 'vault'>,
  { address, remote, identity, local }: RemoteLakeAt,
): RemoteLakePlace {
  const cache = new FileCache({ folder: join(local, 'cache'), limitBytes: remote.cacheBytes, clock })
  const connect = (at: LakeAddress): Promise<RemoteStore> =>
    openStore({ address: at, remote, secrets: { env, root, vault } }, { clock, ids })
  return {
    local,
    open: async scratch => {
      const distant = await connect(address)
      return scratch === undefined
        ? distant
        : new CachedStore({
            distant,
            cache,
            folder: join(scratch, 'held'),
            lake: identity,
            limitBytes: remote.stagingBytes,
          })
    },
    probe: async () => await probeLake(await connect(address), ids),
    giveUpUploads: async options => await giveUpUploads(await connect(address), options),
    above: async () =>
      await Promise.all(
        pathsAbove(address.path).map(async path => {
          const at = { ...address, path }
          return { lake: printLakeAddress(at), store: await connect(at) }
        }),
      ),
  }
}

/** A store outside the lake, whose objects can be opened while they are held in a folder of this work alone. */
export async function openOutside(
  opening: Opening,
  ports: Pick<CliPorts, 'clock' | 'ids'>,
  folder: string,
): Promise<CachedStore> {
  const distant = await openStore(opening, ports)
  // Others may write a file anew under its name, so no copy outlives the command.
  const cache = new FileCache({ folder: join(folder, 'cache'), limitBytes: 0, clock: ports.clock })
  return new CachedStore({ distant, cache, folder: join(folder, 'held'), lake: printLakeAddress(opening.address) })
}

/** `a/b/c` lies in the empty path, in `a` and in `a/b`. */
function pathsAbove(path: string): string[] {
  const parts = path === '' ? [] : path.split('/')
  return parts.map((_, i) => parts.slice(0, i).join('/'))
}

export interface Opening {
  readonly address: LakeAddress
  readonly remote: Omit<RemoteLake, 'local' | 'cacheBytes' | 'stagingBytes'>
  readonly secrets: SecretContext
}

/** Open the store at an address; nothing is asked of it yet. */
async function openStore(
  { address, remote, secrets }: Opening,
  ports: Pick<CliPorts, 'clock' | 'ids'>,
): Promise<RemoteStore> {
  const { account, endpoint, region, clientId } = remote
  if (address.kind === 's3') return await openS3({ address, region, endpoint, login: s3Login(remote, secrets) }, ports)
  return await openAzure({ address, account, endpoint, clientId, login: azureLogin(remote, secrets) }, ports)
}

function azureLogin({ login }: Pick<RemoteLake, 'login'>, secrets: SecretContext): AzureLogin {
  if (login.kind === 'identity' || login.kind === 'access key') return { kind: 'identity' }
  return { kind: login.kind, reveal: () => openSecret(login.secret, secrets).reveal() }
}

function s3Login({ login }: Pick<RemoteLake, 'login'>, secrets: SecretContext): S3Login {
  if (login.kind !== 'access key') return { kind: 'identity' }
  const { id, secret, sessionToken } = login
  return {
    kind: 'access key',
    reveal: () => ({
      accessKeyId: openText(id, secrets).reveal(),
      secretAccessKey: openSecret(secret, secrets).reveal(),
      sessionToken: sessionToken === undefined ? undefined : openSecret(sessionToken, secrets).reveal(),
    }),
  }
}
