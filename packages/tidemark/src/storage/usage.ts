/** What a store in the cloud cost: each request is one that is paid for, each byte one that travelled. */

/** Requests and bytes since the store was opened. */
export interface StorageUsage {
  readonly requests: number
  readonly sentBytes: number
  readonly receivedBytes: number
}

export class UsageCounter {
  #requests = 0
  #sentBytes = 0
  #receivedBytes = 0

  /** A request goes out, with a body of so many bytes. */
  sent(bytes = 0): void {
    this.#requests += 1
    this.#sentBytes += bytes
  }

  received(bytes: number): void {
    this.#receivedBytes += bytes
  }

  get total(): StorageUsage {
    return { requests: this.#requests, sentBytes: this.#sentBytes, receivedBytes: this.#receivedBytes }
  }
}
