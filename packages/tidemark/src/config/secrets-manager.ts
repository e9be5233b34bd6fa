/**
 * Secrets of AWS Secrets Manager, by the credentials that the chain of the AWS client finds. A secret is asked for once,
 * however many texts of its JSON are wanted, so that all are of one version of it.
 */
import type { GetSecretValueCommandOutput, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { SECRET_MISSING } from '../errors/reference.ts'
import { Problem } from '../errors/problem.ts'
import { SECRET_PACKAGE_MISSING, SECRET_VAULT_UNREACHABLE } from '../errors/secret.ts'
import { describeAwsIdentity } from '../identity/aws-identity.ts'
import type { AwsSecretRef } from '../model/project.ts'
import { StorageFault } from '../storage/fault.ts'
import type { RetryPorts } from '../storage/retry.ts'
import { s3Fault } from '../storage/s3/s3-fault.ts'
import { printSecretRef } from './secret.ts'
import type { Vault } from './vaults.ts'

const PACKAGE = '@aws-sdk/client-secrets-manager'
const TIMEOUT_MS = 20_000
/** The client answers 400 to what a store answers 429 and 404. */
const BUSY = /Throttl|TooManyRequests|LimitExceeded|InternalService|ServiceUnavailable/

type Sdk = typeof import('@aws-sdk/client-secrets-manager')

export class SecretsManager implements Vault<AwsSecretRef> {
  readonly #clock: RetryPorts['clock']
  readonly #clients = new Map<string | undefined, SecretsManagerClient>()
  readonly #asked = new Map<string, Promise<GetSecretValueCommandOutput>>()

  constructor({ clock }: Pick<RetryPorts, 'clock'>) {
    this.#clock = clock
  }

  async ask(ref: AwsSecretRef): Promise<string> {
    const reference = printSecretRef(ref)
    const sdk = await loadSdk(reference)
    const asked = this.#asked.get(ref.name) ?? this.#send(sdk, ref)
    this.#asked.set(ref.name, asked)
    try {
      return textOf(await asked, ref)
    } catch (error) {
      this.#asked.delete(ref.name)
      if (error instanceof Error && /^Region is missing/.test(error.message))
        throw SECRET_VAULT_UNREACHABLE({ reference, reason: 'which region? AWS_REGION or the profile names it' })
      throw error instanceof Problem || !(error instanceof Error) ? error : faultOf(error, this.#clock.now())
    }
  }

  renewLogin(): void {
    this.#clients.clear()
  }

  async describeLogin(): Promise<string> {
    const [client] = this.#clients.values()
    return client === undefined ? 'this identity' : await describeAwsIdentity(() => client.config.credentials())
  }

  async #send(sdk: Sdk, { name }: AwsSecretRef): Promise<GetSecretValueCommandOutput> {
    const region = /^arn:[^:]*:secretsmanager:([^:]+):/.exec(name)?.[1]
    // Tried again by whoever knows the budget.
    const client =
      this.#clients.get(region) ??
      new sdk.SecretsManagerClient({ maxAttempts: 1, ...(region === undefined ? {} : { region }) })
    this.#clients.set(region, client)
    return await client.send(new sdk.GetSecretValueCommand({ SecretId: name }), {
      abortSignal: AbortSignal.timeout(TIMEOUT_MS),
    })
  }
}

async function loadSdk(reference: string): Promise<Sdk> {
  try {
    return await import('@aws-sdk/client-secrets-manager')
  } catch (cause) {
    throw SECRET_PACKAGE_MISSING({ reference, packages: PACKAGE }, { cause })
  }
}

function faultOf(error: Error, now: number): StorageFault {
  const code = error.name
  if (code === 'ResourceNotFoundException') return new StorageFault('missing', { code })
  const fault = s3Fault(error, now)
  if (!BUSY.test(code)) return fault
  return new StorageFault('busy', { status: fault.status, code, retryAfterMs: fault.retryAfterMs })
}

function textOf({ SecretString }: GetSecretValueCommandOutput, ref: AwsSecretRef): string {
  const missing = (reason: string): Error => SECRET_MISSING({ reference: printSecretRef(ref), reason })
  if (SecretString === undefined) throw missing('holds bytes and no text')
  if (ref.key === undefined) return SecretString
  let parsed: unknown
  try {
    parsed = JSON.parse(SecretString)
  } catch {
    // What the parser says of a text repeats a part of it.
    throw missing('holds no JSON in which a key could be looked for')
  }
  const value = Object.hasOwn(Object(parsed) as object, ref.key)
    ? (parsed as Record<string, unknown>)[ref.key]
    : undefined
  if (typeof value !== 'string') throw missing('has no text under that key of its JSON')
  return value
}
