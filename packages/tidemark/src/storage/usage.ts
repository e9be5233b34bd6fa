/** What a store in the cloud cost: each request is one that is paid for, each byte one that travelled. */

/** Requests and bytes since the store was opened. */
export interface StorageUsage {
  readonly requests: number
  /** How many of the requests were made again because one before them had failed. */
  readonly retries: number
  /** Time spent in pauses between them. */
  readonly waitedMs: number
  readonly sentBytes: number
  readonly receivedBytes: number
}

export class UsageCounter {
  #total: StorageUsage = { requests: 0, retries: 0, waitedMs: 0, sentBytes: 0, receivedBytes: 0 }

  /** A request goes out, with a body of so many bytes. */
  sent(bytes = 0): void {
    const { requests, sentBytes } = this.#total
    this.#total = { ...this.#total, requests: requests + 1, sentBytes: sentBytes + bytes }
  }

  retried(pauseMs: number): void {
    const { retries, waitedMs } = this.#total
    this.#total = { ...this.#total, retries: retries + 1, waitedMs: Math.round(waitedMs + pauseMs) }
  }

  received(bytes: number): void {
    this.#total = { ...this.#total, receivedBytes: this.#total.receivedBytes + bytes }
  }

  get total(): StorageUsage {
    return this.#total
  }
}
