/**
 * Secrets of Azure Key Vault, by the identity of the machine. The vault says which token it takes; it is asked for only
 * where that token is one for this very kind of vault, so that no other server is ever given one.
 */
import { request } from 'node:https'
import { SECRET_MISSING } from '../errors/config.ts'
import { Problem } from '../errors/problem.ts'
import {
  SECRET_LOGIN_FAILED,
  SECRET_PACKAGE_MISSING,
  SECRET_REFUSED,
  SECRET_VAULT_UNREACHABLE,
} from '../errors/secret.ts'
import { type AzureIdentity, IdentityFault, openIdentity } from '../identity/azure-identity.ts'
import type { VaultRef } from '../model/project.ts'
import { printSecretRef, type Secret, secretOf, type SecretVault } from './secret.ts'

const VERSION = '7.4'
const TIMEOUT_MS = 20_000
/** Key Vault keeps secrets of 25 kB. */
const MAX_BYTES = 200_000

interface Answer {
  readonly status: number
  readonly challenge: string
  readonly body: string
}

export class KeyVault implements SecretVault {
  readonly #asked = new Map<string, Promise<void>>()
  readonly #had = new Map<string, Secret | Problem>()
  #identity: Promise<AzureIdentity> | undefined

  async fetch(refs: readonly VaultRef[]): Promise<void> {
    await Promise.all(refs.map(ref => this.#fetchOnce(ref)))
  }

  open(ref: VaultRef): Secret {
    const reference = printSecretRef(ref)
    const had = this.#had.get(reference) ?? SECRET_MISSING({ reference, reason: 'was not asked for' })
    if (had instanceof Problem) throw had
    return had
  }

  #fetchOnce(ref: VaultRef): Promise<void> {
    const reference = printSecretRef(ref)
    const asked =
      this.#asked.get(reference) ??
      this.#ask(ref, reference)
        .catch((error: unknown) => problemOf(error, reference))
        .then(had => void this.#had.set(reference, had))
    this.#asked.set(reference, asked)
    return asked
  }

  async #ask({ vault, name, version }: VaultRef, reference: string): Promise<Secret> {
    const url = new URL(`${vault}/secrets/${name}${version === undefined ? '' : `/${version}`}?api-version=${VERSION}`)
    let answer = await get(url, undefined)
    let who = 'nobody'
    if (answer.status === 401) {
      const scope = scopeOf(answer.challenge, url)
      if (scope === undefined)
        throw SECRET_VAULT_UNREACHABLE({
          reference,
          reason: `${url.host} asks for a token that is not for a vault of its name`,
        })
      this.#identity ??= loadIdentity(reference)
      const identity = await this.#identity
      const { token } = await identity.getToken(scope)
      who = identity.description ?? 'this identity'
      answer = await get(url, token)
    }
    return readAnswer(answer, { reference, who })
  }
}

async function loadIdentity(reference: string): Promise<AzureIdentity> {
  try {
    return openIdentity(await import('@azure/identity'))
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

function readAnswer({ status, body }: Answer, { reference, who }: { reference: string; who: string }): Secret {
  const { value, code } = parse(body)
  if (status === 404) throw SECRET_MISSING({ reference, reason: 'does not exist in the vault' })
  if (status === 401 || status === 403) throw SECRET_REFUSED({ reference, who, code: code ?? `HTTP ${status}` })
  if (status !== 200 || value === undefined)
    throw SECRET_VAULT_UNREACHABLE({
      reference,
      reason: `it answers ${status}${code === undefined ? '' : `, ${code}`}`,
    })
  if (value.trim() === '') throw SECRET_MISSING({ reference, reason: 'is empty' })
  return secretOf(value)
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

function problemOf(error: unknown, reference: string): Problem {
  if (error instanceof Problem) return error
  if (error instanceof IdentityFault) return SECRET_LOGIN_FAILED({ reference, reason: error.message }, { cause: error })
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
  const reason = code ?? (error instanceof Error ? error.name : 'no answer')
  return SECRET_VAULT_UNREACHABLE({ reference, reason })
}

/** No redirect is followed: a token goes to the vault and to nobody else. */
function get(url: URL, token: string | undefined): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { accept: 'application/json', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) }
    const options = { headers, agent: false, signal: AbortSignal.timeout(TIMEOUT_MS) }
    const asked = request(url, options, response => {
      const chunks: Buffer[] = []
      let bytes = 0
      response.on('error', reject)
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        chunks.push(chunk)
        if (bytes > MAX_BYTES) response.destroy(new Error('more than a secret'))
      })
      response.on('end', () => {
        const challenge = response.headers['www-authenticate'] ?? ''
        resolve({ status: response.statusCode ?? 0, challenge, body: Buffer.concat(chunks).toString('utf8') })
      })
    })
    asked.on('error', reject)
    asked.end()
  })
}
