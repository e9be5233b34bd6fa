/** Errors of the S3 client, as faults. Of an answer only status and code are kept. */
import { answerFault, networkFault, parseRetryAfter, StorageFault } from '../fault.ts'

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
  return answerFault({ status, code, retryAfterMs: parseRetryAfter(retryAfterOf(error), now) })
}

function statusOf(error: unknown): number | undefined {
  const { $metadata } = Object(error) as { $metadata?: { httpStatusCode?: unknown } }
  const status = $metadata?.httpStatusCode
  return typeof status === 'number' ? status : undefined
}

function retryAfterOf(error: object): string | undefined {
  const { $response } = error as { $response?: { headers?: Readonly<Record<string, string>> } }
  return $response?.headers?.['retry-after']
}

/** Raised before anything is sent to the store. */
function isLogin(error: unknown): error is Error {
  return error instanceof Error && /^(CredentialsProviderError|TokenProviderError|ProviderError)$/.test(error.name)
}
