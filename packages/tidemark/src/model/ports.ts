/**
 * The small interfaces through which everything outside the process is reached. They are passed in, never imported as
 * singletons; tests and the simulator bring their own.
 */
import type { TableStore } from '@tidemark/delta'

export type { ObjectStore } from '@tidemark/delta'

/** Where a lake's tables lie, with all that is needed to open any of them. */
export type LakeStore = Required<TableStore>

export interface Clock {
  /** Milliseconds since 1970 UTC. */
  now(): number
  /** Milliseconds that never jump, for durations and leases. */
  monotonic(): number
  /** Resolve after the given time, or reject with the signal's reason. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export interface Ids {
  /** A random version-4 uuid in its usual text form. */
  uuid(): string
  /** An id for a run: sorts by time to the millisecond, for example `20261122T120003123Z-4f1c2a`. */
  runId(now: number): string
}
