/**
 * Trying again: what may pass is tried again after a pause that doubles and is spread by chance, or that the store asked
 * for. All pauses of a store come out of one budget, so a run that meets a store in trouble ends in bounded time.
 */
import type { Clock, Ids } from '../model/ports.ts'
import { isPassing, StorageFault } from './fault.ts'

export interface RetryPorts {
  readonly clock: Pick<Clock, 'now' | 'sleep'>
  readonly ids: Pick<Ids, 'uuid'>
}

const TRIES = 6
const FIRST_PAUSE_MS = 200
const LONGEST_PAUSE_MS = 20_000
/** A store that asks for more than this is treated as one that is down. */
const LONGEST_ASKED_MS = 120_000
/** Of all requests of a store together, for as long as it is open. */
const BUDGET_MS = 600_000

export class Retry {
  readonly #ports: RetryPorts
  #leftMs: number

  constructor(ports: RetryPorts, budgetMs: number = BUDGET_MS) {
    this.#ports = ports
    this.#leftMs = budgetMs
  }

  /**
   * Do the work, again where a StorageFault may pass; rejects with the last fault, and at once with any other error.
   *
   * @param onFault told of every fault before it is decided whether to go on
   */
  async run<T>(
    work: () => Promise<T>,
    { signal, onFault }: { signal: AbortSignal | undefined; onFault?: (fault: StorageFault) => void },
  ): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      signal?.throwIfAborted()
      try {
        return await work()
      } catch (error) {
        if (!(error instanceof StorageFault)) throw error
        onFault?.(error)
        const pauseMs = this.#pause(error, tries)
        if (pauseMs === undefined) throw error
        await this.#ports.clock.sleep(pauseMs, signal)
      }
    }
  }

  /** How long to wait before the next try; undefined when there is none. */
  #pause(fault: StorageFault, tries: number): number | undefined {
    if (!isPassing(fault) || tries >= TRIES) return undefined
    const chance = Number.parseInt(this.#ports.ids.uuid().slice(0, 8), 16) / 0xffff_ffff || 0
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (tries - 1))
    const asked = fault.retryAfterMs ?? 0
    const pauseMs = asked + longest * chance
    if (asked > LONGEST_ASKED_MS || pauseMs > this.#leftMs) return undefined
    this.#leftMs -= pauseMs
    return pauseMs
  }
}
