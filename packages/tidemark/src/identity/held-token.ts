/**
 * A token kept for as long as it holds. It is asked for anew beside the work while the one before still holds; that this
 * fails is told to nobody until the token has ended, and then to whoever needs one.
 */
import type { AccessToken } from '@azure/identity'
import type { Clock } from '../model/ports.ts'

/** Before its end a token is asked for anew this early. */
const AHEAD_MS = 120_000
/** A token that ends so soon may have ended when it arrives. */
const LAST_MOMENT_MS = 5000
/** After a failure the service of tokens is left alone for so long, while there is a token. */
const PAUSE_MS = 3000
/** A service that has not answered by then is taken to be away. */
const LIMIT_MS = 100_000

export class HeldToken {
  readonly #ask: (signal: AbortSignal) => Promise<AccessToken>
  readonly #clock: Pick<Clock, 'now' | 'monotonic'>
  readonly #limitMs: number
  #held: AccessToken | undefined
  #asking: Promise<AccessToken> | undefined
  #failedAt = Number.NEGATIVE_INFINITY

  constructor(
    ask: (signal: AbortSignal) => Promise<AccessToken>,
    clock: Pick<Clock, 'now' | 'monotonic'>,
    limitMs: number = LIMIT_MS,
  ) {
    this.#ask = ask
    this.#clock = clock
    this.#limitMs = limitMs
  }

  /** Rejects with what the service of tokens failed by, or with the reason of the signal. */
  async get(signal?: AbortSignal): Promise<AccessToken> {
    signal?.throwIfAborted()
    const now = this.#clock.now()
    if (this.#held === undefined || this.#held.expiresOnTimestamp - LAST_MOMENT_MS <= now)
      return await unlessAborted(this.#renew(), signal)
    const { expiresOnTimestamp, refreshAfterTimestamp = expiresOnTimestamp } = this.#held
    const isDue = Math.min(expiresOnTimestamp - AHEAD_MS, refreshAfterTimestamp) <= now
    if (isDue && this.#clock.monotonic() - this.#failedAt >= PAUSE_MS) this.#renew().catch(() => undefined)
    return this.#held
  }

  /** One request at a time, for all who wait. */
  #renew(): Promise<AccessToken> {
    this.#asking ??= this.#askOnce().finally(() => {
      this.#asking = undefined
    })
    return this.#asking
  }

  async #askOnce(): Promise<AccessToken> {
    const limit = AbortSignal.timeout(this.#limitMs)
    try {
      this.#held = await unlessAborted(this.#ask(limit), limit)
      return this.#held
    } catch (error) {
      this.#failedAt = this.#clock.monotonic()
      throw error
    }
  }
}

/** The client of the service of tokens does not look at a signal everywhere. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await work
  const { promise, reject } = Promise.withResolvers<never>()
  const abort = (): void => reject(signal.reason as Error)
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
