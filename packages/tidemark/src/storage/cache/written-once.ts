/**
 * WrittenOnce: in memory, the small objects that are created once and never change: commits, batch records, ends of runs.
 * One run looks at them many times, and each look would be a request.
 */

/** A commit, a record of a batch, the fact of a run. Checkpoints and `_last_checkpoint` are none: they are replaced. */
const WRITTEN_ONCE = /(?:^|\/)_delta_log\/\d{20}\.json$|^system\/(?:batches\/|runs\/[^/]+\.json$)/
/** Bytes kept; what came first goes first. A larger object than a part of it is not kept. */
const LIMIT_BYTES = 32 * 1024 * 1024
const LARGEST_SHARE = 16

export class WrittenOnce {
  readonly #objects = new Map<string, Uint8Array>()
  readonly #limitBytes: number
  #bytes = 0

  constructor(limitBytes: number = LIMIT_BYTES) {
    this.#limitBytes = limitBytes
  }

  get(path: string): Uint8Array | undefined {
    return this.#objects.get(path)
  }

  /** Keep an object that is in the store, if it is one of those. */
  add(path: string, bytes: Uint8Array): void {
    if (!WRITTEN_ONCE.test(path) || bytes.length * LARGEST_SHARE > this.#limitBytes) return
    this.drop(path)
    this.#objects.set(path, bytes)
    this.#bytes += bytes.length
    for (const oldest of this.#objects.keys()) {
      if (this.#bytes <= this.#limitBytes) return
      this.drop(oldest)
    }
  }

  drop(path: string): void {
    this.#bytes -= this.#objects.get(path)?.length ?? 0
    this.#objects.delete(path)
  }
}
