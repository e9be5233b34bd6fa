/** Where a project's lake is, when that is Azure or S3. What reaches it is loaded with the first use: a folder needs none of it. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { LoadedProject } from '../config/load-project.ts'
import type { RemoteLakePlace } from '../run/lake.ts'
import { parseLakeAddress } from '../storage/lake-address.ts'
import type { CliPorts } from './ports.ts'

/** Where the lake of a project is, when that is no folder of this machine. */
export function remoteLakeOf(
  ports: Pick<CliPorts, 'clock' | 'ids'>,
  loaded: Pick<LoadedProject, 'project' | 'env' | 'vault'>,
): RemoteLakePlace | undefined {
  const { lake, remote } = loaded.project
  const address = parseLakeAddress(lake)
  if (remote === undefined || typeof address === 'string') return undefined
  const identity = JSON.stringify([lake, remote.account, remote.endpoint])
  const local = join(remote.local, createHash('sha256').update(identity).digest('hex').slice(0, 16))
  let place: Promise<RemoteLakePlace> | undefined
  const opened = (): Promise<RemoteLakePlace> =>
    (place ??= import('./remote-place.ts').then(({ remotePlace }) =>
      remotePlace(ports, loaded, { address, remote, identity, local }),
    ))
  return {
    local,
    open: async scratch => await (await opened()).open(scratch),
    probe: async () => await (await opened()).probe(),
    giveUpUploads: async options => await (await opened()).giveUpUploads(options),
    above: async () => await (await opened()).above(),
  }
}
