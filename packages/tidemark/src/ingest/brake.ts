/**
 * The brake of a big load: before each part the source is asked how busy others keep it, and while that is too much parts
 * wait. A load comes to its end all the same: a part that has waited for a minute is read, alone.
 */
import type { Clock } from '../model/ports.ts'
import type { SourceSnapshot } from '../sources/source.ts'

/** How long a part waits for a source that stays busy. */
const LONGEST_WAIT_MS = 60_000
const FIRST_PAUSE_MS = 1000
const LONGEST_PAUSE_MS = 15_000

export interface BrakePorts {
  snapshot: Pick<SourceSnapshot, 'workload'>
  clock: Clock
  /** Called with the reason while a part waits, and with nothing when it goes on. */
  hold: (reason: string | undefined) => void
  signal: AbortSignal
}

export class Brake {
  readonly #ports: BrakePorts
  #reading = 0
  #heldMs = 0

  constructor(ports: BrakePorts) {
    this.#ports = ports
  }

  /** Time that parts have waited, all together. */
  get heldMs(): number {
    return this.#heldMs
  }

  /** Read a part when the source lets us. */
  async read<T>(part: () => Promise<T>): Promise<T> {
    await this.#pass()
    try {
      return await part()
    } finally {
      this.#reading -= 1
    }
  }

  /** Counts as reading from the moment it passes, so that no two go on as the only one. */
  async #pass(): Promise<void> {
    const { snapshot, clock, hold, signal } = this.#ports
    let waited = 0
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      const load = await snapshot.workload?.(signal)
      const isBusy = load !== undefined && load.atWork > load.allowed
      if (!isBusy || (waited >= LONGEST_WAIT_MS && this.#reading === 0)) break
      hold(`${load.atWork} sessions of others at work, more than ${load.allowed}`)
      await clock.sleep(pause, signal)
      waited += pause
      this.#heldMs += pause
    }
    this.#reading += 1
    if (waited > 0) hold(undefined)
  }
}
