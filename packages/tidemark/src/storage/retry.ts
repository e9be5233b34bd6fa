/**
 * Trying again: what may pass is tried again after a pause that doubles and is spread by chance, or that the store asked
 * for. Failed tries and pauses of a store come out of one budget, so a run that meets a store in trouble ends in bounded
 * time.
 */
import type { Clock, Ids } from '../model/ports.ts'
import { isPassing, StorageFault } from './fault.ts'

export interface RetryPorts {
  readonly clock: Pick<Clock, 'now' | 'monotonic' | 'sleep'>
  readonly ids: Pick<Ids, 'uuid'>
}

/** Of all requests of a store together, for as long as it is open. */
export interface RetryBudget {
  /** Spent by tries that failed and by the pauses after them. */
  readonly ms: number
  readonly retries: number
}

const BUDGET: RetryBudget = { ms: 900_000, retries: 1000 }
const TRIES = 6
const FIRST_PAUSE_MS = 200
const LONGEST_PAUSE_MS = 20_000
/** A store that asks for more than this is treated as one that is down. */
const LONGEST_ASKED_MS = 120_000

export interface RetryOptions {
  readonly signal: AbortSignal | undefined
  /** Told of every fault before it is decided whether to go on. */
  readonly onFault?: ((fault: StorageFault) => void) | undefined
  /** Told of every pause before it begins. */
  readonly onRetry?: ((pauseMs: number, fault: StorageFault) => void) | undefined
}

export class Retry {
  readonly #ports: RetryPorts
  #left: { ms: number; retries: number }

  constructor(ports: RetryPorts, budget: RetryBudget = BUDGET) {
    this.#ports = ports
    this.#left = { ...budget }
  }

  /** Do the work, again where a StorageFault may pass; rejects with the last fault, and at once with any other error. */
  async run<T>(work: () => Promise<T>, { signal, onFault, onRetry }: RetryOptions): Promise<T> {
    const { clock } = this.#ports
    let hadStaleLogin = false
    for (let tries = 1; ; tries += 1) {
      signal?.throwIfAborted()
      const start = clock.monotonic()
      try {
        return await work()
      } catch (error) {
        if (!(error instanceof StorageFault)) throw error
        this.#left.ms -= clock.monotonic() - start
        onFault?.(error)
        // A login that is refused again after it was renewed is no login.
        const pauseMs = error.kind === 'stale' && hadStaleLogin ? undefined : this.#pause(error, tries)
        if (pauseMs === undefined) throw error
        hadStaleLogin ||= error.kind === 'stale'
        onRetry?.(pauseMs, error)
        await clock.sleep(pauseMs, signal)
      }
    }
  }

  /** How long to wait before the next try; undefined when there is none. */
  #pause(fault: StorageFault, tries: number): number | undefined {
    if (!isPassing(fault) || tries >= TRIES || this.#left.retries < 1) return undefined
    const chance = Number.parseInt(this.#ports.ids.uuid().slice(0, 8), 16) / 0xffff_ffff || 0
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (tries - 1))
    const asked = fault.retryAfterMs ?? 0
    const pauseMs = asked + longest * chance
    if (asked > LONGEST_ASKED_MS || pauseMs > this.#left.ms) return undefined
    this.#left.ms -= pauseMs
    this.#left.retries -= 1
    return pauseMs
  }
}
