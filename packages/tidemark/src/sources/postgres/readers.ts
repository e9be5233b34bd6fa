/**
 * A few connections that all read one exported snapshot, so tables stream side by side and still fit together. They are
 * opened when needed and closed with the snapshot.
 */
import { sql, text } from '../../engine/sql.ts'
import type { PostgresSession } from './session.ts'

export interface ReadersOptions {
  /** Connections at most. */
  limit: number
  open: (signal: AbortSignal) => Promise<PostgresSession>
  /** As `pg_export_snapshot` named it; valid while the exporting transaction is open. */
  snapshot: string
}

export class Readers {
  readonly #options: ReadersOptions
  readonly #idle: PostgresSession[] = []
  readonly #all = new Set<PostgresSession>()
  readonly #queue: (() => void)[] = []
  #busy = 0
  #closed = false

  constructor(options: ReadersOptions) {
    this.#options = options
  }

  /** A session inside the snapshot; waits for a free one. Give it back with `release`. */
  async acquire(signal: AbortSignal): Promise<PostgresSession> {
    await this.#enter(signal)
    try {
      if (this.#closed) throw new TypeError('this is a bug in tidemark: the snapshot is closed')
      return this.#idle.pop() ?? (await this.#open(signal))
    } catch (error) {
      this.#leave()
      throw error
    }
  }

  /** A session whose work failed is closed: its transaction is of no more use. */
  async release(session: PostgresSession, outcome: 'reusable' | 'broken'): Promise<void> {
    this.#leave()
    if (outcome === 'reusable' && !this.#closed) {
      this.#idle.push(session)
      return
    }
    this.#all.delete(session)
    await session.close()
  }

  /** Close all connections; what still reads fails. */
  async close(): Promise<void> {
    this.#closed = true
    const idle = new Set(this.#idle.splice(0))
    for (const session of this.#all) if (!idle.has(session)) session.interrupt()
    await Promise.all([...this.#all].map(session => session.close()))
    this.#all.clear()
  }

  async #open(signal: AbortSignal): Promise<PostgresSession> {
    const session = await this.#options.open(signal)
    this.#all.add(session)
    try {
      await session.begin(signal)
      await session.query(sql`SET TRANSACTION SNAPSHOT ${text(this.#options.snapshot)}`, { signal })
      return session
    } catch (error) {
      this.#all.delete(session)
      await session.close()
      throw error
    }
  }

  async #enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#busy < this.#options.limit) {
      this.#busy += 1
      return
    }
    await new Promise<void>((resolve, reject) => {
      const enter = (): void => {
        signal.removeEventListener('abort', leave)
        resolve()
      }
      const leave = (): void => {
        this.#queue.splice(this.#queue.indexOf(enter), 1)
        reject(signal.reason)
      }
      this.#queue.push(enter)
      signal.addEventListener('abort', leave, { once: true })
    })
  }

  /** The place goes to whoever waits longest, else it is free. */
  #leave(): void {
    const next = this.#queue.shift()
    if (next === undefined) this.#busy -= 1
    else next()
  }
}
