/**
 * The identity of the machine for Azure, for the lake, the vault and databases alike: a service principal that the
 * environment names, then workload identity where the platform set one up, managed identity, and the login of the Azure
 * CLI. It knows which of them answered, and as whom.
 */
import type { AccessToken, GetTokenOptions, TokenCredential } from '@azure/identity'
import type { Clock } from '../model/ports.ts'
import { HeldToken } from './held-token.ts'

/** No token could be had. Its text says what was tried, and nothing of what the services of tokens answered. */
export class IdentityFault extends Error {
  override readonly name = 'IdentityFault'
}

interface Way {
  readonly name: string
  readonly credential: TokenCredential
}

export interface IdentityOptions {
  readonly clock: Pick<Clock, 'now' | 'monotonic'>
  /** Which managed identity, where the machine has several; that of AZURE_CLIENT_ID when left out. */
  readonly clientId?: string | undefined
}

/**
 * Nothing is asked of any service yet.
 *
 * @param sdk the package, loaded by whoever can say what it is needed for
 */
export function openIdentity(
  sdk: typeof import('@azure/identity'),
  { clock, clientId }: IdentityOptions,
): AzureIdentity {
  const chosen = clientId ?? process.env['AZURE_CLIENT_ID'] ?? ''
  // Without the probe a machine outside Azure waits a minute for an address that leads nowhere.
  const managed = { sendProbeRequest: true, ...(chosen === '' ? {} : { clientId: chosen }) }
  const ways: [string, () => TokenCredential][] = [
    ['the environment', () => new sdk.EnvironmentCredential()],
    ['workload identity', () => new sdk.WorkloadIdentityCredential()],
    ['managed identity', () => new sdk.ManagedIdentityCredential(managed)],
    ['the login of the Azure CLI', () => new sdk.AzureCliCredential()],
  ]
  return new AzureIdentity(
    ways.flatMap(([name, make]) => prepareWay(name, make)),
    clock,
  )
}

export class AzureIdentity implements TokenCredential {
  readonly #ways: readonly Way[]
  readonly #clock: IdentityOptions['clock']
  readonly #held = new Map<string, HeldToken>()
  #used: { readonly way: Way; readonly who: string } | undefined

  constructor(ways: readonly Way[], clock: IdentityOptions['clock']) {
    this.#ways = ways
    this.#clock = clock
  }

  /** Who the last token was for, such as `managed identity (application 1b2c…)`; undefined before the first one. */
  get description(): string | undefined {
    return this.#used === undefined ? undefined : `${this.#used.way.name}${this.#used.who}`
  }

  /**
   * A token that holds. To a client it says that it ends at once: one that knew when would ask for the next by itself, beside
   * all requests, and a failure there is an error that nobody waits for, which ends the process.
   */
  async getToken(scopes: string | string[], options: GetTokenOptions = {}): Promise<AccessToken> {
    const { abortSignal, claims, tenantId } = options
    const key = JSON.stringify([scopes, tenantId])
    const known = claims === undefined ? this.#held.get(key) : undefined
    const held = known ?? new HeldToken(signal => this.#ask(scopes, { ...options, abortSignal: signal }), this.#clock)
    this.#held.set(key, held)
    const { token } = await held.get(abortSignal as AbortSignal | undefined)
    return { token, expiresOnTimestamp: 0 }
  }

  async #ask(scopes: string | string[], options: GetTokenOptions): Promise<AccessToken> {
    // Whoever answered once is asked first and alone: a run does not change its identity on the way.
    const ways = this.#used === undefined ? this.#ways : [this.#used.way]
    for (const way of ways) {
      const token = await tokenOf(way, scopes, options)
      if (token === undefined) continue
      this.#used = { way, who: describeToken(token.token) }
      return token
    }
    const tried = ways.map(way => way.name).join(', ')
    throw new IdentityFault(`none of ${tried} is available`)
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
  options: GetTokenOptions,
): Promise<AccessToken | undefined> {
  try {
    return (await credential.getToken(scopes, options)) ?? undefined
  } catch (error) {
    const kind = error instanceof Error ? error.name : 'Error'
    if (kind === 'CredentialUnavailableError') return undefined
    throw new IdentityFault(`${name}: ${kind}`)
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
