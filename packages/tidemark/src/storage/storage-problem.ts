/** A fault of the store, as the Problem a user meets. */
import type { Problem } from '../errors/problem.ts'
import {
  STORAGE_BUSY,
  STORAGE_CLOCK_WRONG,
  STORAGE_CONTAINER_MISSING,
  STORAGE_LOGIN_FAILED,
  STORAGE_REFUSED,
  STORAGE_UNREACHABLE,
  type StorageParams,
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
    case 'stale':
      return staleLogin(fault, { lake, reason })
    case 'busy':
    case 'contended':
      return STORAGE_BUSY({ lake, reason }, at)
    case 'unsent':
    case 'unknown':
      return STORAGE_UNREACHABLE({ lake, reason }, at)
    case 'missing':
    case 'exists':
    case 'held':
    case 'refused':
      return STORAGE_REFUSED({ lake, reason }, at)
  }
}

/** Logins are refused when the clocks differ by a quarter of an hour. */
const LARGEST_SKEW_MS = 300_000

function staleLogin(fault: StorageFault, { lake, reason }: StorageParams): Problem {
  const { clockAheadMs = 0 } = fault
  const at = { cause: fault }
  if (Math.abs(clockAheadMs) < LARGEST_SKEW_MS)
    return STORAGE_LOGIN_FAILED({ lake, reason: `the store does not accept the login: ${reason}` }, at)
  const minutes = Math.round(Math.abs(clockAheadMs) / 60_000)
  return STORAGE_CLOCK_WRONG({ lake, reason, minutes, side: clockAheadMs > 0 ? 'ahead of' : 'behind' }, at)
}
