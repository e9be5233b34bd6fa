/**
 * Secrets of Azure Key Vault, by the identity of the machine. The vault says which token it takes; it is asked for only
 * where that token is one for this very kind of vault, so that no other server is ever given one.
 */
import { request } from 'node:https'
import { SECRET_PACKAGE_MISSING, SECRET_VAULT_UNREACHABLE } from '../errors/secret.ts'
import { type AzureIdentity, IdentityFault, openIdentity } from '../identity/azure-identity.ts'
import type { AzureSecretRef } from '../model/project.ts'
import { answerFault, networkFault, parseRetryAfter, StorageFault } from '../storage/fault.ts'
import type { RetryPorts } from '../storage/retry.ts'
import { printSecretRef } from './secret.ts'
import type { Vault } from './vaults.ts'

const VERSION = '7.4'
const TIMEOUT_MS = 20_000
/** Key Vault keeps secrets of 25 kB. */
const MAX_BYTES = 200_000

interface Answer {
  readonly status: number
  readonly challenge: string
  readonly retryAfter: string | undefined
  readonly body: string
}

export class KeyVault implements Vault<AzureSecretRef> {
  readonly #clock: RetryPorts['clock']
  #identity: Promise<AzureIdentity> | undefined

  constructor({ clock }: Pick<RetryPorts, 'clock'>) {
    this.#clock = clock
  }

  async ask(ref: AzureSecretRef): Promise<string> {
    const { vault, name, version } = ref
    const reference = printSecretRef(ref)
    const url = new URL(`${vault}/secrets/${name}${version === undefined ? '' : `/${version}`}?api-version=${VERSION}`)
    const answer = await get(url, undefined)
    if (answer.status !== 401) return this.#readAnswer(answer)
    const scope = scopeOf(answer.challenge, url)
    if (scope === undefined)
      throw SECRET_VAULT_UNREACHABLE({
        reference,
        reason: `${url.host} asks for a token that is not for a vault of its name`,
      })
    this.#identity ??= loadIdentity(reference, this.#clock)
    const { token } = await (await this.#identity).getToken(scope).catch((error: unknown) => {
      throw error instanceof IdentityFault ? new StorageFault('login', { code: error.message }) : error
    })
    return this.#readAnswer(await get(url, token))
  }

  renewLogin(): void {
    this.#identity = undefined
  }

  async describeLogin(): Promise<string> {
    const identity = await this.#identity?.catch(() => undefined)
    return identity?.description ?? 'this identity'
  }

  #readAnswer({ status, body, retryAfter }: Answer): string {
    const { value, code = 'Error' } = parse(body)
    if (status === 200 && value !== undefined) return value
    if (status === 401) throw new StorageFault('stale', { status, code })
    if (status === 404) throw new StorageFault('missing', { status, code })
    throw answerFault({ status, code, retryAfterMs: parseRetryAfter(retryAfter, this.#clock.now()) })
  }
}

async function loadIdentity(reference: string, clock: RetryPorts['clock']): Promise<AzureIdentity> {
  try {
    return openIdentity(await import('@azure/identity'), { clock })
  } catch (cause) {
    throw SECRET_PACKAGE_MISSING({ reference, packages: '@azure/identity' }, { cause })
  }
}

/** `Bearer authorization="…", resource="https://vault.azure.net"`: what a token has to be for. */
function scopeOf(challenge: string, url: URL): string | undefined {
  const resource = URL.parse(/\b(?:resource|scope)="([^"]+?)(?:\/\.default)?"/.exec(challenge)?.[1] ?? '')
  if (resource?.protocol !== 'https:') return undefined
  const isItsOwn = url.hostname === resource.hostname || url.hostname.endsWith(`.${resource.hostname}`)
  return isItsOwn ? `${resource.origin}/.default` : undefined
}

/** Of an error its code alone: what stands beside it may name what is nobody's business. */
function parse(body: string): { value?: string; code?: string } {
  try {
    const { value, error } = Object(JSON.parse(body)) as { value?: unknown; error?: unknown }
    const { code, innererror } = Object(error) as { code?: unknown; innererror?: unknown }
    const inner = (Object(innererror) as { code?: unknown }).code ?? code
    return {
      ...(typeof value === 'string' ? { value } : {}),
      ...(typeof inner === 'string' && /^\w{1,60}$/.test(inner) ? { code: inner } : {}),
    }
  } catch {
    return {}
  }
}

/** No redirect is followed: a token goes to the vault and to nobody else. */
function get(url: URL, token: string | undefined): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const fail = (error: unknown): void => reject(networkFault(error))
  const headers = { accept: 'application/json', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) }
  const options = { headers, agent: false, signal: AbortSignal.timeout(TIMEOUT_MS) }
  const asked = request(url, options, response => {
    const chunks: Buffer[] = []
    let bytes = 0
    response.on('error', fail)
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      chunks.push(chunk)
      if (bytes > MAX_BYTES) response.destroy(new Error('more than a secret'))
    })
    response.on('end', () => {
      resolve({
        status: response.statusCode ?? 0,
        challenge: response.headers['www-authenticate'] ?? '',
        retryAfter: response.headers['retry-after'],
        body: Buffer.concat(chunks).toString('utf8'),
      })
    })
  })
  asked.on('error', fail)
  asked.end()
  return promise
}
