/** What the drivers' errors have in common: the words of the network, and the one error that says most. */

/** Why a server cannot be reached, by the code of the system's error. */
export const UNREACHABLE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the name cannot be looked up now',
  ETIMEDOUT: 'no answer in time',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
}

/** The code of an error, given by the server or the system; empty when there is none. */
export function errorCode(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : ''
}

/** Node tries each address of a name and reports all failures at once. */
export function firstError(error: Error): Error {
  return error instanceof AggregateError && error.errors[0] instanceof Error ? error.errors[0] : error
}

/** The words of an error, without the full stop that a sentence around them has. */
export function reasonOf(error: Error): string {
  const first = firstError(error)
  return (first.message || errorCode(first) || 'no reason given').replace(/[.\s]+$/, '')
}

/**
 * Drivers hang statements and whole configurations on errors; this keeps what the server said, the code, and what is
 * named in `more`.
 */
export function withoutSecrets(error: Error, more: object = {}): Error {
  const kept = new Error(reasonOf(error))
  kept.name = error.name
  if (error.stack !== undefined) kept.stack = error.stack
  return Object.assign(kept, { code: errorCode(firstError(error)), ...more })
}
