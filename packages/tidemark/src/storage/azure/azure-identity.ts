/**
 * The identity of the machine for Azure, without any key: workload identity where the platform set one up, then managed
 * identity, then the login of the Azure CLI. It knows which of them answered, and as whom.
 */
import type { AccessToken, GetTokenOptions, TokenCredential } from '@azure/identity'
import { StorageFault } from '../fault.ts'
import { loadPackage } from '../load-package.ts'

export interface IdentityOptions {
  /** How people name the lake, for a missing package. */
  readonly lake: string
  /** Packages the lake needs, as `npm install` takes them. */
  readonly packages: string
  /** Which managed identity, where the machine has several. */
  readonly clientId?: string | undefined
}

interface Way {
  readonly name: string
  readonly credential: TokenCredential
}

/** Throws STORAGE_PACKAGE_MISSING. Nothing is asked of any service yet. */
export async function prepareIdentity({ lake, packages, clientId }: IdentityOptions): Promise<() => AzureIdentity> {
  const sdk = await loadPackage(packages, lake, () => import('@azure/identity'))
  // Without the probe a machine outside Azure waits a minute for an address that leads nowhere.
  const managed = { sendProbeRequest: true, ...(clientId === undefined ? {} : { clientId }) }
  const ways: [string, () => TokenCredential][] = [
    ['workload identity', () => new sdk.WorkloadIdentityCredential()],
    ['managed identity', () => new sdk.ManagedIdentityCredential(managed)],
    ['the login of the Azure CLI', () => new sdk.AzureCliCredential()],
  ]
  return () => new AzureIdentity(ways.flatMap(([name, make]) => prepareWay(name, make)))
}

export class AzureIdentity implements TokenCredential {
  readonly #ways: readonly Way[]
  #used: { readonly way: Way; readonly who: string } | undefined

  constructor(ways: readonly Way[]) {
    this.#ways = ways
  }

  /** Who the last token was for, such as `managed identity (application 1b2c…)`; undefined before the first one. */
  get description(): string | undefined {
    return this.#used === undefined ? undefined : `${this.#used.way.name}${this.#used.who}`
  }

  async getToken(scopes: string | string[], options?: GetTokenOptions): Promise<AccessToken> {
    // Whoever answered once is asked first and alone: a run does not change its identity on the way.
    const ways = this.#used === undefined ? this.#ways : [this.#used.way]
    for (const way of ways) {
      const token = await tokenOf(way, scopes, options)
      if (token === undefined) continue
      this.#used = { way, who: describeToken(token.token) }
      return token
    }
    const tried = ways.map(way => way.name).join(', ')
    throw new StorageFault('login', { code: `none of ${tried} is available` })
  }
}

/** A way that this machine is not set up for says so when it is made. */
function prepareWay(name: string, make: () => TokenCredential): Way[] {
  try {
    return [{ name, credential: make() }]
  } catch {
    return []
  }
}

/** Its messages are not passed on: they can hold what the service of tokens answered. */
async function tokenOf(
  { name, credential }: Way,
  scopes: string | string[],
  options: GetTokenOptions | undefined,
): Promise<AccessToken | undefined> {
  try {
    return (await credential.getToken(scopes, options)) ?? undefined
  } catch (error) {
    if (options?.abortSignal?.aborted === true) throw error
    const kind = error instanceof Error ? error.name : 'Error'
    if (kind === 'CredentialUnavailableError') return undefined
    throw new StorageFault('login', { code: `${name}: ${kind}` })
  }
}

/** Names in a token's claims, which are no secret; the token is not verified, only described. */
function describeToken(token: string): string {
  try {
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>
    const found = [
      ['user', claims['upn'] ?? claims['unique_name']],
      ['application', claims['appid'] ?? claims['azp']],
      ['object', claims['oid']],
    ].find(([, value]) => typeof value === 'string')
    return found === undefined ? '' : ` (${found.join(' ')})`
  } catch {
    return ''
  }
}
