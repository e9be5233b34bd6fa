/**
 * HeldFiles: the local files of objects for as long as anybody wants them. Each is brought once, however many ask, and goes
 * with the last who held it.
 */
import { rmSync } from 'node:fs'
import type { HeldObject } from '@tidemark/delta'
import type { Allowance } from './allowance.ts'

export interface HeldFilesOptions {
  /** Make the local file of an object. */
  readonly bring: (object: HeldObject, signal: AbortSignal | undefined) => Promise<void>
  /** Where that file is. */
  readonly locate: (path: string) => string
  readonly allowance: Allowance
}

interface Held {
  count: number
  /** Ends when the object is there. */
  ready: Promise<void>
  /** Of whoever brings it. */
  signal: AbortSignal | undefined
}

/** Objects on their way at the same time, for one caller. */
const LANES = 8

export class HeldFiles {
  readonly #options: HeldFilesOptions
  readonly #held = new Map<string, Held>()

  constructor(options: HeldFilesOptions) {
    this.#options = options
  }

  /**
   * All of the objects, until disposed; or none of them.
   *
   * @throws {STAGING_FULL} before any is brought
   */
  async hold(objects: readonly HeldObject[], signal: AbortSignal | undefined): Promise<AsyncDisposable> {
    const wanted = [...new Map(objects.map(object => [object.path, object])).values()]
    let letGo: (() => void) | undefined = this.#options.allowance.take(wanted)
    const taken: string[] = []
    const release = async (): Promise<void> => {
      await Promise.all(taken.splice(0).map(path => this.#release(path)))
      letGo?.()
      letGo = undefined
    }
    const next = wanted[Symbol.iterator]()
    const lane = async (): Promise<void> => {
      for (const object of next) {
        taken.push(object.path)
        await this.#keep(object, signal)
      }
    }
    const lanes = await Promise.allSettled(Array.from({ length: LANES }, lane))
    const failed = lanes.find(one => one.status === 'rejected')
    if (failed === undefined) return { [Symbol.asyncDispose]: release }
    await release()
    throw failed.reason
  }

  /** Whoever comes first brings the object, the others wait for it; if the first is stopped, another of them brings it. */
  async #keep(object: HeldObject, signal: AbortSignal | undefined): Promise<void> {
    const { path } = object
    const held = this.#held.get(path) ?? { count: 0, ready: this.#begin(object, signal), signal }
    this.#held.set(path, held)
    held.count += 1
    for (;;) {
      const { ready, signal: bringer } = held
      try {
        await ready
        return
      } catch (error) {
        if (bringer === signal || bringer?.aborted !== true) throw error
        signal?.throwIfAborted()
        if (held.ready === ready) Object.assign(held, { ready: this.#begin(object, signal), signal })
      }
    }
  }

  #begin(object: HeldObject, signal: AbortSignal | undefined): Promise<void> {
    const ready = this.#options.bring(object, signal)
    ready.catch(() => undefined)
    return ready
  }

  async #release(path: string): Promise<void> {
    const held = this.#held.get(path)
    if (held === undefined) return
    held.count -= 1
    if (held.count > 0) return
    await held.ready.catch(() => undefined)
    // Somebody may have come meanwhile, or may have released it already.
    if (held.count > 0 || this.#held.get(path) !== held) return
    this.#held.delete(path)
    try {
      // At once: whoever comes next brings it anew.
      rmSync(this.#options.locate(path), { force: true })
    } catch {
      // On Windows an open file stays; it goes with the folder.
    }
  }
}
