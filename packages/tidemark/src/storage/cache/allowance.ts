/**
 * Allowance: how many bytes of a store may be held on this machine at once. It is asked before anything travels, and an object
 * that several hold counts once.
 */
import type { HeldObject } from '@tidemark/delta'
import { STAGING_FULL } from '../../errors/storage.ts'

export interface AllowanceOptions {
  /** Where they are held, for whoever is refused. */
  readonly folder: string
  /** No limit when undefined. */
  readonly limitBytes: number | undefined
}

export class Allowance {
  readonly #options: AllowanceOptions
  readonly #taken = new Map<string, { count: number; readonly size: bigint }>()
  #bytes = 0n

  constructor(options: AllowanceOptions) {
    this.#options = options
  }

  /**
   * Take room for all of the objects, each named once; gives the way to let go of it. One of unknown size takes none.
   *
   * @throws {STAGING_FULL} they do not all fit beside those that are held
   */
  take(objects: readonly HeldObject[]): () => void {
    const { folder, limitBytes } = this.#options
    const fresh = objects.filter(({ path }) => !this.#taken.has(path))
    const needed = fresh.reduce((sum, { size = 0n }) => sum + size, this.#bytes)
    if (limitBytes !== undefined && fresh.length > 0 && needed > BigInt(limitBytes))
      throw STAGING_FULL({ folder, neededBytes: String(needed), limitBytes: String(limitBytes) })
    for (const { path, size = 0n } of objects) {
      const taken = this.#taken.get(path) ?? { count: 0, size }
      taken.count += 1
      this.#taken.set(path, taken)
    }
    this.#bytes = needed
    return () => objects.forEach(({ path }) => this.#drop(path))
  }

  #drop(path: string): void {
    const taken = this.#taken.get(path)
    if (taken === undefined) return
    taken.count -= 1
    if (taken.count > 0) return
    this.#taken.delete(path)
    this.#bytes -= taken.size
  }
}
