/** A fault of the store, as the Problem a user meets. */
import type { Problem } from '../errors/problem.ts'
import {
  STORAGE_BUSY,
  STORAGE_CONTAINER_MISSING,
  STORAGE_LOGIN_FAILED,
  STORAGE_REFUSED,
  STORAGE_UNREACHABLE,
} from '../errors/storage.ts'
import type { StorageFault } from './fault.ts'

/** @param lake the lake's address; `path` the object inside it */
export function storageProblem(fault: StorageFault, lake: string, path: string): Problem {
  const at = { cause: fault }
  const reason = `${fault.message}${path === '' ? '' : `, at ${path}`}`
  switch (fault.kind) {
    case 'nowhere':
      return STORAGE_CONTAINER_MISSING({ lake, code: fault.code }, at)
    case 'login':
      return STORAGE_LOGIN_FAILED({ lake, reason: `no credential could be had (${fault.code})` }, at)
    case 'busy':
    case 'contended':
      return STORAGE_BUSY({ lake, reason }, at)
    case 'unsent':
    case 'unknown':
      return STORAGE_UNREACHABLE({ lake, reason }, at)
    case 'missing':
    case 'exists':
    case 'refused':
      return STORAGE_REFUSED({ lake, reason }, at)
  }
}
