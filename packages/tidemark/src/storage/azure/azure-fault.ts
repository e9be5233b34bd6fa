/** Errors of the Azure client, as faults. Of an answer only status and code are kept. */
import { IdentityFault } from '../../identity/azure-identity.ts'
import { answerFault, networkFault, parseClockAhead, parseRetryAfter, StorageFault } from '../fault.ts'

/** @param now milliseconds since 1970, for a `Retry-After` that is a date */
export function azureFault(error: unknown, now: number): StorageFault {
  if (error instanceof StorageFault) return error
  if (error instanceof IdentityFault) return new StorageFault('login', { code: error.message })
  if (isLogin(error)) return new StorageFault('login', { code: error.name })
  if (!isAnswer(error)) return networkFault(error)
  const status = error.statusCode
  const code = error.code ?? error.details?.errorCode ?? 'Error'
  if (code === 'ContainerNotFound' || code === 'ContainerBeingDeleted')
    return new StorageFault('nowhere', { status, code })
  if (status === 404) return new StorageFault('missing', { status, code })
  if (code === 'BlobAlreadyExists' || code === 'ConditionNotMet') return new StorageFault('exists', { status, code })
  if (/^Lease(?!DurationInvalid)/.test(code)) return new StorageFault('held', { status, code })
  if (IN_TRANSIT.has(code)) return new StorageFault('unknown', { status, code })
  const clockAheadMs = parseClockAhead(error.response?.headers?.get('date'), now)
  if (status === 401 || code === 'AuthenticationFailed')
    return new StorageFault('stale', { status, code, clockAheadMs })
  return answerFault({ status, code, retryAfterMs: askedMs(error, now) })
}

/** What arrived was not what was sent. */
const IN_TRANSIT: ReadonlySet<string> = new Set(['Md5Mismatch', 'Crc64Mismatch', 'IncompleteBody'])

interface Answer {
  readonly statusCode: number
  readonly code?: string
  readonly details?: { readonly errorCode?: string }
  readonly response?: { readonly headers?: { get(name: string): string | undefined } }
}

function isAnswer(error: unknown): error is Error & Answer {
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number'
}

/** Raised before anything is sent to the store: by the login, or by the service that gives tokens. */
function isLogin(error: unknown): error is Error {
  return error instanceof Error && /^(CredentialUnavailable|Authentication|AggregateAuthentication)/.test(error.name)
}

function askedMs({ response }: Answer, now: number): number | undefined {
  const milliseconds = response?.headers?.get('x-ms-retry-after-ms') ?? response?.headers?.get('retry-after-ms')
  if (milliseconds !== undefined && /^\d+$/.test(milliseconds)) return Number(milliseconds)
  return parseRetryAfter(response?.headers?.get('retry-after'), now)
}
