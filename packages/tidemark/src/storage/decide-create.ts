/**
 * A conditional create whose outcome is decided. A lost answer, and every answer that says the object is there, is
 * settled by what stands on the object: our mark means that it is ours, whatever the answer said.
 */
import type { RequestOptions } from './blob-service.ts'
import { isOpen, StorageFault } from './fault.ts'
import type { Requests } from './requests.ts'

export interface Creation {
  readonly key: string
  /** Differs from create to create, and stands on the object that this one makes. */
  readonly mark: string
  readonly signal: AbortSignal | undefined
  readonly sentBytes?: number
}

export type CreateOutcome =
  | { readonly kind: 'created' | 'exists' }
  /** It failed; `mayBeDone` says that a request may still take effect. */
  | { readonly kind: 'failed'; readonly fault: StorageFault; readonly mayBeDone: boolean }

/**
 * Create an object, asking until it is known who made it.
 *
 * @param create one conditional request, the same each time
 */
export async function decideCreate(
  requests: Requests,
  { key, mark, signal, sentBytes }: Creation,
  create: (request: RequestOptions) => Promise<void>,
): Promise<CreateOutcome> {
  let mayBeDone = false
  const onFault = (fault: StorageFault): void => {
    mayBeDone ||= isOpen(fault)
  }
  try {
    await requests.ask(create, { signal, sentBytes, onFault })
    return { kind: 'created' }
  } catch (error) {
    if (!(error instanceof StorageFault)) throw error
    const fault = error
    // Even the first answer we see may be to a request sent twice: what lies between us and the store sends again, too.
    const isClaimed =
      fault.kind === 'exists' || fault.kind === 'missing' || fault.status === 409 || fault.status === 412
    if (!isClaimed && !mayBeDone) return { kind: 'failed', fault, mayBeDone }
    const found = await readMark(requests, key)
    if (found === 'unreadable') return { kind: 'failed', fault, mayBeDone: true }
    if (found === 'absent') return fault.kind === 'exists' ? { kind: 'exists' } : { kind: 'failed', fault, mayBeDone }
    return { kind: found.mark === mark ? 'created' : 'exists' }
  }
}

/** Without the caller's signal: whoever gave up, too, must learn what happened. */
async function readMark(
  requests: Requests,
  key: string,
): Promise<'absent' | 'unreadable' | { mark: string | undefined }> {
  try {
    return { mark: await requests.ask(request => requests.service.readMark(key, request)) }
  } catch (error) {
    if (!(error instanceof StorageFault)) throw error
    return error.kind === 'missing' ? 'absent' : 'unreadable'
  }
}
