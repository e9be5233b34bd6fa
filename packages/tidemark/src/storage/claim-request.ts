/** What is asked of a store when an object is claimed, whichever way its service has for that. */
import type { ClaimOptions } from '@tidemark/delta'
import type { Requests } from './requests.ts'

export interface ClaimRequest extends ClaimOptions {
  readonly requests: Requests
  readonly key: string
  /** Others than those of all who may try, and not empty. */
  readonly bytes: Uint8Array
  readonly newId: () => string
}
