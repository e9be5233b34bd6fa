/**
 * Secrets that vaults keep, fetched once by the identity of the machine. A vault that has no time or does not answer is asked
 * again as a store is, out of one budget for all secrets of a command.
 */
import { SECRET_MISSING } from '../errors/reference.ts'
import { Problem } from '../errors/problem.ts'
import { SECRET_LOGIN_FAILED, SECRET_REFUSED, SECRET_VAULT_UNREACHABLE } from '../errors/secret.ts'
import type { KeptRef } from '../model/project.ts'
import { StorageFault } from '../storage/fault.ts'
import { Retry, type RetryPorts } from '../storage/retry.ts'
import { printSecretRef, type Secret, secretOf, type SecretVault } from './secret.ts'

/** One kind of vault, asked in single exchanges; nothing here is tried again. */
export interface Vault<Ref extends KeptRef = KeptRef> {
  /** The value of a secret. Rejects with a StorageFault, or with a Problem that names the secret. */
  ask(ref: Ref): Promise<string>
  /** Forget the login; the next request asks for it anew. */
  renewLogin(): void
  /** As whom it is asked, in words and without secrets; known best after the first request. */
  describeLogin(): Promise<string>
}

/** A command that needs a secret has nothing else to do meanwhile. */
const BUDGET = { ms: 60_000, retries: 30 }

export class Vaults implements SecretVault {
  readonly #asked = new Map<string, Promise<void>>()
  readonly #had = new Map<string, Secret | Problem>()
  readonly #retry: Retry
  readonly #ports: RetryPorts
  /** Each kind by its word, opened for the first secret of it. */
  readonly #vaults = new Map<KeptRef['kind'], Promise<Vault>>()
  readonly #signal: AbortSignal | undefined

  constructor(ports: RetryPorts, signal?: AbortSignal) {
    this.#retry = new Retry(ports, BUDGET)
    this.#ports = ports
    this.#signal = signal
  }

  async fetch(refs: readonly KeptRef[]): Promise<void> {
    await Promise.all(refs.map(ref => this.#fetchOnce(ref)))
  }

  open(ref: KeptRef): Secret {
    const reference = printSecretRef(ref)
    const had = this.#had.get(reference) ?? SECRET_MISSING({ reference, reason: 'was not asked for' })
    if (had instanceof Problem) throw had
    return had
  }

  async describeLogin({ kind }: KeptRef): Promise<string> {
    return await (await this.#vaultOf(kind)).describeLogin()
  }

  #vaultOf(kind: KeptRef['kind']): Promise<Vault> {
    const vault = this.#vaults.get(kind) ?? openVault(kind, this.#ports)
    this.#vaults.set(kind, vault)
    return vault
  }

  #fetchOnce(ref: KeptRef): Promise<void> {
    const reference = printSecretRef(ref)
    const asked =
      this.#asked.get(reference) ??
      this.#ask(ref)
        .then(value => secretFrom(value, reference))
        .catch((error: unknown) => this.#problemOf(error, ref))
        .then(had => void this.#had.set(reference, had))
    this.#asked.set(reference, asked)
    return asked
  }

  async #ask(ref: KeptRef): Promise<string> {
    const vault = await this.#vaultOf(ref.kind)
    const onRetry = (_: number, fault: StorageFault): void => {
      if (fault.kind === 'stale') vault.renewLogin()
    }
    return await this.#retry.run(() => vault.ask(ref), { signal: this.#signal, onRetry })
  }

  async #problemOf(error: unknown, ref: KeptRef): Promise<Problem> {
    if (error instanceof Problem) return error
    const reference = printSecretRef(ref)
    const at = { cause: error }
    if (!(error instanceof StorageFault)) {
      const reason = error instanceof Error ? error.name : 'no answer'
      return SECRET_VAULT_UNREACHABLE({ reference, reason })
    }
    const { kind, code, message } = error
    if (kind === 'missing') return SECRET_MISSING({ reference, reason: 'does not exist in the vault' }, at)
    if (kind === 'login') return SECRET_LOGIN_FAILED({ reference, reason: code }, at)
    if (kind === 'refused' || kind === 'stale')
      return SECRET_REFUSED({ reference, who: await this.describeLogin(ref), code: message }, at)
    return SECRET_VAULT_UNREACHABLE({ reference, reason: message }, at)
  }
}

/** A project without such secrets loads nothing of it. */
async function openVault(kind: KeptRef['kind'], ports: RetryPorts): Promise<Vault> {
  if (kind === 'azure-kv') return new (await import('./key-vault.ts')).KeyVault(ports)
  return new (await import('./secrets-manager.ts')).SecretsManager(ports)
}

function secretFrom(value: string, reference: string): Secret {
  if (value.trim() === '') throw SECRET_MISSING({ reference, reason: 'is empty' })
  return secretOf(value)
}
