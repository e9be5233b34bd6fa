/**
 * A turnstile lets a fixed number in; who waits longest is next. An abort leaves the queue without taking a place.
 */
export class Turnstile {
  readonly #limit: number
  readonly #queue: (() => void)[] = []
  #inside = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Resolves when there is a place; rejects with the signal's reason. Each success needs one `leave`. */
  async enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.tryEnter()) return
    await new Promise<void>((resolve, reject) => {
      const enter = (): void => {
        signal.removeEventListener('abort', abandon)
        resolve()
      }
      const abandon = (): void => {
        this.#queue.splice(this.#queue.indexOf(enter), 1)
        reject(signal.reason)
      }
      this.#queue.push(enter)
      signal.addEventListener('abort', abandon, { once: true })
    })
  }

  /** Take a place if one is free now; true needs one `leave`. */
  tryEnter(): boolean {
    if (this.#inside >= this.#limit) return false
    this.#inside += 1
    return true
  }

  /** The place goes straight to the next in the queue, so nobody can overtake. */
  leave(): void {
    const next = this.#queue.shift()
    if (next === undefined) this.#inside -= 1
    else next()
  }
}
