/** Errors of the S3 client, as faults. Of an answer only status and code are kept. */
import { answerFault, networkFault, parseClockAhead, parseRetryAfter, StorageFault } from '../fault.ts'

/** What arrived was not what was sent, or not all of it in time. */
const IN_TRANSIT: ReadonlySet<string> = new Set([
  'BadDigest',
  'IncompleteBody',
  'RequestTimeout',
  'XAmzContentChecksumMismatch',
])
const STALE: ReadonlySet<string> = new Set([
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidToken',
  'RequestExpired',
  'RequestTimeTooSkewed',
  'TokenRefreshRequired',
])

/** @param now milliseconds since 1970, for a `Retry-After` that is a date */
export function s3Fault(error: unknown, now: number): StorageFault {
  if (error instanceof StorageFault) return error
  if (isLogin(error)) return new StorageFault('login', { code: error.name })
  const status = statusOf(error)
  if (!(error instanceof Error) || status === undefined) return networkFault(error)
  const code = error.name
  if (code === 'NoSuchBucket') return new StorageFault('nowhere', { status, code })
  if (status === 404) return new StorageFault('missing', { status, code })
  if (status === 412) return new StorageFault('exists', { status, code })
  if (code === 'ConditionalRequestConflict' || code === 'OperationAborted')
    return new StorageFault('contended', { status, code })
  if (IN_TRANSIT.has(code)) return new StorageFault('unknown', { status, code })
  const clockAheadMs = parseClockAhead(headerOf(error, 'date'), now)
  if (status === 401 || STALE.has(code)) return new StorageFault('stale', { status, code, clockAheadMs })
  return answerFault({ status, code, retryAfterMs: parseRetryAfter(headerOf(error, 'retry-after'), now) })
}

function statusOf(error: unknown): number | undefined {
  const { $metadata } = Object(error) as { $metadata?: { httpStatusCode?: unknown } }
  const status = $metadata?.httpStatusCode
  return typeof status === 'number' ? status : undefined
}

function headerOf(error: object, name: string): string | undefined {
  const { $response } = error as { $response?: { headers?: Readonly<Record<string, string>> } }
  return $response?.headers?.[name]
}

/** Raised before anything is sent to the store. */
function isLogin(error: unknown): error is Error {
  return error instanceof Error && /^(CredentialsProviderError|TokenProviderError|ProviderError)$/.test(error.name)
}
