/**
 * Tables outside the lake, in Azure or S3: who opens them is who opens the project's lake, where both lie in one account,
 * bucket or store of its own endpoint; elsewhere the identity of this machine.
 */
import { join } from 'node:path'
import type { LoadedProject } from '../config/load-project.ts'
import { LAKE_NOT_WRITABLE, TABLE_ADDRESS } from '../errors/run.ts'
import type { Project, RemoteLake } from '../model/project.ts'
import type { Outside } from '../run/delta-tables.ts'
import { type LakeAddress, parseLakeAddress, printLakeAddress } from '../storage/lake-address.ts'
import type { CliPorts } from './ports.ts'

type Login = Pick<RemoteLake, 'account' | 'endpoint' | 'region' | 'clientId' | 'login'>

const IDENTITY: Login = {
  account: undefined,
  endpoint: undefined,
  region: undefined,
  clientId: undefined,
  login: { kind: 'identity' },
}

/**
 * How a command finds what is not in its lake.
 *
 * @param loaded left out where there is no project: then it is always the identity of this machine
 */
export function outsideOf(
  ports: Pick<CliPorts, 'clock' | 'ids' | 'cwd' | 'temporary' | 'env'>,
  loaded: Pick<LoadedProject, 'project' | 'env' | 'vault'> | undefined,
): Outside {
  const { clock, ids, cwd, temporary } = ports
  let opened = 0
  return {
    cwd,
    open: async (address, scratch) => {
      if (scratch === undefined) throw LAKE_NOT_WRITABLE({ lake: temporary, reason: 'nothing can be made in it' })
      const remote = loginFor(address, loaded?.project)
      const { env, vault } = loaded ?? { env: ports.env, vault: undefined }
      const secrets = { env, root: loaded?.project.root ?? cwd, vault }
      opened += 1
      const folder = join(scratch, 'outside', String(opened))
      const { openOutside } = await import('./remote-place.ts')
      return await openOutside({ address, remote, secrets }, { clock, ids }, folder)
    },
  }
}

/**
 * As whom an address is opened.
 *
 * @throws {TABLE_ADDRESS} nothing says in which account the container is
 */
function loginFor(address: LakeAddress, project: Pick<Project, 'lake' | 'remote'> | undefined): Login {
  const parsed = parseLakeAddress(project?.lake ?? '')
  const lake = typeof parsed === 'string' ? undefined : parsed
  const remote = lake?.kind === address.kind ? project?.remote : undefined
  if (address.kind === 's3') {
    // A store of its own endpoint is one place; in AWS each bucket has a region and an owner.
    const isSame = remote?.endpoint !== undefined || (lake?.kind === 's3' && lake.bucket === address.bucket)
    return isSame ? (remote ?? IDENTITY) : IDENTITY
  }
  const account = (lake?.kind === 'azure' ? lake.account : undefined) ?? remote?.account
  if (remote !== undefined && (address.account ?? account) === account) return { ...remote, account }
  if (address.account !== undefined) return { ...IDENTITY, clientId: remote?.clientId }
  const reason = 'does not say in which account it is; abfss://container@account.dfs.core.windows.net/path does'
  throw TABLE_ADDRESS({ address: printLakeAddress(address), reason })
}
